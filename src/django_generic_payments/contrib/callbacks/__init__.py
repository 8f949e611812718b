"""Callbacks: every payment event is also sent to other services, as a signed webhook after Standard Webhooks."""

from __future__ import annotations
