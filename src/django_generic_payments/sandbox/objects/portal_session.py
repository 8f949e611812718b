"""https://docs.stripe.com/api/customer_portal/sessions/object"""

from __future__ import annotations

from django_generic_payments.sandbox.json_object import JsonObject
from django_generic_payments.sandbox.state import State

__all__ = ["CONFIGURATION", "PORTAL_PATH", "portal_session"]

#: The account has one configuration of the portal, and nothing can be configured.
CONFIGURATION = "bpc_1SandboxDefaultConfiguration"

PORTAL_PATH = "/p/session/"


def portal_session(state: State, params: JsonObject) -> JsonObject:
    """Build one visit of a customer to the billing portal; who has the address needs no password."""
    secret = f"{'live' if state.livemode else 'test'}_{state.token(60)}"
    return {
        "id": state.new_id("bps_1"),
        "object": "billing_portal.session",
        "configuration": CONFIGURATION,
        "created": state.clock.now(),
        "customer": params["customer"],
        "customer_account": None,
        "flow": None,
        "livemode": state.livemode,
        "locale": params.get("locale"),
        "on_behalf_of": None,
        "return_url": params.get("return_url"),
        "url": f"{state.checkout_base}{PORTAL_PATH}{secret}",
    }
