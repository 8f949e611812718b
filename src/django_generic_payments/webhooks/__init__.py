"""What Stripe says unasked: verify (intake), store and apply once (inbox), by a table of event types (handlers)."""

from __future__ import annotations

from django_generic_payments.webhooks.inbox import receive
from django_generic_payments.webhooks.intake import StripeEvent, read_event

__all__ = ["StripeEvent", "read_event", "receive"]
