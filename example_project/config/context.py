"""What every page says of payments."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def payments(request: HttpRequest) -> dict[str, str]:
    """Tell templates where payments go: to a ``sandbox``, to Stripe's ``test`` mode, ``live``, or nowhere (``off``)."""
    configured = settings.GENERIC_PAYMENTS
    if not configured["ENABLED"]:
        return {"payments_go_to": "off"}
    if "STRIPE_API_BASE" in configured:
        return {"payments_go_to": "sandbox"}
    is_test = configured["STRIPE_SECRET_KEY"].startswith(("sk_test_", "rk_test_"))
    return {"payments_go_to": "test" if is_test else "live"}
