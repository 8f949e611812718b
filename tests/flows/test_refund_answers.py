"""What Stripe may say when it is asked to send money back: only a refusal is a failure."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest
from django.db import OperationalError, connection, transaction

from django_generic_payments.enums import RefundStatus
from django_generic_payments.exceptions import GatewayUnavailable, RefundRefused
from django_generic_payments.gateway import in_process
from django_generic_payments.models import Refund
from django_generic_payments.money import Money
from django_generic_payments.services import refund_payment, start_checkout
from django_generic_payments.signals import payment_succeeded
from tests.flows.account import post, sent
from tests.flows.coherence import assert_coherent, heard
from tests.shop.models import Booking

pytestmark = [pytest.mark.django_db, pytest.mark.core]

REFUNDS = "/v1/refunds"
PART = Money(4_00, "gbp")


def refunds_at_stripe(stripe, session):
    return [each["amount"] for each in stripe.sandbox.refunds(session.stripe_checkout_session_id)]


def answering(stripe, status, *, method="POST", **error):
    """Return a Stripe that answers with an error wherever refunds are asked for in this way, and as usual elsewhere."""

    def handler(asked, url, headers, body):
        if asked.upper() == method and REFUNDS in url:
            return status, {}, json.dumps({"error": error}).encode()
        answer = stripe.sandbox.handle(asked, url, headers, body)
        return answer.status, answer.headers, answer.body

    return in_process(handler)


BUSY = [
    (409, {"type": "idempotency_error", "code": "idempotency_key_in_use"}),
    (400, {"type": "idempotency_error", "code": "idempotency_key_in_use"}),
    (429, {"type": "invalid_request_error", "code": "lock_timeout"}),
    (400, {"type": "invalid_request_error", "code": "lock_timeout"}),
    (429, {"type": "invalid_request_error", "code": "rate_limit"}),
    (400, {"type": "invalid_request_error", "code": "rate_limit"}),
]


@pytest.mark.parametrize(("status", "error"), BUSY)
def test_a_stripe_that_is_busy_has_refused_nothing(stripe, booking, session, status, error):
    with answering(stripe, status, **error), pytest.raises(GatewayUnavailable):
        refund_payment(session, PART)

    assert Refund.objects.get().status == RefundStatus.REQUESTED
    assert heard(booking) == ["payment_succeeded"]
    refund_payment(session, PART)
    stripe.deliver()
    assert_coherent(session)
    assert refunds_at_stripe(stripe, session) == [4_00]


@pytest.mark.parametrize(
    "code", ["charge_disputed", "balance_insufficient", "payment_intent_unexpected_state"]
)
def test_what_stripe_refuses_has_failed(stripe, booking, session, code):
    with (
        answering(stripe, 400, type="invalid_request_error", code=code, message="No."),
        pytest.raises(RefundRefused, match=code),
    ):
        refund_payment(session, PART)

    assert (Refund.objects.get().status, Refund.objects.get().failure_reason) == (RefundStatus.FAILED, code)
    assert heard(booking) == ["payment_succeeded", "refund_failed"]


def test_what_was_sent_before_with_fewer_parameters_is_found_at_stripe(stripe, booking, session):
    """A newer version of this package may ask for more than the one did that never got its answer."""
    stripe.sandbox.fail_next("connection_lost_after", path=REFUNDS)
    with pytest.raises(GatewayUnavailable):
        refund_payment(session, PART)
    asked = json.loads(Refund.objects.get().stripe_params)
    Refund.objects.update(stripe_params=json.dumps({**asked, "reason": "duplicate"}))

    refund_payment(session, PART)

    stripe.deliver()
    assert_coherent(session)
    assert refunds_at_stripe(stripe, session) == [4_00]
    assert heard(booking) == ["payment_succeeded", "payment_refunded"]


def test_a_key_that_stripe_knows_from_something_else_is_no_refusal(stripe, booking, session):
    stripe.sandbox.fail_next("connection_lost_before", path=REFUNDS)
    with pytest.raises(GatewayUnavailable):
        refund_payment(session, PART)
    keyed = {
        "Authorization": f"Bearer {stripe.sandbox.secret_key}",
        "Idempotency-Key": f"gp-re-{Refund.objects.get().pk}",
    }
    params = {"payment_intent": session.stripe_payment_intent_id, "amount": "1"}
    assert stripe.sandbox.handle("POST", REFUNDS, keyed, urlencode(params)).status == 200

    with pytest.raises(GatewayUnavailable):
        refund_payment(session, PART)

    assert Refund.objects.get().status == RefundStatus.REQUESTED
    assert heard(booking) == ["payment_succeeded"]


def test_that_we_may_not_look_for_a_refund_says_nothing_of_it(stripe, session):
    stripe.sandbox.fail_next("500", path=REFUNDS)
    for _ in range(2):
        with (
            answering(stripe, 400, method="GET", type="invalid_request_error", code="testmode_charges_only"),
            pytest.raises(GatewayUnavailable),
        ):
            refund_payment(session, PART)

    assert Refund.objects.get().status == RefundStatus.REQUESTED


def test_an_answer_that_could_not_be_written_down_is_taken_up_again(stripe, booking, session):
    faults = iter([OperationalError("The database is gone.")])

    def fail_once(execute, sql, params, many, context):
        if sql.startswith("INSERT") and "generic_payments_transaction" in sql:
            for fault in faults:
                raise fault
        return execute(sql, params, many, context)

    with connection.execute_wrapper(fail_once):
        refund = refund_payment(session, PART)
    assert (
        refund.status == RefundStatus.REQUESTED
    )  # and no error, which would have the caller send it once more

    refund_payment(session, PART)

    stripe.deliver()
    assert_coherent(session)
    assert refunds_at_stripe(stripe, session) == [4_00]


def test_a_refund_that_a_receiver_takes_back_is_not_sent(stripe, booking, connect):
    def thinks_better_of_it(session, **kwargs):
        with transaction.atomic():
            refund_payment(session)
            transaction.set_rollback(True)

    connect(payment_succeeded, thinks_better_of_it, uid="tests.thinks", sender=Booking)
    session = start_checkout(booking)
    stripe.pay(session, deliver=False)

    assert post(stripe, sent(stripe, "checkout.session.completed")) == 200

    assert_coherent(session)
    assert (Refund.objects.count(), refunds_at_stripe(stripe, session)) == (0, [])
