"""What hosts test their payments with."""

from __future__ import annotations

import unittest

import pytest
from django.conf import settings as django_settings
from django.http import HttpResponseRedirect
from django.test import SimpleTestCase, TestCase, override_settings
from django.urls import include, path as django_path
from django.views.decorators.csrf import csrf_exempt

from django_generic_payments.conf import get_settings
from django_generic_payments.enums import SessionStatus
from django_generic_payments.exceptions import ConfigurationError
from django_generic_payments.gateway import get_gateway
from django_generic_payments.models import Dispute, Refund
from django_generic_payments.sandbox import Clock, Sandbox
from django_generic_payments.services import start_checkout
from django_generic_payments.testing import override_payments, use_sandbox
from django_generic_payments.views import stripe_webhook
from django_generic_payments.webhooks import webhook_path
from tests.shop.models import Booking

pytestmark = pytest.mark.core

DEBIT = "AT611904300234573201"


def run(case):
    """Run a test case of a host, and return its result."""
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(case).run(result)
    return result


# Settings.


def test_a_setting_is_changed_and_the_others_stay():
    before = get_settings()

    with override_payments(APP_NAME="other"):
        inside = get_settings()

    assert inside.APP_NAME == "other"
    assert inside.STRIPE_SECRET_KEY == before.STRIPE_SECRET_KEY
    assert get_settings() == before


def test_changes_can_be_nested():
    with override_payments(APP_NAME="outer"), override_payments(DEFAULT_CURRENCY="eur"):
        assert (get_settings().APP_NAME, get_settings().DEFAULT_CURRENCY) == ("outer", "eur")


def test_changes_build_on_those_of_django():
    with override_settings(GENERIC_PAYMENTS={"ENABLED": False}), override_payments(APP_NAME="inner"):
        assert (get_settings().ENABLED, get_settings().APP_NAME) == (False, "inner")


def test_a_project_that_sets_nothing_can_be_changed():
    with override_settings():
        del django_settings.GENERIC_PAYMENTS
        with override_payments(APP_NAME="inner"):
            assert get_settings().APP_NAME == "inner"


def test_it_decorates_a_function():
    @override_payments(APP_NAME="decorated")
    def name():
        return get_settings().APP_NAME

    assert (name(), get_settings().APP_NAME) == ("decorated", "default")


def test_it_decorates_a_test_case():
    seen = []

    @override_payments(APP_NAME="decorated")
    class Case(SimpleTestCase):
        def test_name(self):
            seen.append((get_settings().APP_NAME, get_settings().STRIPE_SECRET_KEY))

    result = run(Case)

    assert result.wasSuccessful()
    assert seen == [("decorated", "sk_test_nobody")]
    assert get_settings().APP_NAME == "default"


def test_a_child_of_a_decorated_test_case_adds_to_it():
    seen = []

    @override_payments(APP_NAME="parent")
    class Parent(SimpleTestCase):
        pass

    @override_payments(DEFAULT_CURRENCY="eur")
    class Child(Parent):
        def test_names(self):
            seen.append((get_settings().APP_NAME, get_settings().DEFAULT_CURRENCY))

    assert run(Child).wasSuccessful()
    assert seen == [("parent", "eur")]


def test_a_misspelt_setting_is_told():
    with override_payments(STRIPE_SECRET="x"), pytest.raises(ConfigurationError, match="STRIPE_SECRET"):
        get_settings()


# The sandbox.


def test_the_sandbox_is_in_stripes_place_and_leaves():
    before = get_settings()

    with use_sandbox() as stripe:
        assert stripe.sandbox.secret_key == get_settings().STRIPE_SECRET_KEY
        assert stripe.sandbox.webhook_secret == get_settings().STRIPE_WEBHOOK_SECRET
        assert type(get_gateway()._client._requestor._client).__name__ == "InProcessClient"

    assert get_settings() == before
    assert type(get_gateway()._client._requestor._client).__name__ != "InProcessClient"


def test_the_sandbox_leaves_after_an_error_too():
    before = get_settings()

    with pytest.raises(ZeroDivisionError), use_sandbox():
        _ = 1 / 0

    assert get_settings() == before


def test_a_sandbox_and_settings_may_be_chosen():
    mine = Sandbox(clock=Clock(start=1_800_000_000), seed=1)

    with use_sandbox(mine, DEFAULT_CURRENCY="eur") as stripe:
        assert stripe.sandbox is mine
        assert get_settings().DEFAULT_CURRENCY == "eur"


@pytest.mark.django_db
def test_it_decorates_a_function_as_often_as_it_is_called():
    @use_sandbox()
    def buy():
        return start_checkout(Booking.objects.create()).status

    assert [buy(), buy()] == [SessionStatus.PENDING] * 2


def test_a_class_would_lose_its_tests_and_is_refused():
    class Case(TestCase):
        pass

    with pytest.raises(
        TypeError, match=r"Decorate the methods of Case, or enter use_sandbox\(\) in its setUp\(\)"
    ):
        use_sandbox()(Case)


class PlainTestCase(TestCase):
    """A host's test as the documentation shows it."""

    def test_a_payment_confirms_the_booking(self):
        booking = Booking.objects.create()

        with use_sandbox() as stripe:
            stripe.pay(start_checkout(booking))

        booking.refresh_from_db()
        assert booking.confirmed == 1

    @use_sandbox()
    def test_a_decorated_method_has_a_sandbox(self):
        assert start_checkout(Booking.objects.create()).stripe_checkout_session_id


@pytest.fixture
def session(stripe, db):
    return start_checkout(Booking.objects.create(currency="eur"))


def status_of(session):
    session.refresh_from_db()
    return session.status


def test_pay(stripe, session):
    outcome = stripe.pay(session, email="ann@example.com", name="Ann", phone="+44123")

    assert outcome.status == "succeeded"
    assert status_of(session) == SessionStatus.SUCCEEDED
    assert (session.customer.email, session.customer.name, session.customer.phone) == (
        "ann@example.com",
        "Ann",
        "+44123",
    )


def test_pay_without_delivering(stripe, session):
    stripe.pay(session, deliver=False)

    assert status_of(session) == SessionStatus.PENDING
    assert stripe.sandbox.pending
    stripe.deliver()
    assert status_of(session) == SessionStatus.SUCCEEDED


def test_decline(stripe, session):
    assert stripe.decline(session).status == "declined"
    assert status_of(session) == SessionStatus.PENDING
    assert stripe.pay(session).status == "succeeded"
    assert status_of(session) == SessionStatus.SUCCEEDED


@pytest.mark.parametrize(
    ("success", "status"), [(True, SessionStatus.SUCCEEDED), (False, SessionStatus.PENDING)]
)
def test_authenticate(stripe, session, success, status):
    assert stripe.pay(session, card="4000002500003155").status == "requires_action"
    assert status_of(session) == SessionStatus.PENDING

    stripe.authenticate(session, success=success)

    assert status_of(session) == status


@pytest.mark.parametrize(
    ("success", "status"), [(True, SessionStatus.SUCCEEDED), (False, SessionStatus.FAILED)]
)
def test_settle(stripe, session, success, status):
    assert stripe.pay(session, iban=DEBIT).status == "processing"
    assert status_of(session) == SessionStatus.PROCESSING

    stripe.settle(session, success=success)

    assert status_of(session) == status


def test_expire(stripe, session):
    stripe.expire(session)

    assert status_of(session) == SessionStatus.EXPIRED


def test_advance(stripe, session):
    stripe.advance(23 * 3600)
    assert status_of(session) == SessionStatus.PENDING

    stripe.advance(2 * 3600)
    assert status_of(session) == SessionStatus.EXPIRED


def told(stripe):
    """The types of what happened after the payment, and was delivered."""
    assert not stripe.sandbox.pending
    return [event["type"] for event in stripe.sandbox.events[4:]]


def test_refund(stripe, session):
    stripe.pay(session)

    refund = stripe.refund(session, 100, reason="duplicate")

    (made,) = stripe.sandbox.refunds(session.stripe_checkout_session_id)
    assert (made["id"], made["amount"], made["reason"]) == (refund, 100, "duplicate")
    assert told(stripe) == ["refund.created", "charge.refunded", "refund.updated", "charge.refund.updated"]


@pytest.mark.parametrize(("success", "status"), [(True, "succeeded"), (False, "failed")])
def test_settle_refund(stripe, session, success, status):
    stripe.pay(session, card="4000000000007726")

    stripe.settle_refund(stripe.refund(session), success=success)

    assert stripe.sandbox.refunds(session.stripe_checkout_session_id)[0]["status"] == status
    assert told(stripe)[-1] == "charge.refund.updated"


def test_fail_refund(stripe, session):
    stripe.pay(session)

    stripe.fail_refund(stripe.refund(session), reason="declined")

    assert stripe.sandbox.refunds(session.stripe_checkout_session_id)[0]["failure_reason"] == "declined"
    assert "refund.failed" in told(stripe)


def test_a_refund_may_be_given_as_a_row(stripe, session):
    stripe.pay(session)

    stripe.fail_refund(Refund(stripe_refund_id=stripe.refund(session)))

    assert "refund.failed" in told(stripe)


def test_dispute(stripe, session):
    stripe.pay(session)

    dispute = stripe.dispute(session, amount=100, reason="duplicate")

    (made,) = stripe.sandbox.disputes(session.stripe_checkout_session_id)
    assert (made["id"], made["amount"], made["reason"]) == (dispute, 100, "duplicate")
    assert told(stripe) == ["charge.dispute.created", "charge.dispute.funds_withdrawn"]


def test_the_course_of_a_dispute(stripe, session):
    stripe.pay(session)
    dispute = stripe.dispute(session, inquiry=True)
    row = Dispute(stripe_dispute_id=dispute)

    stripe.escalate_dispute(dispute)
    stripe.close_dispute(row, "lost")
    stripe.appeal_dispute(row, submit=True)
    stripe.close_dispute(dispute, "won")

    assert [kind.removeprefix("charge.dispute.") for kind in told(stripe)] == [
        *("created", "updated", "funds_withdrawn", "closed"),
        *("updated", "updated", "closed", "funds_reinstated"),
    ]


def test_book_balance(stripe, session):
    stripe.pay(session)

    stripe.book_balance()

    assert told(stripe) == ["charge.updated"]
    assert len(stripe.sandbox.balance_transactions()) == 1


def test_what_happens_after_the_payment_can_wait_for_its_delivery(stripe, session):
    stripe.pay(session)

    stripe.refund(session, 100, deliver=False)
    stripe.dispute(session, deliver=False)
    stripe.book_balance(deliver=False)

    assert len(stripe.sandbox.pending) == 7


def test_deliver_may_repeat_reorder_and_lose(stripe, session):
    stripe.pay(session, deliver=False)
    kinds = [event["type"] for event in stripe.sandbox.pending]

    answers = stripe.deliver(times=2, order=lambda events: events[::-1], drop=["charge.succeeded"])

    expected = [kind for kind in kinds[::-1] if kind != "charge.succeeded" for _ in range(2)]
    assert [answer.event_type for answer in answers] == expected
    assert {answer.status for answer in answers} == {200}
    assert not stripe.sandbox.pending
    assert Booking.objects.get().confirmed == 1


def test_what_is_not_acknowledged_waits(stripe, session):
    stripe.pay(session, deliver=False)

    with override_payments(STRIPE_WEBHOOK_SECRET="whsec_other"):
        assert {answer.status for answer in stripe.deliver()} == {400}
    assert status_of(session) == SessionStatus.PENDING

    assert {answer.status for answer in stripe.deliver()} == {200}
    assert status_of(session) == SessionStatus.SUCCEEDED


@pytest.mark.django_db
def test_a_session_that_was_started_inside_a_transaction_is_opened_first(stripe):
    from django.db import transaction

    with transaction.atomic():
        session = start_checkout(Booking.objects.create())
        assert session.stripe_checkout_session_id is None

    stripe.pay(session)

    assert status_of(session) == SessionStatus.SUCCEEDED


@pytest.mark.django_db
def test_a_session_that_cannot_be_opened_says_so(stripe, session):
    type(session).objects.filter(pk=session.pk).update(
        stripe_checkout_session_id=None, canceled_at=session.created, status=SessionStatus.CANCELED, slot=None
    )
    session.refresh_from_db()

    with pytest.raises(ValueError, match="has no checkout to pay; its status is 'canceled'"):
        stripe.pay(session)


# The project's webhook.


OURS = include("django_generic_payments.urls")


def test_a_project_without_the_webhook_is_told_the_line_to_add(stripe, session):
    line = r'Add path\("payments/", include\("django_generic_payments\.urls"\)\) to the urlpatterns of '

    with override_settings(ROOT_URLCONF=()), pytest.raises(ConfigurationError, match=line):
        stripe.pay(session)


@override_settings(ROOT_URLCONF="tests.hosts.with_pytest.urls_without_payments")
def test_the_line_names_the_module_that_it_belongs_into():
    with pytest.raises(
        ConfigurationError, match=r"urlpatterns of tests\.hosts\.with_pytest\.urls_without_payments\."
    ):
        webhook_path()


@pytest.mark.parametrize(
    ("patterns", "path"),
    [
        ([django_path("pay/", OURS)], "/pay/webhook/stripe/"),
        (
            [django_path("pay/", include("django_generic_payments.urls", namespace="mine"))],
            "/pay/webhook/stripe/",
        ),
        ([django_path("shop/", include(([django_path("pay/", OURS)], "shop")))], "/shop/pay/webhook/stripe/"),
        ([django_path("hooks/", stripe_webhook)], "/hooks/"),
        ([django_path("hooks/", csrf_exempt(stripe_webhook), name="hook")], "/hooks/"),
        ([django_path("a/", include(([django_path("b/", stripe_webhook, name="hook")], "shop")))], "/a/b/"),
        ([django_path("a/", include([django_path("b/", stripe_webhook)]))], "/a/b/"),
        ([django_path("hooks/", stripe_webhook), django_path("pay/", OURS)], "/pay/webhook/stripe/"),
    ],
)
def test_the_webhook_is_found_wherever_it_is(patterns, path):
    with override_settings(ROOT_URLCONF=tuple(patterns)):
        assert webhook_path() == path


def test_a_webhook_that_the_project_wired_itself_is_delivered_to(stripe, session):
    with override_settings(ROOT_URLCONF=(django_path("hooks/", stripe_webhook),)):
        stripe.pay(session)

    assert status_of(session) == SessionStatus.SUCCEEDED


@override_settings(SECURE_SSL_REDIRECT=True, MIDDLEWARE=["django.middleware.security.SecurityMiddleware"])
def test_a_project_that_redirects_to_https_gets_its_webhooks(stripe, session):
    stripe.pay(session)

    assert status_of(session) == SessionStatus.SUCCEEDED


class Turnstile:
    """A middleware that lets nobody in."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return HttpResponseRedirect("/login/?next=/webhook/")


@override_settings(MIDDLEWARE=["tests.test_testing.Turnstile"])
def test_what_stands_before_the_webhook_is_told(stripe, session):
    stripe.pay(session, deliver=False)

    with pytest.raises(
        ConfigurationError, match=r"at /payments/webhook/stripe/ was answered 302 to /login/\?next="
    ):
        stripe.deliver()

    assert len(stripe.sandbox.pending) == 4


def test_everything_that_waits_can_be_lost(stripe, session):
    stripe.pay(session, deliver=False)

    assert stripe.deliver(drop=["*"]) == []
    assert not stripe.sandbox.pending
    assert status_of(session) == SessionStatus.PENDING
