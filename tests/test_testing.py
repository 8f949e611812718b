"""What hosts test their payments with."""

from __future__ import annotations

import unittest
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, build_opener

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings as django_settings
from django.conf.urls.i18n import i18n_patterns
from django.core.exceptions import SynchronousOnlyOperation
from django.db import transaction
from django.http import HttpResponse, HttpResponseRedirect
from django.test import LiveServerTestCase, SimpleTestCase, TestCase, override_settings
from django.urls import clear_script_prefix, include, path as django_path, re_path, set_script_prefix
from django.utils import translation
from django.views.decorators.csrf import csrf_exempt

from django_generic_payments.conf import get_settings
from django_generic_payments.enums import SessionStatus
from django_generic_payments.exceptions import ConfigurationError
from django_generic_payments.gateway import get_gateway
from django_generic_payments.models import Dispute, PaymentSession, Refund
from django_generic_payments.sandbox import Clock, Sandbox
from django_generic_payments.services import start_checkout
from django_generic_payments.signals import payment_succeeded
from django_generic_payments.testing import override_payments, use_sandbox
from django_generic_payments.views import stripe_webhook
from django_generic_payments.webhooks.address import webhook_path
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
        ([django_path("a/", include(([django_path("b/", stripe_webhook)], "shop")))], "/a/b/"),
        ([re_path(r"^hooks/stripe/?$", stripe_webhook)], "/hooks/stripe"),
        (
            [
                django_path("hooks/", stripe_webhook, name="hook"),
                django_path("x/", lambda _: None, name="hook"),
            ],
            "/hooks/",
        ),
        ([django_path("<slug:shop>/", OURS), django_path("hooks/", stripe_webhook)], "/hooks/"),
        ([django_path("b/", stripe_webhook), django_path("a/", stripe_webhook)], "/b/"),
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


@override_settings(MIDDLEWARE=["django.middleware.locale.LocaleMiddleware"])
def test_a_webhook_below_a_language_is_delivered_to(stripe, session):
    with override_settings(ROOT_URLCONF=tuple(i18n_patterns(django_path("pay/", OURS)))):
        assert webhook_path() == "/en-us/pay/webhook/stripe/"
        with translation.override("de"):
            assert webhook_path() == "/de/pay/webhook/stripe/"
            stripe.pay(session)

    assert status_of(session) == SessionStatus.SUCCEEDED


@pytest.fixture
def below_a_prefix():
    """A project that is mounted at /site/ of its server, as FORCE_SCRIPT_NAME says."""
    with override_settings(FORCE_SCRIPT_NAME="/site"):
        set_script_prefix("/site/")
        yield
        clear_script_prefix()


@pytest.mark.usefixtures("below_a_prefix")
@pytest.mark.parametrize(
    ("patterns", "path"),
    [
        ([django_path("pay/", OURS)], "/site/pay/webhook/stripe/"),
        ([django_path("hooks/", stripe_webhook)], "/site/hooks/"),
    ],
)
def test_a_webhook_below_a_prefix_is_delivered_to(stripe, session, patterns, path):
    with override_settings(ROOT_URLCONF=tuple(patterns)):
        assert webhook_path() == path
        stripe.pay(session)

    assert status_of(session) == SessionStatus.SUCCEEDED


SECURITY = "django.middleware.security.SecurityMiddleware"
COMMON = "django.middleware.common.CommonMiddleware"
PROXY = ("HTTP_X_FORWARDED_PROTO", "https")


class HttpsOnly:
    """A middleware of a project that sends everybody to https by itself."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request) if request.is_secure() else HttpResponseRedirect("https:///")


@pytest.mark.parametrize(
    ("base_url", "theirs"),
    [
        ("http://testserver", {"SECURE_SSL_REDIRECT": True, "MIDDLEWARE": [SECURITY]}),
        (
            "http://testserver",
            {"SECURE_SSL_REDIRECT": True, "SECURE_PROXY_SSL_HEADER": PROXY, "MIDDLEWARE": [SECURITY]},
        ),
        ("https://testserver", {"MIDDLEWARE": ["tests.test_testing.HttpsOnly"]}),
        ("http://testserver", {"ALLOWED_HOSTS": ["shop.example"], "MIDDLEWARE": [COMMON]}),
        ("http://testserver", {"ALLOWED_HOSTS": [".shop.example"], "MIDDLEWARE": [COMMON]}),
        ("https://shop.example", {"MIDDLEWARE": [COMMON]}),
        (
            "https://www.shop.example",
            {"PREPEND_WWW": True, "ALLOWED_HOSTS": ["www.shop.example"], "MIDDLEWARE": [COMMON]},
        ),
        ("http://localhost:8081", {"ALLOWED_HOSTS": ["localhost"], "MIDDLEWARE": [COMMON]}),
    ],
)
def test_webhooks_and_payers_pass_what_the_project_asks_of_an_address(stripe, db, base_url, theirs):
    with override_payments(BASE_URL=base_url), override_settings(**theirs):
        with transaction.atomic():
            session = start_checkout(Booking.objects.create())
        stripe.pay(session)

    assert status_of(session) == SessionStatus.SUCCEEDED


class Notebook:
    """A middleware that writes down by which name the project is called."""

    names = None

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        Notebook.names.add(request.get_host())
        return self.get_response(request)


@pytest.mark.parametrize(
    ("allowed", "name"),
    [
        (["*"], "shop.example:8443"),
        (["a.example", "shop.example"], "shop.example:8443"),
        (["a.example", "testserver"], "testserver"),
        ([".a.example"], "a.example"),
    ],
)
def test_the_project_is_called_by_its_own_name_if_that_is_allowed(
    stripe, session, monkeypatch, allowed, name
):
    monkeypatch.setattr(Notebook, "names", set())

    with (
        override_payments(BASE_URL="https://shop.example:8443"),
        override_settings(ALLOWED_HOSTS=allowed, MIDDLEWARE=["tests.test_testing.Notebook"]),
    ):
        stripe.pay(session)

    assert Notebook.names == {name}


@override_settings(ALLOWED_HOSTS=[], MIDDLEWARE=[COMMON])
def test_a_project_that_allows_no_name_is_told(stripe, session):
    with pytest.raises(ConfigurationError, match="was answered 400, and not by the webhook itself"):
        stripe.pay(session)


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


class Notice:
    """A middleware that answers everybody with a page of its own."""

    answer = (200, "text/html")

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        status, content_type = self.answer
        return HttpResponse('"Please sign in."', status=status, content_type=content_type)


@pytest.mark.parametrize(
    ("status", "content_type"),
    [(200, "text/html"), (400, "text/html"), (503, "text/html"), (401, "application/json")],
)
@override_settings(MIDDLEWARE=["tests.test_testing.Notice"])
def test_what_answers_in_place_of_the_webhook_is_told_from_it(
    stripe, session, monkeypatch, status, content_type
):
    monkeypatch.setattr(Notice, "answer", (status, content_type))

    with pytest.raises(ConfigurationError, match=rf"was answered {status}, and not by the webhook itself"):
        stripe.pay(session)

    assert len(stripe.sandbox.pending) == 4


class Miscounted(Exception):
    """What a receiver of a host does wrong."""


def test_why_nothing_was_confirmed_can_be_read(stripe, session, caplog):
    def miscount(**_kwargs):
        raise Miscounted

    payment_succeeded.connect(miscount, sender=Booking, dispatch_uid="tests.miscount")
    try:
        stripe.pay(session)
    finally:
        payment_succeeded.disconnect(sender=Booking, dispatch_uid="tests.miscount")

    answers = {answer.event_type: answer.status for answer in stripe.sandbox.deliveries}
    assert answers["checkout.session.completed"] == 503
    assert session.events.get(kind="payment_succeeded").last_error == "tests.miscount: Miscounted"
    assert {each.exc_info[0] for each in caplog.records if each.exc_info} == {Miscounted}


# Threads and coroutines.


class StayHere(HTTPRedirectHandler):
    """Go nowhere when told to go."""

    def redirect_request(self, *args, **kwargs):
        return None


class LiveServer(LiveServerTestCase):
    """A host whose tests drive a browser."""

    def test_the_threads_of_the_server_talk_to_the_sandbox(self):
        booking = Booking.objects.create()

        with use_sandbox(BASE_URL=self.live_server_url) as stripe:
            with transaction.atomic():
                session = start_checkout(booking)
            with pytest.raises(HTTPError) as raised:
                build_opener(StayHere).open(session.pay_url)
            with raised.value as answer:
                session.refresh_from_db()
                assert (answer.code, answer.headers["Location"]) == (303, session.stripe_checkout_url)
            stripe.pay(session)

        booking.refresh_from_db()
        assert booking.confirmed == 1


class Coroutines(TestCase):
    """A host whose tests are coroutines."""

    async def test_a_payment_is_played_in_a_thread(self):
        booking = await Booking.objects.acreate()

        with use_sandbox() as stripe:
            await self.async_client.post(f"/payments/checkout/booking/{booking.pk}/")
            await sync_to_async(stripe.pay)(await PaymentSession.objects.aget())

        await booking.arefresh_from_db()
        assert booking.confirmed == 1

    async def test_a_delivery_that_could_only_fail_is_refused(self):
        with use_sandbox() as stripe:
            session = await sync_to_async(start_checkout)(await Booking.objects.acreate())

            with pytest.raises(SynchronousOnlyOperation, match=r"await sync_to_async\(stripe\.pay\)"):
                stripe.pay(session)

        assert len(stripe.sandbox.pending) == 4


def test_everything_that_waits_can_be_lost(stripe, session):
    stripe.pay(session, deliver=False)

    assert stripe.deliver(drop=["*"]) == []
    assert not stripe.sandbox.pending
    assert status_of(session) == SessionStatus.PENDING
