"""Receivers have names, so that each can be told exactly once."""

from __future__ import annotations

import functools
import gc
import inspect

import pytest

from django_generic_payments import signals
from django_generic_payments.enums import EventKind
from django_generic_payments.exceptions import ConfigurationError
from django_generic_payments.services.announcements import SIGNALS
from django_generic_payments.signals import PaymentSignal

pytestmark = pytest.mark.core

HERE = "tests.test_signals"


class Hotel:
    """A sender."""


class Restaurant:
    """Another sender."""


def confirm(**kwargs):
    """A receiver of this module."""


def notify(**kwargs):
    """Another."""


async def confirm_later(**kwargs):
    """An async one."""


class Desk:
    def welcome(self, **kwargs):
        """A method of an instance."""

    @classmethod
    def ring(cls, **kwargs):
        """A method of the class."""

    @staticmethod
    def close(**kwargs):
        """A function that lives in the class."""

    def __call__(self, **kwargs):
        """Let the instance itself be called."""


class AsyncDesk:
    async def __call__(self, **kwargs):
        """Let the instance itself be awaited."""


@pytest.fixture
def signal():
    return PaymentSignal()


# Names.


@pytest.mark.parametrize(
    ("receiver", "name"),
    [
        (confirm, f"{HERE}.confirm"),
        (Desk.ring, f"{HERE}.Desk.ring"),
        (Desk.close, f"{HERE}.Desk.close"),
        (Desk.welcome, f"{HERE}.Desk.welcome"),
        (Desk, f"{HERE}.Desk"),
    ],
)
def test_a_receiver_is_known_by_its_dotted_path(signal, receiver, name):
    signal.connect(receiver, weak=False)

    assert signal.receivers_for(None) == {name: receiver}


def test_a_dispatch_uid_is_the_name(signal):
    signal.connect(confirm, dispatch_uid="hotel.confirm")

    assert signal.receivers_for(Hotel) == {"hotel.confirm": confirm}


def closure():
    def inner(**kwargs):
        """A function inside a function."""

    return inner


@pytest.mark.parametrize(
    "receiver",
    [lambda **kwargs: None, closure(), functools.partial(confirm, extra=1), Desk().welcome, Desk()],
    ids=["lambda", "closure", "partial", "method of an instance", "instance"],
)
class TestWithoutAName:
    def test_it_is_refused_with_the_remedy(self, signal, receiver):
        with pytest.raises(
            ConfigurationError, match=r'connect\(receiver, dispatch_uid="myapp\.what_it_does"\)'
        ):
            signal.connect(receiver)

        assert signal.receivers_for(None) == {}
        assert not signal.has_listeners()

    def test_a_dispatch_uid_makes_it_welcome(self, signal, receiver):
        signal.connect(receiver, weak=False, dispatch_uid="desk.welcome")

        assert signal.receivers_for(None) == {"desk.welcome": receiver}


@pytest.mark.parametrize(
    "receiver",
    [confirm_later, AsyncDesk(), functools.partial(confirm_later, extra=1)],
    ids=["function", "instance", "partial"],
)
@pytest.mark.parametrize("dispatch_uid", [None, "hotel.confirm"])
def test_an_async_receiver_is_refused_with_the_remedy(signal, receiver, dispatch_uid):
    with pytest.raises(ConfigurationError, match="Connect a plain function"):
        signal.connect(receiver, dispatch_uid=dispatch_uid)

    assert signal.receivers_for(None) == {}


@pytest.mark.parametrize("dispatch_uid", ["a|b", "|", 5, ("hotel", 1), object()])
def test_a_dispatch_uid_that_cannot_be_stored_is_refused(signal, dispatch_uid):
    with pytest.raises(ConfigurationError, match=r"is no string without '\|'"):
        signal.connect(confirm, dispatch_uid=dispatch_uid)

    assert signal.receivers_for(None) == {}


# Senders.


def test_a_receiver_hears_of_its_sender_only(signal):
    signal.connect(confirm, sender=Hotel)

    assert list(signal.receivers_for(Hotel)) == [f"{HERE}.confirm"]
    assert signal.receivers_for(Restaurant) == {}
    assert signal.receivers_for(None) == {}


def test_a_receiver_without_a_sender_hears_of_all(signal):
    signal.connect(confirm)

    for sender in (Hotel, Restaurant, None):
        assert list(signal.receivers_for(sender)) == [f"{HERE}.confirm"]


def test_one_receiver_may_have_two_senders(signal):
    signal.connect(confirm, sender=Hotel)
    signal.connect(confirm, sender=Restaurant)

    assert list(signal.receivers_for(Hotel)) == list(signal.receivers_for(Restaurant)) == [f"{HERE}.confirm"]


def test_a_receiver_that_is_connected_with_and_without_a_sender_is_told_once(signal):
    signal.connect(confirm, sender=Hotel)
    signal.connect(confirm)

    assert list(signal.receivers_for(Hotel)) == [f"{HERE}.confirm"]


def test_who_asked_for_one_sender_is_known(signal):
    signal.connect(confirm, sender=Hotel)
    signal.connect(notify)

    assert signal.has_receiver_with_sender(f"{HERE}.confirm", Hotel)
    assert not signal.has_receiver_with_sender(f"{HERE}.confirm", Restaurant)
    assert not signal.has_receiver_with_sender(f"{HERE}.notify", Hotel)
    assert not signal.has_receiver_with_sender(f"{HERE}.notify", None)
    assert not signal.has_receiver_with_sender("nobody", Hotel)


# Life.


def test_a_receiver_that_nobody_keeps_is_forgotten(signal):
    receiver = closure()
    signal.connect(receiver, dispatch_uid="hotel.confirm")
    assert list(signal.receivers_for(None)) == ["hotel.confirm"]

    del receiver
    gc.collect()

    assert signal.receivers_for(None) == {}


def test_the_method_of_an_instance_lives_as_long_as_the_instance(signal):
    desk = Desk()
    signal.connect(desk.welcome, dispatch_uid="desk.welcome")
    gc.collect()
    assert signal.receivers_for(None) == {"desk.welcome": desk.welcome}

    del desk
    gc.collect()

    assert signal.receivers_for(None) == {}


def test_a_strong_receiver_stays(signal):
    signal.connect(closure(), weak=False, dispatch_uid="hotel.confirm")
    gc.collect()

    assert list(signal.receivers_for(None)) == ["hotel.confirm"]


def test_another_takes_the_place_of_one_that_is_gone(signal):
    first = closure()
    signal.connect(first, dispatch_uid="hotel.confirm")
    del first
    gc.collect()

    signal.connect(notify, dispatch_uid="hotel.confirm")

    assert signal.receivers_for(None) == {"hotel.confirm": notify}


def test_a_receiver_that_is_connected_twice_is_told_once(signal):
    signal.connect(confirm)
    signal.connect(confirm)

    assert list(signal.receivers_for(None)) == [f"{HERE}.confirm"]
    assert signal.disconnect(confirm)
    assert signal.receivers_for(None) == {}


def test_the_first_of_one_dispatch_uid_stays_as_in_django(signal):
    signal.connect(confirm, dispatch_uid="one")
    signal.connect(notify, dispatch_uid="one")

    assert signal.receivers_for(None) == {"one": confirm}


def test_one_that_came_second_does_not_inherit(signal):
    first = closure()
    signal.connect(first, dispatch_uid="one")
    signal.connect(notify, dispatch_uid="one")

    del first
    gc.collect()

    assert signal.receivers_for(None) == {}


def test_a_disconnected_receiver_hears_nothing(signal):
    signal.connect(confirm)
    signal.connect(notify)

    assert signal.disconnect(confirm)

    assert list(signal.receivers_for(None)) == [f"{HERE}.notify"]


def test_disconnecting_takes_a_dispatch_uid_too(signal):
    signal.connect(confirm, sender=Hotel, dispatch_uid="one")

    assert not signal.disconnect(dispatch_uid="one")
    assert list(signal.receivers_for(Hotel)) == ["one"]
    assert signal.disconnect(sender=Hotel, dispatch_uid="one")
    assert signal.receivers_for(Hotel) == {}


def test_disconnecting_somebody_else_changes_nothing(signal):
    signal.connect(confirm)

    assert not signal.disconnect(notify)

    assert list(signal.receivers_for(None)) == [f"{HERE}.confirm"]


def test_the_method_of_an_instance_can_be_disconnected(signal):
    desk = Desk()
    signal.connect(desk.welcome, dispatch_uid="desk")
    assert signal.disconnect(dispatch_uid="desk")

    signal.connect(Desk.ring)
    assert signal.disconnect(Desk.ring)

    assert signal.receivers_for(None) == {}


def test_receivers_are_told_in_the_order_in_which_they_were_connected(signal):
    signal.connect(notify)
    signal.connect(confirm, sender=Hotel)
    signal.connect(Desk.close)

    assert list(signal.receivers_for(Hotel)) == [f"{HERE}.notify", f"{HERE}.confirm", f"{HERE}.Desk.close"]


def test_django_knows_the_receiver_too(signal):
    signal.connect(confirm, sender=Hotel)

    assert signal.has_listeners(Hotel)
    assert not signal.has_listeners(Restaurant)
    assert signal.send(Hotel) == [(confirm, None)]


# The signals.


def test_every_kind_of_event_but_the_notes_has_its_signal():
    told = {kind.value for kind in EventKind} - {"attempt_failed", "dispute_updated", "reviewed"}

    assert set(SIGNALS) == told
    assert set(signals.__all__) == told | {"PaymentSignal"}
    assert all(SIGNALS[name] is getattr(signals, name) for name in told)


def test_every_signal_is_described():
    lines = inspect.getsource(signals).splitlines()

    for name in SIGNALS:
        at = next(number for number, line in enumerate(lines) if line.startswith(f"{name} = "))
        assert lines[at - 1].startswith("#:"), name


@pytest.mark.parametrize(("first", "second"), [(None, Hotel), (Hotel, None)])
def test_two_receivers_of_one_name_that_hear_of_the_same_payments_are_refused(signal, first, second):
    signal.connect(confirm, sender=first, dispatch_uid="desk")

    with pytest.raises(ConfigurationError, match="dispatch_uid of its own"):
        signal.connect(notify, sender=second, dispatch_uid="desk")

    assert signal.receivers_for(Hotel) == {"desk": confirm}


def test_one_receiver_may_ask_for_some_payments_and_for_all(signal):
    signal.connect(confirm, sender=Hotel)
    signal.connect(confirm)

    assert signal.receivers_for(Hotel) == {f"{HERE}.confirm": confirm}
    assert signal.receivers_for(Restaurant) == {f"{HERE}.confirm": confirm}
