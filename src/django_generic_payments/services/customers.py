"""Payers with an account, and their customers at Stripe."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from django_generic_payments.conf import get_settings
from django_generic_payments.exceptions import ErrorRepeated, GatewayRefused, PayableError
from django_generic_payments.gateway import get_gateway
from django_generic_payments.models import Customer
from django_generic_payments.services.facts import MARKER_APP
from django_generic_payments.services.redirects import checked_url

__all__ = ["customer_for", "customer_portal_url", "ensure_stripe_customer", "replace_stripe_customer"]

# How many keys are tried after one under which Stripe keeps an error.
_MORE_KEYS = 5


def customer_portal_url(customer: Customer, *, return_url: str) -> str:
    """
    Return an address at Stripe where a customer sees and changes their payment methods; it is short-lived.

    ``return_url`` leads to our own or allowed hosts. Raises ``PayableError`` for a guest, who has no customer at
    Stripe, ``UnsafeRedirect``, or a ``GatewayError``. Source: https://docs.stripe.com/customer-management.
    """
    back = checked_url(return_url)
    stripe_id = ensure_stripe_customer(customer)
    if not stripe_id:
        raise PayableError(
            f"{customer} is a guest and has no customer at Stripe. Only payers with an account have one."
        )
    return get_gateway().create_portal_session(stripe_id, back)


def customer_for(user: Any, *, livemode: bool) -> Customer:
    """Return the row of a user in this mode, made if it is not there."""
    mine = Customer.objects.filter(user=user, livemode=livemode)
    known = mine.first()
    if known is not None:
        return known
    made = Customer(user=user, livemode=livemode, email=_email(user)[:254], name=_name(user)[:255])
    return made if Customer.objects.insert_once(made) else mine.get()


def ensure_stripe_customer(
    customer: Customer, *, replacing: str = "", with_email: bool = True, patient: bool = True
) -> str:
    """
    Return the id of the customer at Stripe, made there if need be; ``""`` for a guest, who gets none of our making.

    Raises as the gateway does. Source: https://docs.stripe.com/api/customers/create.
    """
    if customer.stripe_customer_id or customer.user_id is None:
        return customer.stripe_customer_id or ""
    metadata = {MARKER_APP: get_settings().APP_NAME, "generic_payments_customer": str(customer.pk)}
    params: dict[str, Any] = {"metadata": metadata}
    email = customer.email if with_email else ""
    params |= {key: value for key, value in (("email", email), ("name", customer.name)) if value}
    # The key names what is sent: a retry with the same details is the same request, and other details are another.
    digest = hashlib.sha256(json.dumps([params, replacing], sort_keys=True).encode()).hexdigest()[:16]
    try:
        stripe_id = get_gateway(patient=patient).create_customer(
            params, idempotency_key=f"gp-cu-{customer.pk}-{digest}"
        )
    except ErrorRepeated:
        # Each error that is kept leads to the next key, which leads on in the same way if it is tried again.
        if replacing.count("+") == _MORE_KEYS:
            raise
        return ensure_stripe_customer(
            customer, replacing=f"{replacing}+", with_email=with_email, patient=patient
        )
    except GatewayRefused as error:
        # Nobody is kept from paying by an address that this site took and Stripe does not.
        if not email or error.param != "email":
            raise
        return ensure_stripe_customer(customer, replacing=replacing, with_email=False, patient=patient)
    unclaimed = Customer.objects.filter(pk=customer.pk, stripe_customer_id__isnull=True)
    if unclaimed.update(stripe_customer_id=stripe_id):
        customer.stripe_customer_id = stripe_id
    else:
        customer.refresh_from_db(fields=["stripe_customer_id"])
    return customer.stripe_customer_id or ""


def replace_stripe_customer(customer: Customer, *, patient: bool = True) -> str:
    """Make another customer in place of one that Stripe no longer has, and return its id."""
    gone = customer.stripe_customer_id or ""
    Customer.objects.filter(pk=customer.pk, stripe_customer_id=gone).update(stripe_customer_id=None)
    customer.stripe_customer_id = None
    return ensure_stripe_customer(customer, replacing=gone, patient=patient)


def _email(user: Any) -> str:
    field = getattr(user.__class__, "EMAIL_FIELD", None) or "email"
    return str(getattr(user, field, "") or "")


def _name(user: Any) -> str:
    full_name = getattr(user, "get_full_name", None)
    return str(full_name() or "") if callable(full_name) else ""
