"""The settings as the package reads them."""

from __future__ import annotations

import dataclasses

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from django_generic_payments.conf import SETTING, STRIPE_API_BASE, Settings, get_settings, setting_names
from django_generic_payments.exceptions import ConfigurationError
from django_generic_payments.testing import override_payments

pytestmark = pytest.mark.core


def test_a_project_that_sets_nothing_has_the_defaults(settings):
    del settings.GENERIC_PAYMENTS

    assert get_settings() == Settings()


def test_the_defaults_are_safe():
    defaults = Settings()

    assert defaults.ENABLED
    assert defaults.STRIPE_API_BASE == STRIPE_API_BASE == "https://api.stripe.com"
    assert defaults.webhook_secrets == ()
    assert not defaults.livemode
    assert tuple(defaults.ALLOWED_REDIRECT_HOSTS) == ()
    assert defaults.WEBHOOK_TOLERANCE == 300


def test_a_change_is_read_at_once_and_so_is_its_end(settings):
    with override_payments(APP_NAME="other"):
        assert get_settings().APP_NAME == "other"
    assert get_settings().APP_NAME == "default"

    del settings.GENERIC_PAYMENTS
    assert get_settings().STRIPE_SECRET_KEY == ""


def test_the_settings_do_not_change():
    with pytest.raises(dataclasses.FrozenInstanceError):
        get_settings().ENABLED = False


def test_an_unknown_name_is_an_error_that_names_it():
    with override_payments(STRIPE_WEBHOOK_SECRETS="whsec_x"), pytest.raises(ConfigurationError) as refused:
        get_settings()

    assert "STRIPE_WEBHOOK_SECRETS" in str(refused.value)
    assert "whsec_x" not in str(refused.value)


@pytest.mark.parametrize("value", ["sk_live_canary", ["sk_live_canary"], None, 5])
def test_something_that_is_no_dict_is_refused_and_not_repeated(value):
    with (
        override_settings(GENERIC_PAYMENTS=value),
        pytest.raises(ConfigurationError, match="must be a dict") as refused,
    ):
        get_settings()

    assert isinstance(refused.value, ImproperlyConfigured)
    assert "canary" not in str(refused.value)


def test_secrets_are_not_in_the_repr():
    shown = repr(Settings(STRIPE_SECRET_KEY="sk_live_canary", STRIPE_WEBHOOK_SECRET=["whsec_canary"]))

    assert "canary" not in shown
    assert "STRIPE_API_BASE" in shown


def test_the_names_of_secrets_are_those_that_django_hides():
    from django.views.debug import SafeExceptionReporterFilter

    hidden = SafeExceptionReporterFilter.hidden_settings
    secret = {each.name for each in dataclasses.fields(Settings) if not each.repr}

    # A URL may be seen, and what stands behind its question mark may not.
    assert secret == {"STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET", "CALLBACK_SECRETS", "CALLBACK_URLS"}
    assert all(hidden.search(name) for name in secret - {"CALLBACK_URLS"})


@pytest.mark.parametrize(
    ("key", "livemode"),
    [
        ("sk_live_x", True),
        ("rk_live_x", True),
        ("sk_test_x", False),
        ("rk_test_x", False),
        ("pk_live_x", False),
        ("", False),
        ("SK_LIVE_x", False),
    ],
)
def test_the_mode_is_that_of_the_key(key, livemode):
    assert Settings(STRIPE_SECRET_KEY=key).livemode is livemode


@pytest.mark.parametrize(
    ("configured", "usable"),
    [
        ("whsec_a", ("whsec_a",)),
        (["whsec_a", "whsec_b"], ("whsec_a", "whsec_b")),
        (("whsec_a",), ("whsec_a",)),
        ("", ()),
        ("   ", ()),
        ("whsec_", ()),
        ("secret", ()),
        ("sk_test_x", ()),
        ("we_1", ()),
        (None, ()),
        ([], ()),
        (["", "whsec_a", "  ", None, 5], ("whsec_a",)),
    ],
)
def test_only_webhook_secrets_verify_webhooks(configured, usable):
    assert Settings(STRIPE_WEBHOOK_SECRET=configured).webhook_secrets == usable


@pytest.mark.parametrize(
    ("base_url", "hosts", "debug", "expected"),
    [
        ("https://pay.example.com", [], False, "https://pay.example.com"),
        ("https://pay.example.com/", ["other.example"], False, "https://pay.example.com"),
        ("http://127.0.0.1:9000", ["example.com"], True, "http://127.0.0.1:9000"),
        ("", ["example.com", "other.example"], False, "https://example.com"),
        ("", ["*", ".example.com", "shop.example.com"], False, "https://shop.example.com"),
        ("", ["example.com"], True, "http://127.0.0.1:8000"),
        ("", [], True, "http://127.0.0.1:8000"),
    ],
)
def test_the_address_of_the_site_is_set_or_derived(base_url, hosts, debug, expected):
    with override_settings(ALLOWED_HOSTS=hosts, DEBUG=debug), override_payments(BASE_URL=base_url):
        assert get_settings().base_url == expected


@pytest.mark.parametrize("hosts", [[], ["*"], [".example.com"], [""]])
def test_an_address_that_cannot_be_derived_is_asked_for(hosts):
    with (
        override_settings(ALLOWED_HOSTS=hosts),
        override_payments(BASE_URL=""),
        pytest.raises(
            ConfigurationError, match=r"Set GENERIC_PAYMENTS\['BASE_URL'\], such as 'https://example.com'"
        ),
    ):
        _ = get_settings().base_url


def test_every_setting_is_described():
    from pathlib import Path

    import django_generic_payments.conf as conf

    lines = Path(conf.__file__).read_text(encoding="utf-8").splitlines()
    for name in setting_names():
        at = next(number for number, line in enumerate(lines) if line.startswith(f"    {name}:"))
        assert lines[at - 1].strip().startswith("#:"), name


def test_the_setting_has_one_name():
    assert SETTING == "GENERIC_PAYMENTS"
