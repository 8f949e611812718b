"""How often one caller may ask."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework.settings import api_settings
from rest_framework.throttling import ScopedRateThrottle

__all__ = ["RATES", "PaymentsThrottle"]

#: What holds where the project's ``DEFAULT_THROTTLE_RATES`` names no rate for a scope; ``None`` there means no limit.
RATES = {
    "payments_checkout": "20/min",
    "payments_status": "120/min",
    "payments_sync": "20/min",
    "payments_refunds": "60/min",
}


class PaymentsThrottle(ScopedRateThrottle):
    """Limits each view by its ``payments_scope``, for each user, or each address of somebody without an account."""

    # Not DRF's name for it: a project that throttles by scope would have to name a rate for ours.
    scope_attr = "payments_scope"

    def get_rate(self) -> Any:
        """Return the project's rate of the scope, or ours."""
        rates: Mapping[str, Any] = api_settings.DEFAULT_THROTTLE_RATES or {}
        scope = str(self.scope)
        return rates.get(scope, RATES.get(scope))
