"""The pages a payer passes through."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone

from django_generic_payments.enums import ReviewReason, SessionStatus
from django_generic_payments.models import PaymentSession
from django_generic_payments.services import cancel_checkout, start_checkout
from django_generic_payments.testing import override_payments
from tests.shop.models import Booking, Order

pytestmark = [pytest.mark.core, pytest.mark.django_db]

DEBIT = "AT611904300234573201"


def checkout_url(payable, name="booking"):
    return f"/payments/checkout/{name}/{payable.pk}/"


def pay_url(session):
    return f"/payments/pay/{session.pk}/"


def return_url(session):
    return f"/payments/return/{session.pk}/"


def retrievals(stripe):
    return [call for call in stripe.sandbox.requests if call.method == "GET"]


@pytest.fixture
def booking():
    return Booking.objects.create()


@pytest.fixture
def session(stripe, booking):
    return start_checkout(booking)


# The button's target.


def test_a_guest_is_sent_to_the_checkout(stripe, client, booking):
    response = client.post(checkout_url(booking))

    session = PaymentSession.objects.get()
    assert response.status_code == 303
    assert response["Location"] == session.stripe_checkout_url
    assert (session.owner, session.customer) == (None, None)


def test_somebody_with_an_account_pays_as_themselves(stripe, client, user):
    booking = Booking.objects.create(owner=user)
    client.force_login(user)

    response = client.post(checkout_url(booking))

    session = PaymentSession.objects.get()
    assert response["Location"] == session.stripe_checkout_url
    assert session.owner == user
    assert session.customer.user == user


def test_a_second_press_leads_to_the_same_checkout(stripe, client, booking):
    first, second = client.post(checkout_url(booking)), client.post(checkout_url(booking))

    assert first["Location"] == second["Location"]
    assert PaymentSession.objects.count() == 1


@pytest.mark.parametrize("method", ["get", "head", "put", "delete"])
def test_nothing_is_opened_but_by_post(stripe, client, booking, method):
    response = getattr(client, method)(checkout_url(booking))

    assert response.status_code == 405
    assert not PaymentSession.objects.exists()


def test_nothing_is_opened_without_a_csrf_token(stripe, booking):
    assert Client(enforce_csrf_checks=True).post(checkout_url(booking)).status_code == 403
    assert not PaymentSession.objects.exists()


@pytest.mark.parametrize(
    "path",
    [
        "unknown/1/",
        "shop.booking/1/",
        "booking/0/",
        "booking/x/",
        "booking/%00/",
        "shop.order/1/",
        "booking/1/2/",
        "Booking/1/",
    ],
)
def test_what_is_not_there_is_not_found(stripe, client, path):
    Booking.objects.create(pk=1)

    assert client.post(f"/payments/checkout/{path}").status_code == 404
    assert not PaymentSession.objects.exists()


def test_what_belongs_to_somebody_else_is_not_found(stripe, client, user, django_user_model):
    booking = Booking.objects.create(owner=user)
    client.force_login(django_user_model.objects.create_user("eve"))

    assert client.post(checkout_url(booking)).status_code == 404
    assert Client().post(checkout_url(booking)).status_code == 404
    assert not PaymentSession.objects.exists()


@pytest.mark.parametrize(
    "data", [{"purpose": "deposit"}, {"purpose": "a" * 1000}, {"currency": "usd"}, {"currency": "x\x00"}]
)
def test_a_purpose_or_price_that_does_not_exist_is_not_found(stripe, client, booking, data):
    assert client.post(checkout_url(booking), data).status_code == 404
    assert not PaymentSession.objects.exists()


def test_purpose_and_currency_choose_what_is_paid(stripe, client):
    order = Order.objects.create()

    client.post(checkout_url(order, "shop.order"), {"purpose": "shipping", "currency": "JPY"})

    session = PaymentSession.objects.get()
    assert (session.purpose, session.amount, session.currency) == ("shipping", 5000, "jpy")


def test_what_a_visitor_sends_changes_no_price(stripe, client, booking):
    data = {
        "amount": "1",
        "success_url": "https://evil.example/",
        "description": "x",
        "customer": "cus_1",
        "metadata": "x",
    }

    client.post(checkout_url(booking), data)

    session = PaymentSession.objects.get()
    assert (session.amount, session.success_url, session.customer) == (12_50, "", None)
    assert session.description == f"Deposit for booking {booking.pk}"
    assert session.metadata == {}


def test_who_has_paid_lands_where_they_would_after_paying(stripe, client):
    order = Order.objects.create()
    session = start_checkout(order)
    stripe.pay(session)

    response = client.post(checkout_url(order, "shop.order"))

    assert response.status_code == 303
    assert response["Location"].startswith(f"/orders/{order.pk}/?payment={session.pk}")
    assert PaymentSession.objects.count() == 1


def test_who_is_waiting_for_their_bank_lands_there_too(stripe, client):
    booking = Booking.objects.create(currency="eur")
    stripe.pay(start_checkout(booking), iban=DEBIT)

    response = client.post(checkout_url(booking))

    assert response.status_code == 200
    assert "Your bank is processing the payment" in response.content.decode()
    assert PaymentSession.objects.count() == 1


def test_nothing_due_is_told_and_not_charged(stripe, client):
    response = client.post(checkout_url(Booking.objects.create(deposit=0)))

    assert response.status_code == 409
    assert "There is nothing to pay here" in response.content.decode()


def test_payments_that_are_off_open_nothing(stripe, client, booking):
    with override_payments(ENABLED=False):
        response = client.post(checkout_url(booking))

    assert response.status_code == 409
    assert not PaymentSession.objects.exists()


@pytest.mark.parametrize("kind", ["connection_lost_before", "connection_lost_after", "503", "429"])
def test_while_stripe_is_away_the_payer_is_asked_to_come_again_and_nothing_is_lost(
    stripe, client, booking, kind
):
    stripe.sandbox.fail_next(kind)

    response = client.post(checkout_url(booking))

    assert response.status_code == 503
    assert response["Retry-After"] == "10"
    assert "You have not been charged" in response.content.decode()
    waiting = PaymentSession.objects.get()
    assert (waiting.status, waiting.slot) == (SessionStatus.CREATED, waiting.full_slot)

    again = client.post(checkout_url(booking))

    waiting.refresh_from_db()
    assert again["Location"] == waiting.stripe_checkout_url
    assert PaymentSession.objects.count() == 1
    assert len(stripe.sandbox.state.tables["checkout.session"]) == 1


def test_an_error_of_stripe_is_not_shown_to_the_payer(stripe, client, booking):
    with override_payments(STRIPE_SECRET_KEY="sk_test_canary"):
        response = client.post(checkout_url(booking))

    assert response.status_code == 503
    assert "canary" not in response.content.decode()
    assert "API" not in response.content.decode()


# Pay links.


def test_a_pay_link_leads_to_the_open_checkout(client, session):
    response = client.get(pay_url(session))

    assert response.status_code == 303
    assert response["Location"] == session.stripe_checkout_url


def test_a_pay_link_opens_a_checkout_that_was_not_opened_yet(stripe, client, booking):
    stripe.sandbox.fail_next("connection_lost_after")
    client.post(checkout_url(booking))
    session = PaymentSession.objects.get()
    assert session.stripe_checkout_url == ""

    response = client.get(pay_url(session))

    session.refresh_from_db()
    assert session.status == SessionStatus.PENDING
    assert response["Location"] == session.stripe_checkout_url
    assert len(stripe.sandbox.state.tables["checkout.session"]) == 1


@pytest.mark.parametrize("delivered", [True, False])
def test_a_checkout_that_ran_out_is_replaced(stripe, client, session, delivered):
    stripe.expire(session, deliver=delivered)
    if not delivered:
        PaymentSession.objects.filter(pk=session.pk).update(expires_at=timezone.now() - timedelta(hours=1))

    response = client.get(pay_url(session))

    session.refresh_from_db()
    fresh = PaymentSession.objects.exclude(pk=session.pk).get()
    assert session.status == SessionStatus.EXPIRED
    assert response["Location"] == fresh.stripe_checkout_url != session.stripe_checkout_url
    assert fresh.status == SessionStatus.PENDING


def test_a_new_checkout_is_at_the_price_of_today(stripe, client, session, booking):
    stripe.expire(session)
    Booking.objects.filter(pk=booking.pk).update(deposit=99_00)

    client.get(pay_url(session))

    assert PaymentSession.objects.get(status=SessionStatus.PENDING).amount == 99_00


def test_a_canceled_payment_stays_canceled(stripe, client, session):
    cancel_checkout(session)

    response = client.get(pay_url(session))

    assert response.status_code == 409
    assert "You have not been charged" in response.content.decode()
    assert PaymentSession.objects.count() == 1


def test_a_link_whose_payable_is_gone_is_refused(stripe, client, session, booking):
    stripe.expire(session)
    booking.delete()

    assert client.get(pay_url(session)).status_code == 409


def test_a_paid_link_lands(stripe, client):
    order = Order.objects.create()
    session = start_checkout(order)
    stripe.pay(session)

    response = client.get(pay_url(session))

    assert response.status_code == 303
    assert response["Location"].startswith(f"/orders/{order.pk}/")


def test_a_link_of_a_guest_may_be_opened_by_anybody_without_an_account(session):
    assert Client().get(pay_url(session)).status_code == 303


def test_a_link_that_was_guessed_is_not_found(client):
    assert client.get(f"/payments/pay/{uuid.uuid4()}/").status_code == 404
    assert client.get(f"/payments/return/{uuid.uuid4()}/").status_code == 404


def test_a_link_while_payments_are_off_is_refused(client, session):
    with override_payments(ENABLED=False):
        assert client.get(pay_url(session)).status_code == 409


def test_a_link_while_stripe_is_away_asks_to_come_again(stripe, client, session):
    stripe.expire(session)
    stripe.sandbox.fail_next("503")

    response = client.get(pay_url(session))

    assert (response.status_code, response["Retry-After"]) == (503, "10")


@pytest.mark.parametrize("page", [pay_url, return_url])
@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_the_pages_are_looked_at_and_not_posted_to(client, session, page, method):
    assert getattr(client, method)(page(session)).status_code == 405


@pytest.mark.parametrize("page", [pay_url, return_url])
def test_no_page_is_kept_by_a_cache(client, session, page):
    assert "no-store" in client.get(page(session))["Cache-Control"]


# Back from Stripe.


def test_who_returns_before_the_webhook_is_seen_as_paid(stripe, client, session, booking):
    stripe.pay(session, deliver=False)

    response = client.get(return_url(session))

    session.refresh_from_db()
    booking.refresh_from_db()
    assert (session.status, booking.confirmed) == (SessionStatus.SUCCEEDED, 1)
    assert "Thank you. Your payment has arrived" in response.content.decode()


def test_the_webhook_that_comes_later_changes_nothing(stripe, client, session, booking):
    stripe.pay(session, deliver=False)
    client.get(return_url(session))

    answers = stripe.deliver()

    booking.refresh_from_db()
    assert {answer.status for answer in answers} == {200}
    assert booking.confirmed == 1


def test_stripe_is_asked_every_three_seconds_at_most(stripe, client, session):
    for _ in range(5):
        client.get(return_url(session))
    assert len(retrievals(stripe)) == 1

    PaymentSession.objects.filter(pk=session.pk).update(synced_at=timezone.now() - timedelta(seconds=2))
    client.get(return_url(session))
    assert len(retrievals(stripe)) == 1

    PaymentSession.objects.filter(pk=session.pk).update(synced_at=timezone.now() - timedelta(seconds=4))
    client.get(return_url(session))
    assert len(retrievals(stripe)) == 2


def test_stripe_is_not_asked_about_what_is_final(stripe, client, session):
    stripe.pay(session)

    client.get(return_url(session))

    assert retrievals(stripe) == []


@pytest.mark.parametrize("kind", ["connection_lost_before", "500", "503", "429"])
def test_the_payer_never_meets_an_error_of_ours(stripe, client, session, kind):
    stripe.pay(session, deliver=False)
    stripe.sandbox.fail_next(kind, method="GET", path="/v1/checkout/sessions/{id}")

    response = client.get(return_url(session))

    assert response.status_code == 200
    assert "This is not paid yet" in response.content.decode()


def test_nor_does_one_whose_payable_is_gone(stripe, client, session, booking):
    stripe.pay(session, deliver=False)
    booking.delete()

    assert client.get(return_url(session)).status_code == 200


def test_nor_does_one_whose_type_is_no_longer_registered(client, session):
    PaymentSession.objects.filter(pk=session.pk).update(payable_type="gone")

    assert client.get(return_url(session)).status_code == 200


TEXTS = {
    SessionStatus.CREATED: "This is not paid yet",
    SessionStatus.PENDING: "This is not paid yet",
    SessionStatus.PROCESSING: "Your bank is processing the payment",
    SessionStatus.SUCCEEDED: "Thank you. Your payment has arrived",
    SessionStatus.PARTIALLY_REFUNDED: "has been returned to you",
    SessionStatus.REFUNDED: "has been returned to you",
    SessionStatus.FAILED: "The payment did not succeed",
    SessionStatus.CANCELED: "This payment was canceled",
    SessionStatus.EXPIRED: "The checkout has run out",
}


@pytest.mark.parametrize("status", SessionStatus)
def test_the_plain_page_says_how_it_stands(client, session, status):
    PaymentSession.objects.filter(pk=session.pk).update(status=status, synced_at=timezone.now())

    page = client.get(return_url(session)).content.decode()

    assert TEXTS[status] in page
    assert sum(text in page for text in set(TEXTS.values())) == 1
    assert "12.50 GBP" in page
    may_pay = status in {
        SessionStatus.CREATED,
        SessionStatus.PENDING,
        SessionStatus.FAILED,
        SessionStatus.EXPIRED,
    }
    assert (pay_url(session) in page) is may_pay
    is_waiting = status in {SessionStatus.PENDING, SessionStatus.PROCESSING}
    assert ('http-equiv="refresh"' in page) is is_waiting


def test_the_plain_page_of_a_payment_in_review_promises_nothing(client, session):
    PaymentSession.objects.filter(pk=session.pk).update(
        status=SessionStatus.SUCCEEDED, review_reason=ReviewReason.AMOUNT, synced_at=timezone.now()
    )

    page = client.get(return_url(session)).content.decode()

    assert "will look at it" in page
    assert TEXTS[SessionStatus.SUCCEEDED] not in page


def test_the_plain_page_escapes_what_it_shows_and_runs_no_script(client, session):
    PaymentSession.objects.filter(pk=session.pk).update(
        description="<script>alert(1)</script>", synced_at=timezone.now()
    )

    page = client.get(return_url(session)).content.decode()

    assert "&lt;script&gt;" in page
    assert "<script" not in page
    assert "style=" not in page


def test_success_url_wins_over_what_the_payable_says(stripe, client):
    order = Order.objects.create()
    session = start_checkout(order, success_url="/thanks/?id={CHECKOUT_SESSION_ID}")
    stripe.pay(session)

    assert client.get(return_url(session))["Location"] == (
        f"http://testserver/thanks/?id={session.stripe_checkout_session_id}"
    )


def test_who_turned_back_unpaid_is_not_thanked(stripe, client):
    order = Order.objects.create()
    session = start_checkout(order, success_url="/thanks/")

    response = client.get(return_url(session), {"canceled": "1"})

    assert response["Location"].startswith(f"/orders/{order.pk}/")


def test_who_paid_and_then_came_back_by_the_other_way_is_thanked(stripe, client):
    session = start_checkout(Order.objects.create(), success_url="/thanks/")
    stripe.pay(session, deliver=False)

    assert client.get(return_url(session), {"canceled": "1"})["Location"] == "http://testserver/thanks/"


def test_a_forged_session_id_marks_nothing_as_paid(client, session):
    client.get(return_url(session), {"session_id": "cs_test_paid_by_somebody"})

    session.refresh_from_db()
    assert session.status == SessionStatus.PENDING


def test_payments_that_are_off_still_receive_who_returns(stripe, client, session):
    stripe.pay(session, deliver=False)

    with override_payments(ENABLED=False):
        response = client.get(return_url(session))

    assert "Thank you" in response.content.decode()


@pytest.mark.django_db(transaction=True)
def test_a_busy_database_is_no_error_for_the_payer_who_comes_back(stripe, client, session):
    def refuse(execute, sql, params, many, context):
        if sql.startswith("UPDATE"):
            raise OperationalError("database is locked")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(refuse):
        response = client.get(pay_url(session).replace("/pay/", "/return/"))

    assert response.status_code == 200
    assert "not paid yet" in response.content.decode()
