"""Optional neighbours of the core, each named after what it needs: the core knows none of them."""

from __future__ import annotations
