"""
Asking Stripe for the checkout of a session, which is safe to repeat.

Stripe is asked with no transaction open and a key made from our row; a short transaction stores the answer. A call that
dies in between is resumed by the next one, by the pay link or by a worker, with the same key and the same parameters.
"""

from __future__ import annotations

import json
import logging
from typing import Any

from django.utils import timezone

from django_generic_payments.conf import get_settings
from django_generic_payments.enums import Cause, EventKind, SessionStatus
from django_generic_payments.exceptions import (
    CheckoutClosed,
    ErrorRepeated,
    GatewayRefused,
    GatewayUnavailable,
)
from django_generic_payments.gateway import KEY_IS_KEPT_FOR, CheckoutSession, get_gateway
from django_generic_payments.models import PaymentSession
from django_generic_payments.services.closing import Announcement, close, expire
from django_generic_payments.services.customers import ensure_stripe_customer, replace_stripe_customer
from django_generic_payments.services.facts import Learnt
from django_generic_payments.services.sync import learn

__all__ = ["finish_opening", "open_checkout"]

logger = logging.getLogger("django_generic_payments")


def open_checkout(
    session: PaymentSession, *, patient: bool = True, refusal: Announcement | None = None
) -> PaymentSession:
    """
    Ask Stripe for the checkout of a session that has none yet; harmless to repeat.

    ``refusal`` is what receivers are told if Stripe refuses it, where no caller is there to hear of it. Raises
    ``CheckoutClosed`` if the session ended meanwhile, or a ``GatewayError``.
    """
    if session.stripe_checkout_session_id:
        return session
    if session.has_ended or session.livemode != get_settings().livemode:
        raise CheckoutClosed("This payment session has ended. Start a new checkout.", session=session)
    try:
        checkout = _ask_stripe(session, patient=patient)
    except GatewayRefused as error:
        # Refused for good: nothing exists at Stripe, so that the slot is free for another try.
        close(session, "failed_at", last_error=str(error), announce=refusal)
        raise
    return _store_answer(session, checkout)


def finish_opening(session: PaymentSession) -> bool:
    """
    Finish what somebody began who never heard Stripe's answer; return whether that is done.

    Nobody was given an address to pay at, so that no money can be on its way. After a day nobody comes back for it
    either: receivers hear ``payment_expired``, or ``payment_failed`` where Stripe refuses the checkout. Raises a
    ``GatewayError`` if the answer is lost again.
    """
    learnt = Learnt(Cause.RECONCILIATION)
    if session.created <= timezone.now() - KEY_IS_KEPT_FOR:
        close(session, "expired_at", announce=(EventKind.PAYMENT_EXPIRED, learnt))
        return True
    try:
        open_checkout(session, patient=False, refusal=(EventKind.PAYMENT_FAILED, learnt))
    except CheckoutClosed:
        pass  # somebody called it off at the same moment
    except GatewayRefused as error:
        logger.error("Stripe refuses the checkout of session %s, which has failed: %s", session.pk, error)
    return True


def _ask_stripe(session: PaymentSession, *, patient: bool) -> CheckoutSession:
    gateway = get_gateway(patient=patient)
    params = json.loads(session.stripe_params)
    customer = session.customer
    stripe_customer = ensure_stripe_customer(customer, patient=patient) if customer is not None else ""
    try:
        return gateway.create_checkout_session(**_request(session, params, stripe_customer))
    except ErrorRepeated:
        # Nobody was given an address to pay at: should there be a checkout after all, it can never be paid.
        logger.warning("Stripe repeats an error for session %s; it is asked under another key.", session.pk)
    except GatewayRefused as error:
        if customer and stripe_customer and error.code == "resource_missing" and error.param == "customer":
            # The customer was deleted at Stripe, or belongs to the account of other keys.
            stripe_customer = replace_stripe_customer(customer, patient=patient)
        elif error.param == "customer_email" and params.pop("customer_email", None):
            # It would only have been filled in for the payer: it keeps nobody from paying.
            session.stripe_params = json.dumps(params, sort_keys=True)
        else:
            raise
    session.key_number += 1
    session.save(update_fields=["key_number", "stripe_params"])
    return gateway.create_checkout_session(**_request(session, params, stripe_customer))


def _store_answer(session: PaymentSession, checkout: CheckoutSession) -> PaymentSession:
    session = learn(session, checkout, Learnt(Cause.PERSON))
    if not session.has_ended and session.stripe_checkout_session_id != checkout.id:
        # It was asked for under another name of this project, or in the other mode, and will never be ours.
        session = close(session, "failed_at", last_error="The checkout carries another mark.")
    if session.has_ended and checkout.status == "open":
        # Perhaps a twin has closed it already: the answer to a repeated call is as old as the first call.
        session.stripe_checkout_session_id = checkout.id
        session = expire(session)
    if session.has_ended:
        raise CheckoutClosed(
            "The checkout was closed while it was being opened. Start again.", session=session
        )
    if not session.stripe_checkout_url and SessionStatus(session.status).is_open:
        raise GatewayUnavailable("Stripe's answer has no address to pay at. Safe to call again.")
    return session


def _request(session: PaymentSession, params: dict[str, Any], stripe_customer: str) -> dict[str, Any]:
    whole = {**params, "customer": stripe_customer} if stripe_customer else params
    return {"params": whole, "idempotency_key": f"gp-cs-{session.pk}-{session.key_number}"}
