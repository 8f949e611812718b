"""Where payers are sent: to our own hosts and those that are allowed, and nowhere else."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from django.urls import NoReverseMatch, reverse
from django.utils.http import url_has_allowed_host_and_scheme

from django_generic_payments.conf import get_settings
from django_generic_payments.enums import SessionStatus
from django_generic_payments.exceptions import ConfigurationError, UnsafeRedirect
from django_generic_payments.models import PaymentSession
from django_generic_payments.payables import call_optional

__all__ = ["CHECKOUT_SESSION_ID", "checked_url", "landing_url", "return_url"]

#: Stripe replaces this by the id of the Checkout Session, unless it is escaped.
#: Source: https://docs.stripe.com/payments/checkout/custom-success-page.
CHECKOUT_SESSION_ID = "{CHECKOUT_SESSION_ID}"


_UNPRINTED = re.compile(r"[\s\x00-\x1f\x7f]|%0[ad]", re.IGNORECASE)


def checked_url(url: str | None) -> str:
    """
    Return the URL as an absolute one, ``""`` for none.

    Raises ``UnsafeRedirect`` unless it is a path, or leads to our own host or one of ``ALLOWED_REDIRECT_HOSTS``, by
    https when we are reached by https; also for blanks and control characters, which Stripe takes in no address.
    """
    if not url:
        return ""
    settings = get_settings()
    base = urlsplit(settings.base_url)
    if _UNPRINTED.search(url) or not url_has_allowed_host_and_scheme(
        url,
        allowed_hosts={base.netloc, *settings.ALLOWED_REDIRECT_HOSTS},
        require_https=base.scheme == "https",
    ):
        raise UnsafeRedirect(
            f"Payers are not sent to {url[:200]!r}. Use a path of this site, "
            "or add the host to GENERIC_PAYMENTS['ALLOWED_REDIRECT_HOSTS']."
        )
    if urlsplit(url).netloc:
        return url if urlsplit(url).scheme else f"{base.scheme}:{url}"
    return settings.base_url + (url if url.startswith("/") else f"/{url}")


def return_url(session: PaymentSession) -> str:
    """Return the absolute address at which Stripe hands the payer back to us. Raises ``ConfigurationError``."""
    try:
        return get_settings().base_url + reverse("generic_payments:return", args=[session.pk])
    except NoReverseMatch as error:
        raise ConfigurationError(
            'Payers have no way back from the checkout. Add path("payments/", include("django_generic_payments.urls")) '
            "to the project's urlpatterns."
        ) from error


def landing_url(session: PaymentSession, *, canceled: bool = False) -> str:
    """
    Return where the payer lands after the checkout, ``""`` for our own plain page.

    In this order: the ``success_url`` that was given, the payable's ``get_payment_return_url(session)``, its
    ``get_absolute_url()``. A payer who ``canceled`` and has not paid is not sent to the first, and to the payable's
    ``get_payment_cancel_url(session)`` before the others.
    """
    turned_back = canceled and SessionStatus(session.status).is_open
    if session.success_url and not turned_back:
        return session.success_url.replace(CHECKOUT_SESSION_ID, session.stripe_checkout_session_id or "")
    payable = session.registered_type.load(session.payable_id)
    if payable is None:
        return ""
    purpose = {"purpose": session.purpose} if session.purpose else {}
    names = (
        ("get_payment_cancel_url", "get_payment_return_url") if turned_back else ("get_payment_return_url",)
    )
    for name in names:
        if hasattr(payable, name):
            return str(getattr(payable, name)(session, **purpose))
    return str(call_optional(payable, "get_absolute_url", "") or "")
