"""Errors are told to Sentry, without anything that is secret or personal."""

from __future__ import annotations

import re
from typing import Any

import sentry_sdk

# E-mail addresses, keys of Stripe, and the ids that open a pay link or a booking to whoever has them.
PRIVATE = re.compile(
    r"[^\s@'\"(<=]+@[^\s@'\")>]+"
    r"|\b(?:sk|rk|pk|whsec|\w+_secret)_[A-Za-z0-9_*]+"
    r"|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"
)


def report_errors(dsn: str) -> None:
    """Send every error to this project of Sentry."""
    # send_default_pii is left out: it is off, and newer versions warn of whoever says so.
    sentry_sdk.init(
        dsn=dsn,
        before_send=without_private_data,
        # The body of a webhook names the payer, and so do the forms.
        max_request_body_size="never",
        # They hold the same, and the secret key.
        include_local_variables=False,
        # They are what was logged and called before the error, and anything may be in there.
        max_breadcrumbs=0,
        # Stripe need not know of Sentry.
        trace_propagation_targets=[],
    )


def without_private_data(event: dict[str, Any], _hint: dict[str, Any]) -> dict[str, Any]:
    """Leave of a request its method alone, and mask what is private in every text."""
    if "request" in event:
        event["request"] = {"method": event["request"].get("method")}
    return masked(event)


def masked(value: Any) -> Any:
    """Mask every text in a value, and keep its first line: below it, PostgreSQL shows the row it refused."""
    if isinstance(value, dict):
        return {name: masked(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [masked(each) for each in value]
    return PRIVATE.sub("…", value.partition("\n")[0]) if isinstance(value, str) else value
