"""The billing portal's page: what the customer's browser gets for the address of a portal session.

https://docs.stripe.com/customer-management
"""

from __future__ import annotations

from . import pages
from .engine import Sandbox
from .hosted_page import PageAnswer
from .objects.portal_session import PORTAL_PATH

__all__ = ["PORTAL_PATH", "respond"]

NO_SESSION = "Perhaps the address is incomplete, or the sandbox was restarted without a file of its state."


def respond(sandbox: Sandbox, path: str) -> PageAnswer:
    """Answer the browser, for a path that begins with `PORTAL_PATH`."""
    state = sandbox.state
    with state.lock:
        sessions = state.tables.get("billing_portal.session", {}).values()
        # The server's address may have changed since, as it does when a sandbox is served anew.
        session = next((each for each in sessions if each["url"].endswith(path)), None)
        if session is None:
            return PageAnswer(404, pages.notice("There is no such portal session.", NO_SESSION))
        customer = state.tables["customer"][session["customer"]]
        methods = [
            each for each in state.newest_first("payment_method") if each["customer"] == customer["id"]
        ]
        return PageAnswer(200, pages.portal(session, customer, methods))
