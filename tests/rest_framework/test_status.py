"""``GET status/<uuid>/``: for whoever started the payment or holds its token, and for nobody else."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.test import override_settings
from django.utils import timezone

from django_generic_payments.models import PaymentSession
from django_generic_payments.money import Money
from django_generic_payments.services import refund_payment, start_checkout
from tests.flows.account import calls
from tests.rest_framework.conftest import API, Caller, staff_with
from tests.rest_framework.test_checkout import code_of
from tests.shop.models import Booking

pytestmark = [pytest.mark.core, pytest.mark.django_db]


@pytest.fixture
def opened(stripe, ann, booking):
    """The answer to Ann's checkout."""
    return ann.checkout(booking).json()


@pytest.fixture
def by_stranger(stripe, stranger, guests_booking):
    """The answer to a stranger's checkout."""
    return stranger.checkout(guests_booking).json()


def status_of(session, caller, *, token=None, query=""):
    headers = {"payment_token": token} if token else {}
    return caller.get(f"status/{session['id']}/{query}", **headers)


def looked_up(stripe, session):
    row = PaymentSession.objects.get(pk=session["id"])
    return len(calls(stripe, f"/v1/checkout/sessions/{row.stripe_checkout_session_id}", "GET"))


# Who may see it.


def test_an_owner_sees_their_payment(ann, opened):
    response = status_of(opened, ann)

    assert response.status_code == 200
    assert response.json() == {name: value for name, value in opened.items() if name != "token"}


def test_somebody_without_an_account_shows_the_token(stranger, by_stranger):
    assert status_of(by_stranger, stranger, token=by_stranger["token"]).status_code == 200


def test_an_owner_may_let_others_see_it_by_its_token(stranger, opened):
    assert status_of(opened, stranger, token=opened["token"]).status_code == 200


@pytest.mark.parametrize("caller", ["stranger", "bob", "cashier", "viewer"])
@pytest.mark.parametrize("whose", ["opened", "by_stranger"])
def test_nobody_else_learns_that_it_exists(request, django_user_model, caller, whose):
    session = request.getfixturevalue(whose)
    if caller == "viewer":
        somebody = staff_with(django_user_model, "view_paymentsession")
    else:
        somebody = request.getfixturevalue(caller)

    hidden = status_of(session, somebody)

    assert code_of(hidden) == (404, "not_found")
    assert hidden.json() == status_of({"id": uuid.uuid4()}, somebody).json()


@pytest.mark.parametrize("token", ["", "x", "…", ":", "a:b", "null"])
def test_what_is_not_the_token_opens_nothing(stranger, by_stranger, token):
    assert status_of(by_stranger, stranger, token=token).status_code == 404


def test_the_token_of_one_payment_does_not_show_another(stripe, stranger, by_stranger):
    other = stranger.checkout(Booking.objects.create()).json()

    assert status_of(by_stranger, stranger, token=other["token"]).status_code == 404


def test_the_token_is_not_taken_from_the_address(stranger, by_stranger):
    assert status_of(by_stranger, stranger, query=f"?token={by_stranger['token']}").status_code == 404


def test_a_new_secret_key_of_the_site_leaves_tokens_valid_while_the_old_one_is_named(
    stranger, by_stranger, settings
):
    old = settings.SECRET_KEY
    with override_settings(SECRET_KEY="another", SECRET_KEY_FALLBACKS=[old]):
        assert status_of(by_stranger, stranger, token=by_stranger["token"]).status_code == 200
    with override_settings(SECRET_KEY="another"):
        assert status_of(by_stranger, stranger, token=by_stranger["token"]).status_code == 404


def test_a_session_of_nobody_is_not_everybodys(stripe, guests_booking, stranger, django_user_model):
    session = {"id": start_checkout(guests_booking).pk}

    assert status_of(session, stranger).status_code == 404
    assert status_of(session, Caller(django_user_model.objects.create_user("new"))).status_code == 404


@pytest.mark.parametrize("path", ["status/", "status/1/", "status/x/", f"status/{uuid.UUID(int=1)}"])
def test_other_addresses_are_not_there(stranger, path):
    assert stranger.get(path).status_code in {301, 404}


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options"])
def test_a_status_is_only_looked_at(ann, opened, method):
    assert getattr(ann._client, method)(f"{API}status/{opened['id']}/").status_code == 405


# What it says.


def test_it_tells_what_was_paid_and_what_went_back(stripe, ann, paid):
    refund = refund_payment(paid, Money(2_00, "gbp"), by="boss", reason="requested_by_customer")
    stripe.deliver()

    answer = status_of({"id": paid.pk}, ann).json()

    assert (answer["status"], answer["paid_amount"], answer["refunded_amount"]) == (
        "partially_refunded",
        12_50,
        2_00,
    )
    assert answer["checkout_url"] is None
    assert [(each["id"], each["amount"], each["status"]) for each in answer["refunds"]] == [
        (str(refund.pk), 2_00, "succeeded")
    ]


def test_it_tells_nothing_of_stripe_of_staff_or_of_the_payer(stripe, ann, paid):
    refund_payment(paid, Money(2_00, "gbp"), by="boss")

    said = status_of({"id": paid.pk}, ann).content.decode()

    for secret in ("pi_", "cs_", "re_", "ch_", "cus_", "boss", "payer@example.com", "Pat", "ann@example.com"):
        assert secret not in said


# Asking Stripe.


def test_a_webhook_that_is_late_is_not_waited_for(stripe, ann, opened):
    stripe.pay(PaymentSession.objects.get(), deliver=False)

    before, after = status_of(opened, ann), status_of(opened, ann, query="?sync=1")

    assert (before.json()["status"], after.json()["status"]) == ("pending", "succeeded")
    assert Booking.objects.get().confirmed == 1
    stripe.deliver()
    assert Booking.objects.get().confirmed == 1


def test_stripe_is_asked_every_three_seconds_at_most(stripe, ann, opened):
    for _ in range(5):
        assert status_of(opened, ann, query="?sync=1").status_code == 200
    assert looked_up(stripe, opened) == 1

    PaymentSession.objects.update(synced_at=timezone.now() - timedelta(seconds=4))
    status_of(opened, ann, query="?sync=true")
    assert looked_up(stripe, opened) == 2


@pytest.mark.parametrize("query", ["", "?sync=0", "?sync=false"])
def test_stripe_is_not_asked_unless_somebody_wants_it(stripe, ann, opened, query):
    assert status_of(opened, ann, query=query).status_code == 200
    assert looked_up(stripe, opened) == 0


def test_stripe_is_not_asked_for_somebody_who_may_not_see_the_answer(stripe, bob, opened):
    assert status_of(opened, bob, query="?sync=1").status_code == 404
    assert looked_up(stripe, opened) == 0


def test_stripe_is_not_asked_once_it_is_settled(stripe, ann, paid):
    status_of({"id": paid.pk}, ann, query="?sync=1")

    assert looked_up(stripe, {"id": paid.pk}) == 0


def test_a_stripe_that_does_not_answer_leaves_what_is_known(stripe, ann, opened):
    stripe.sandbox.fail_next("timeout_before", method="GET", path="/v1/checkout/sessions/{id}")

    response = status_of(opened, ann, query="?sync=1")

    assert (response.status_code, response.json()["status"]) == (200, "pending")


def test_what_is_no_yes_or_no_is_refused(ann, opened):
    response = status_of(opened, ann, query="?sync=perhaps")

    assert code_of(response) == (400, "invalid")
    assert response.json()["errors"][0]["pointer"] == "#/sync"
