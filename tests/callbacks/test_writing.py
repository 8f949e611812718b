"""What is to be sent is written down with the event that it tells of, once, and nothing is sent there."""

from __future__ import annotations

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from django_generic_payments.contrib.callbacks.models import Callback
from django_generic_payments.enums import Cause, DeliveryState
from django_generic_payments.models import PaymentEvent
from django_generic_payments.services import start_checkout
from django_generic_payments.services.announcements import SIGNALS
from django_generic_payments.services.delivery import deliver
from django_generic_payments.testing import override_payments
from tests.flows.account import post, sent
from tests.shop.models import Booking, Order

pytestmark = pytest.mark.django_db

NAME = "generic_payments.callbacks"
URLS = ["https://one.example/hooks/", "https://two.example/hooks/"]


@pytest.fixture
def two(make_secret):
    """Two that are told."""
    with override_payments(CALLBACK_URLS=URLS, CALLBACK_SECRETS=make_secret()):
        yield


def rows():
    return list(Callback.objects.order_by("url").values_list("event", "url", "state", "attempts"))


@pytest.mark.core
def test_an_event_is_owed_to_each_url_and_due_at_once(stripe, two):
    before = timezone.now()
    stripe.pay(start_checkout(Booking.objects.create()))

    event = PaymentEvent.objects.get()
    assert rows() == [(event.pk, url, DeliveryState.OWED, 0) for url in URLS]
    for callback in Callback.objects.due():
        assert before <= callback.next_attempt_at <= timezone.now()
    assert event.delivered_receivers[-1] == NAME


@pytest.mark.core
def test_there_is_one_row_however_often_the_webhook_comes(stripe, two):
    stripe.pay(start_checkout(Booking.objects.create()), deliver=False)

    stripe.deliver(times=3)
    again = [post(stripe, event) for event in stripe.sandbox.events]

    assert set(again) == {200}
    assert len(rows()) == 2


@pytest.mark.core
def test_a_url_that_is_named_twice_is_told_once(stripe, make_secret):
    with override_payments(CALLBACK_URLS=[URLS[0], URLS[0]], CALLBACK_SECRETS=make_secret()):
        stripe.pay(start_checkout(Booking.objects.create()))

    assert len(rows()) == 1


class Killer:
    """Breaks the connection at one of the statements that write callbacks, before or after it."""

    def __init__(self, at: int, *, after: bool) -> None:
        self.left, self.after = at, after

    def __call__(self, execute, sql, params, many, context):
        if "INSERT" not in sql or "generic_payments_callbacks_callback" not in sql:
            return execute(sql, params, many, context)
        self.left -= 1
        if self.left == 0 and not self.after:
            raise OperationalError("the connection is gone")
        result = execute(sql, params, many, context)
        if self.left == 0:
            raise OperationalError("the connection is gone")
        return result


@pytest.mark.core
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", [1, 2])
def test_there_is_one_row_wherever_the_receiver_dies(stripe, two, at, after):
    stripe.pay(start_checkout(Booking.objects.create()), deliver=False)

    completed = sent(stripe, "checkout.session.completed")

    with connection.execute_wrapper(Killer(at, after=after)):
        first = post(stripe, completed)
    owed, written = PaymentEvent.objects.get().owed_receivers, rows()
    second = post(stripe, completed)

    assert (first, owed, written) == (503, [NAME], [])
    assert second == 200
    assert [url for _, url, _, _ in rows()] == URLS
    assert PaymentEvent.objects.get().state == DeliveryState.DELIVERED


@pytest.mark.core
def test_another_receiver_that_fails_costs_no_callback_and_makes_none_twice(stripe, two):
    from django_generic_payments.signals import payment_succeeded

    def fails(**kwargs):
        raise RuntimeError("the mail server is down")

    payment_succeeded.connect(fails, weak=False, dispatch_uid="tests.fails")
    try:
        stripe.pay(start_checkout(Booking.objects.create()))
        stripe.deliver()
    finally:
        payment_succeeded.disconnect(dispatch_uid="tests.fails")

    assert len(rows()) == 2


@pytest.mark.core
@pytest.mark.parametrize("kind", list(SIGNALS))
def test_every_signal_is_told(stripe, two, kind):
    session = start_checkout(Booking.objects.create())
    event = PaymentEvent.objects.create(
        session=session,
        kind=kind,
        source_id="pi_1",
        occurred_at=timezone.now(),
        cause=Cause.WEBHOOK,
        state=DeliveryState.OWED,
        owed_to="|" + "|".join(SIGNALS[kind].receivers_for(Booking)) + "|",
    )

    assert NAME in event.owed_receivers
    assert deliver([event])
    assert {callback.event for callback in Callback.objects.all()} == {event}


@pytest.mark.core
def test_a_payable_that_is_gone_is_told_of(stripe, two):
    order = Order.objects.create()
    session = start_checkout(order, success_url="/thanks/")
    key = str(order.pk)
    order.delete()

    stripe.pay(session)

    told = Callback.objects.filter(url=URLS[0])
    assert {each.event.kind for each in told} == {"payment_succeeded", "payment_needs_review"}
    assert all(f'"payable_id":"{key}"' in each.body for each in told)


@pytest.mark.core
def test_without_urls_no_event_is_owed_to_callbacks_and_nothing_is_written(stripe):
    stripe.pay(start_checkout(Booking.objects.create()))

    assert rows() == []
    assert NAME not in PaymentEvent.objects.get().delivered_receivers
    assert all(NAME not in signal.receivers_for(Booking) for signal in SIGNALS.values())


@pytest.mark.core
@pytest.mark.parametrize("urls", [None, 5, [""], (), [None]])
def test_a_setting_that_names_nobody_connects_nothing_and_breaks_nothing(urls):
    with override_payments(CALLBACK_URLS=urls):
        assert NAME not in SIGNALS["payment_succeeded"].receivers_for(Booking)


@pytest.mark.core
def test_a_setting_that_cannot_be_read_breaks_nothing_either():
    with override_payments(NO_SUCH_NAME=1, CALLBACK_URLS=URLS):
        assert NAME not in SIGNALS["payment_succeeded"].receivers_for(Booking)


@pytest.mark.core
def test_nothing_is_sent_while_an_event_is_delivered(service, paid):
    assert Callback.objects.count() == 1
    assert service.received == []
