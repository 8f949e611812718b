"""Every check speaks in its case and is silent otherwise."""

from __future__ import annotations

import re

import pytest
from django.core import checks as django_checks
from django.test import override_settings

from django_generic_payments import checks, payables, signals
from django_generic_payments.conf import SETTING
from django_generic_payments.money import Money
from django_generic_payments.testing import override_payments
from tests.shop.models import Booking, LateBooking

pytestmark = pytest.mark.core

GOOD = {
    "STRIPE_SECRET_KEY": "sk_test_canary",
    "STRIPE_WEBHOOK_SECRET": "whsec_canary",
    "BASE_URL": "https://example.com",
}
LIVE = {**GOOD, "STRIPE_SECRET_KEY": "sk_live_canary"}


def run(configured, *, deploy=False, **django_settings):
    """Return what the checks of this package say, those of the tables of the test project aside."""
    with override_settings(**{SETTING: configured}, **django_settings):
        messages = django_checks.run_checks(tags=["generic_payments"], include_deployment_checks=deploy)
    return [message for message in messages if message.id != "generic_payments.W002"]


def ids(messages):
    return [message.id.removeprefix("generic_payments.") for message in messages]


def test_a_good_configuration_is_met_with_silence():
    assert run(GOOD) == []
    assert run(LIVE, deploy=True) == []


def test_the_test_project_itself_is_in_order():
    messages = django_checks.run_checks(tags=["generic_payments"])

    assert set(ids(messages)) <= {"W002"}


@pytest.mark.parametrize("configured", [None, "sk_live_canary", [], 5])
def test_e001_the_setting_is_no_dict(configured):
    messages = run(configured)

    assert ids(messages) == ["E001"]
    assert "must be a dict" in messages[0].msg


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("STRIPE_WEBHOOK_SECRETS", "STRIPE_WEBHOOK_SECRET"),
        ("STRIPE_WEBHOOK_SECERT", "STRIPE_WEBHOOK_SECRET"),
        ("stripe_secret_key", "STRIPE_SECRET_KEY"),
        ("ENABLE", "ENABLED"),
        ("BASEURL", "BASE_URL"),
    ],
)
def test_e002_a_misspelt_name_is_answered_with_the_one_that_was_meant(name, meant):
    messages = run({**GOOD, name: "canary"})

    assert ids(messages) == ["E002"]
    assert f"no setting {name!r}" in messages[0].msg
    assert messages[0].hint == f"Did you mean {meant!r}?"


def test_e002_a_name_that_is_like_no_other_is_answered_with_all_of_them():
    messages = run({**GOOD, "COLOUR": "red"})

    assert ids(messages) == ["E002"]
    assert "STRIPE_SECRET_KEY, STRIPE_WEBHOOK_SECRET" in messages[0].hint


def test_e002_every_unknown_name_is_told():
    assert ids(run({**GOOD, "COLOUR": "red", "SIZE": 5})) == ["E002", "E002"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ENABLED", "false"),
        ("ENABLED", 0),
        ("ENABLED", None),
        ("STRIPE_SECRET_KEY", None),
        ("STRIPE_SECRET_KEY", b"sk_test_canary"),
        ("STRIPE_WEBHOOK_SECRET", None),
        ("STRIPE_WEBHOOK_SECRET", 5),
        ("STRIPE_WEBHOOK_SECRET", ["whsec_canary", None]),
        ("STRIPE_API_BASE", None),
        ("DEFAULT_CURRENCY", 826),
        ("BASE_URL", None),
        ("ALLOWED_REDIRECT_HOSTS", "example.com"),
        ("ALLOWED_REDIRECT_HOSTS", [5]),
        ("APP_NAME", ""),
        ("APP_NAME", "x" * 101),
        ("APP_NAME", None),
        ("WEBHOOK_TOLERANCE", 0),
        ("WEBHOOK_TOLERANCE", -1),
        ("WEBHOOK_TOLERANCE", 601),
        ("WEBHOOK_TOLERANCE", True),
        ("WEBHOOK_TOLERANCE", 300.0),
        ("WEBHOOK_TOLERANCE", "300"),
        ("WEBHOOK_TOLERANCE", None),
    ],
)
def test_e003_a_value_of_the_wrong_type(name, value):
    messages = run({**GOOD, name: value})

    assert ids(messages) == ["E003"]
    assert messages[0].msg.startswith(f"{SETTING}[{name!r}] must be ")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WEBHOOK_TOLERANCE", 1),
        ("WEBHOOK_TOLERANCE", 600),
        ("APP_NAME", "x" * 100),
        ("ALLOWED_REDIRECT_HOSTS", ("example.com",)),
        ("ALLOWED_REDIRECT_HOSTS", {"example.com"}),
        ("STRIPE_WEBHOOK_SECRET", ["whsec_canary", "whsec_canary2"]),
    ],
)
def test_e003_is_silent_at_the_limits(name, value):
    assert run({**GOOD, name: value}) == []


@pytest.mark.parametrize("key", ["", "  "])
def test_e004_the_secret_key_is_missing(key):
    messages = run({**GOOD, "STRIPE_SECRET_KEY": key})

    assert ids(messages) == ["E004"]
    assert "ENABLED to False" in messages[0].hint


@pytest.mark.parametrize("secret", ["", "  ", [], [""], ["", " "]])
def test_e005_the_webhook_secret_is_missing(secret):
    messages = run({**GOOD, "STRIPE_WEBHOOK_SECRET": secret})

    assert ids(messages) == ["E005"]
    assert "every webhook is refused" in messages[0].hint


@pytest.mark.parametrize(
    "secret",
    ["canary", "whsec_", "sk_test_canary", "we_canary", ["whsec_canary", "canary"], ["whsec_canary", ""]],
)
def test_e006_what_is_no_webhook_secret(secret):
    messages = run({**GOOD, "STRIPE_WEBHOOK_SECRET": secret})

    assert ids(messages) == ["E006"]
    assert "starts with whsec_" in messages[0].hint


def test_e006_is_told_even_while_payments_are_off():
    assert ids(run({"ENABLED": False, "STRIPE_WEBHOOK_SECRET": "canary"})) == ["E006"]


@pytest.mark.parametrize("key", ["sk_live_canary", "rk_live_canary"])
def test_e007_a_live_key_while_debug_shows_everybody(key):
    assert ids(run({**GOOD, "STRIPE_SECRET_KEY": key}, DEBUG=True)) == ["E007"]
    assert run({**GOOD, "STRIPE_SECRET_KEY": key}, DEBUG=False) == []
    assert run(GOOD, DEBUG=True) == []


def test_e008_real_money_without_https():
    messages = run({**LIVE, "BASE_URL": "http://example.com"})

    assert ids(messages) == ["E008"]
    assert messages[0].hint == "Use https://example.com."
    assert run({**GOOD, "BASE_URL": "http://example.com"}) == []


@pytest.mark.parametrize(
    "key",
    ["pk_test_canary", "pk_live_canary", "canary", "whsec_canary", " sk_test_canary", "sk_test_canary\n"],
)
def test_e009_what_is_no_secret_key(key):
    messages = run({**GOOD, "STRIPE_SECRET_KEY": key})

    assert ids(messages) == ["E009"]
    assert "publishable key" in messages[0].hint


@pytest.mark.parametrize(
    "address", ["example.com", "//example.com", "ftp://example.com", "https://", "/payments"]
)
def test_e010_what_is_no_address(address):
    messages = run({**GOOD, "BASE_URL": address})

    assert ids(messages) == ["E010"]
    assert "https://example.com" in messages[0].hint


@pytest.mark.parametrize("hosts", [[], ["*"], [".example.com"]])
def test_e010_no_address_can_be_derived(hosts):
    without = {name: value for name, value in GOOD.items() if name != "BASE_URL"}

    assert ids(run(without, ALLOWED_HOSTS=hosts)) == ["E010"]
    assert run(without, ALLOWED_HOSTS=["example.com"]) == []


def test_payments_that_are_off_need_nothing():
    assert run({"ENABLED": False}, deploy=True, ALLOWED_HOSTS=[]) == []


@pytest.mark.parametrize("key", ["sk_test_canary", "rk_test_canary"])
def test_w001_a_test_key_in_production(key):
    messages = run({**GOOD, "STRIPE_SECRET_KEY": key}, deploy=True)

    assert ids(messages) == ["W001"]
    assert run({**GOOD, "STRIPE_SECRET_KEY": key}) == []
    assert run({**GOOD, "ENABLED": False}, deploy=True) == []


def test_w002_sqlite_in_production():
    from django.db import connection

    expected = ["W002"] if connection.vendor == "sqlite" else []

    with override_settings(**{SETTING: GOOD}, DEBUG=False):
        assert ids(django_checks.run_checks(tags=["generic_payments"])) == expected
    with override_settings(**{SETTING: GOOD}, DEBUG=True):
        assert ids(django_checks.run_checks(tags=["generic_payments"])) == []


def test_w003_a_payable_that_nobody_hears_of(registry):
    # The shop's own note-taker hears of everything, so that it is taken out for a moment.
    from tests.shop.receivers import write_down

    signals.payment_succeeded.disconnect(dispatch_uid="shop.write_down.payment_succeeded")
    try:
        messages = run(GOOD)
    finally:
        signals.payment_succeeded.connect(write_down, dispatch_uid="shop.write_down.payment_succeeded")

    assert set(ids(messages)) == {"W003"}
    assert {message.obj for message in messages} == {
        each.cls for each in payables.registered_types().values()
    } - {Booking}
    assert "receivers.py" in messages[0].hint
    assert run(GOOD) == []


def test_w007_a_receiver_that_asked_for_what_is_not_registered():
    def receiver(**kwargs):
        pass

    signals.payment_failed.connect(receiver, sender=LateBooking, dispatch_uid="tests.never")
    try:
        messages = run(GOOD)
    finally:
        signals.payment_failed.disconnect(receiver, sender=LateBooking, dispatch_uid="tests.never")

    assert ids(messages) == ["W007"]
    assert "payment_failed" in messages[0].msg
    assert "LateBooking" in messages[0].msg
    assert run(GOOD) == []


class Elsewhere:
    """Sends the payables of the shop to another database than everything else."""

    def db_for_write(self, model, **hints):
        return "other" if model is Booking else None


def test_w004_a_payable_in_another_database():
    messages = run(GOOD, DATABASE_ROUTERS=[Elsewhere()])

    assert ids(messages) == ["W004"]
    assert messages[0].obj is Booking
    assert "idempotent by event.pk" in messages[0].hint


def test_w004_does_not_ask_where_a_payable_is_that_is_no_model(registry):
    class Thing:
        get_payment_amount = get_payment_description = can_be_paid_by = lambda self, *args: Money(1, "gbp")

    payables.register(Thing, "thing", resolver=lambda payable_id: None)

    assert run(GOOD) == []


@pytest.mark.parametrize("base", ["http://127.0.0.1:8420", "https://api.stripe.com.evil.example", ""])
def test_w005_another_address_than_that_of_stripe(base):
    assert ids(run({**GOOD, "STRIPE_API_BASE": base})) == ["W005"]
    assert run({**GOOD, "STRIPE_API_BASE": base}, DEBUG=True) == []


def test_w005_a_slash_at_the_end_is_no_other_address():
    assert run({**GOOD, "STRIPE_API_BASE": "https://api.stripe.com/"}) == []


@pytest.mark.parametrize("currency", ["xxx", "pounds", "gb"])
def test_w006_a_currency_that_stripe_does_not_charge(currency):
    messages = run({**GOOD, "DEFAULT_CURRENCY": currency})

    assert ids(messages) == ["W006"]
    assert repr(currency) in messages[0].msg


@pytest.mark.parametrize("currency", ["gbp", "GBP", ""])
def test_w006_is_silent_for_a_currency_in_any_case(currency):
    assert run({**GOOD, "DEFAULT_CURRENCY": currency}) == []


def test_no_message_repeats_a_secret():
    mistakes = [
        {**GOOD, "STRIPE_SECRET_KEY": "canary"},
        {**GOOD, "STRIPE_SECRET_KEY": "pk_canary"},
        {**GOOD, "STRIPE_SECRET_KEY": b"canary"},
        {**GOOD, "STRIPE_WEBHOOK_SECRET": "canary"},
        {**GOOD, "STRIPE_WEBHOOK_SECRET": {"canary": 1}},
        {**GOOD, "COLOUR": "canary"},
        {**LIVE, "BASE_URL": "http://example.com"},
        "canary",
    ]

    for configured in mistakes:
        for debug in (True, False):
            messages = run(configured, deploy=True, DEBUG=debug)
            assert messages
            assert not [message for message in messages if "canary" in f"{message.msg} {message.hint}"]


def test_the_ids_are_documented_and_each_means_one_thing():
    from pathlib import Path

    documented = re.findall(r"\b[EW]\d{3}\b", checks.__doc__)
    used = re.findall(
        r'id="generic_payments\.([EW]\d{3})"', Path(checks.__file__).read_text(encoding="utf-8")
    )

    assert len(documented) == len(set(documented))
    assert set(used) == set(documented)
    # One id may be raised in two places only where both say the same thing: that the address is none.
    assert {each for each in used if used.count(each) > 1} == {"E010"}


def test_every_check_is_registered():
    registered = django_checks.registry.registry.get_checks(include_deployment_checks=True)

    assert {check for check, _ in checks.CHECKS} <= set(registered)


def test_the_checks_ask_no_database():
    # pytest-django refuses the database to a test that does not ask for it.
    django_checks.run_checks(tags=["generic_payments"], include_deployment_checks=True)


def test_a_setting_that_is_wrong_silences_no_other():
    configured = {
        "STRIPE_SECRET_KEY": "",
        "STRIPE_WEBHOOK_SECRET": "",
        "BASE_URL": "nowhere",
        "DEFAULT_CURRENCY": "xxx",
    }

    assert sorted(ids(run(configured))) == ["E004", "E005", "E010", "W006"]


def test_override_payments_is_what_the_checks_see():
    with override_payments(ENABLED="yes"):
        assert "E003" in ids(django_checks.run_checks(tags=["generic_payments"]))
