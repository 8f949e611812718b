"""A small Stripe: a simulator of its API, its hosted page and its webhooks, in nothing but Python.

It plays another company. So it imports nothing from the rest of this project, and shares no enums with it:
a mistake about Stripe in one of them must not hide behind the same mistake in the other.
"""

from __future__ import annotations

from .clock import Clock
from .engine import Sandbox
from .mishaps import Turbulence
from .records import Answer, ApiRequest, Delivery, Observer, Outcome, Response, SandboxError
from .unconfirmed import Unconfirmed

__all__ = [
    "Answer",
    "ApiRequest",
    "Clock",
    "Delivery",
    "Observer",
    "Outcome",
    "Response",
    "Sandbox",
    "SandboxError",
    "Turbulence",
    "Unconfirmed",
]
