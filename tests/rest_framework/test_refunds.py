"""``POST refunds/`` and ``GET refunds/<uuid>/``: for those with the permission."""

from __future__ import annotations

import uuid

import pytest
from django.test import Client

from django_generic_payments.models import Refund
from django_generic_payments.services import start_checkout
from tests.flows.coherence import assert_coherent
from tests.rest_framework.conftest import API, staff_with
from tests.rest_framework.test_checkout import code_of

pytestmark = [pytest.mark.core, pytest.mark.django_db]


def ask(caller, session, *, key=None, **more):
    headers = {} if key is None else {"idempotency_key": key}
    return caller.post("refunds/", {"payment": str(session.pk), **more}, **headers)


def test_a_cashier_sends_everything_back(stripe, cashier, paid):
    response = ask(cashier, paid, reason="requested_by_customer")

    refund = Refund.objects.get()
    answer = response.json()
    assert response.status_code == 201
    assert (answer["id"], answer["payment"]) == (str(refund.pk), str(paid.pk))
    assert (answer["amount"], answer["currency"], answer["status"]) == (12_50, "gbp", "succeeded")
    assert refund.requested_by == f"user:{cashier.user.pk}"
    stripe.deliver()
    assert_coherent(paid)


def test_a_cashier_sends_a_part_back(stripe, cashier, paid):
    response = ask(cashier, paid, amount=2_00, currency="GBP")

    assert (response.status_code, response.json()["amount"]) == (201, 2_00)


def test_the_answer_says_where_the_refund_is(cashier, paid):
    response = ask(cashier, paid)

    assert response["Location"] == f"{API}refunds/{response.json()['id']}/"
    assert cashier._client.get(response["Location"]).json() == response.json()


REFUSED = [("stranger", "not_authenticated"), ("ann", "permission_denied"), ("bob", "permission_denied")]


@pytest.mark.parametrize(("caller", "code"), REFUSED)
def test_nobody_else_sends_money_back(request, paid, caller, code):
    somebody = request.getfixturevalue(caller)

    assert code_of(ask(somebody, paid)) == (403, code)
    assert not Refund.objects.exists()
    # Nor does anybody learn which payments there are.
    missing = somebody.post("refunds/", {"payment": str(uuid.uuid4())})
    assert missing.json() == ask(somebody, paid).json()


@pytest.mark.parametrize(
    ("permission", "may_ask", "may_look"),
    [
        ("add_refund", 201, 200),
        ("view_refund", 403, 200),
        ("change_refund", 403, 403),
        ("view_paymentsession", 403, 403),
    ],
)
def test_each_permission_allows_what_it_says(django_user_model, cashier, paid, permission, may_ask, may_look):
    member = staff_with(django_user_model, permission) if permission != "add_refund" else cashier
    known = ask(cashier, paid, amount=1_00, currency="gbp").json()["id"]

    assert ask(member, paid, amount=50, currency="gbp").status_code == may_ask
    assert member.get(f"refunds/{known}/").status_code == may_look


@pytest.mark.parametrize(("caller", "code"), REFUSED)
def test_nobody_else_looks_at_refunds(request, cashier, paid, caller, code):
    known = ask(cashier, paid).json()["id"]

    assert code_of(request.getfixturevalue(caller).get(f"refunds/{known}/")) == (403, code)


def test_what_does_not_exist_is_not_there(cashier, paid):
    assert code_of(cashier.post("refunds/", {"payment": str(uuid.uuid4())})) == (404, "not_found")
    assert code_of(cashier.get(f"refunds/{uuid.uuid4()}/")) == (404, "not_found")


def test_the_same_key_sends_the_money_once(stripe, cashier, paid):
    first, second = (ask(cashier, paid, amount=1_00, currency="gbp", key="late") for _ in range(2))

    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert len(stripe.sandbox.refunds(paid.stripe_checkout_session_id)) == 1


def test_the_key_of_another_refund_is_refused(cashier, paid):
    ask(cashier, paid, amount=1_00, currency="gbp", idempotency_key="late")

    response = ask(cashier, paid, amount=2_00, currency="gbp", idempotency_key="late")

    assert code_of(response) == (422, "idempotency_key_reused")


def test_no_more_goes_back_than_was_paid(cashier, paid):
    response = ask(cashier, paid, amount=12_51, currency="gbp")

    assert code_of(response) == (409, "refund_refused")
    assert "12.50 GBP" in response.json()["detail"]


def test_what_is_not_paid_cannot_go_back(stripe, cashier, guests_booking):
    assert code_of(ask(cashier, start_checkout(guests_booking))) == (409, "refund_refused")


def test_an_answer_that_was_lost_is_asked_for_again(stripe, cashier, paid):
    stripe.sandbox.fail_next("timeout_after", path="/v1/refunds")

    lost = ask(cashier, paid, key="late")

    assert code_of(lost) == (503, "stripe_unavailable")
    assert ask(cashier, paid, key="late").status_code == 200
    assert len(stripe.sandbox.refunds(paid.stripe_checkout_session_id)) == 1


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"amount": 0, "currency": "gbp"}, "invalid"),
        ({"amount": -1, "currency": "gbp"}, "invalid"),
        ({"amount": 1.0, "currency": "gbp"}, "invalid"),
        ({"amount": "1", "currency": "gbp"}, "invalid"),
        ({"amount": True, "currency": "gbp"}, "invalid"),
        ({"amount": None, "currency": "gbp"}, "invalid"),
        ({"amount": 10**400, "currency": "gbp"}, "invalid"),
        ({"amount": 10**15, "currency": "gbp"}, "invalid_money"),
        ({"amount": 100}, "invalid"),
        ({"currency": "gbp"}, "invalid"),
        ({"amount": 100, "currency": "xyz"}, "invalid_money"),
        ({"amount": 100, "currency": "pounds"}, "invalid"),
        ({"reason": "because"}, "invalid"),
        ({"reason": "\ud800"}, "invalid"),
        ({"force": True}, "invalid"),
        ({"by": "somebody else"}, "invalid"),
        ({"payment": "1"}, "invalid"),
        ({"payment": None}, "invalid"),
    ],
    ids=range(18),
)
def test_what_is_no_refund_is_refused(cashier, paid, more, code):
    assert code_of(ask(cashier, paid, **more)) == (400, code)
    assert not Refund.objects.exists()


def test_a_page_of_another_site_cannot_send_a_cashier(cashier, paid):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(cashier.user)

    response = browser.post(f"{API}refunds/", f'{{"payment": "{paid.pk}"}}', content_type="application/json")

    assert response.status_code == 403
    assert not Refund.objects.exists()
