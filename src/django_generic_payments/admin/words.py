"""How values are written for staff: masked, linked, or as a badge."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from django.utils.html import format_html

from django_generic_payments.conf import STRIPE_API_BASE, get_settings
from django_generic_payments.money import format_amount

__all__ = ["amount_or_none", "badge", "mask_email", "mask_emails", "mask_name", "mask_phone", "stripe_link"]

# By the prefix of an id. A refund or a Checkout Session has no page of its own there.
_DASHBOARD = {
    "pi": "payments",
    "ch": "payments",
    "py": "payments",
    "cus": "customers",
    "du": "disputes",
    "dp": "disputes",
    "evt": "events",
}
_TONES = {
    "good": {"succeeded", "processed", "delivered", "won"},
    "warning": {
        "owed",
        "requires_action",
        "needs_response",
        "warning_needs_response",
        "appeal_needs_response",
        "review",
    },
    "bad": {"failed", "dead", "lost"},
    "live": {"live"},
}
_LOCAL_PART = re.compile(r"(\S)\S*(?=@)")


def mask_email(address: str) -> str:
    """Leave the first letter of an e-mail address, and the domain."""
    local, at, domain = address.rpartition("@")
    return f"{local[:1]}…@{domain}" if at else f"{domain[:1]}…" * bool(domain)


def mask_emails(text: str) -> str:
    """Mask the e-mail addresses in a text that somebody wrote."""
    return _LOCAL_PART.sub(r"\1…", text)


def mask_name(name: str) -> str:
    """Leave the initials of a name."""
    return " ".join(f"{word[0]}…" for word in name.split())


def mask_phone(phone: str) -> str:
    """Leave the last two digits of a telephone number."""
    return f"…{phone[-2:]}" if len(phone) > 4 else "…" * bool(phone)


def stripe_link(identifier: str | None, *, livemode: bool) -> str | None:
    """Return a link to an object in Stripe's dashboard; the plain id if it has no page there or is a sandbox's."""
    if not identifier:
        return None
    page = _DASHBOARD.get(identifier.partition("_")[0])
    if page is None or get_settings().STRIPE_API_BASE.rstrip("/") != STRIPE_API_BASE:
        return identifier
    mode = "" if livemode else "test/"
    address = f"https://dashboard.stripe.com/{mode}{page}/{quote(identifier, safe='')}"
    return format_html('<a href="{}" target="_blank" rel="noopener noreferrer">{}</a>', address, identifier)


def badge(value: str, label: Any) -> str:
    """Return a word that stands out, in the colour of what it means."""
    tone = next((tone for tone, values in _TONES.items() if value in values), "plain")
    return format_html('<span class="payments-badge payments-{}">{}</span>', tone, label)


def amount_or_none(amount: int | None, currency: str) -> str | None:
    """Return an amount for people to read, ``None`` if it is not known."""
    return None if amount is None else format_amount(amount, currency)
