"""What is wrong with the settings of callbacks is said before anybody pays, without what is secret in them."""

from __future__ import annotations

import pytest
from django.core import checks
from django.test import modify_settings

from django_generic_payments.conf import Settings, shown_url
from django_generic_payments.testing import override_payments

pytestmark = pytest.mark.core

URL = "https://hooks.example/payments/"
SECRET = "whsec_Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5"
APP = "django_generic_payments.contrib.callbacks"


def run(**settings):
    with override_payments(**{"CALLBACK_URLS": [URL], "CALLBACK_SECRETS": SECRET, **settings}):
        messages = checks.run_checks(tags=["generic_payments"])
    return [each for each in messages if each.id not in {"generic_payments.W002", "generic_payments.W007"}]


def ids(messages):
    return [each.id.removeprefix("generic_payments.") for each in messages]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"CALLBACK_URLS": ()},
        {"CALLBACK_URLS": (), "CALLBACK_SECRETS": ""},
        {"CALLBACK_URLS": [URL, f"{URL}?token=x"]},
        {"CALLBACK_SECRETS": [SECRET, SECRET]},
        {"CALLBACK_SECRETS": {URL: SECRET}},
        {"CALLBACK_SECRETS": {URL: [SECRET, SECRET], "https://gone.example/": ""}},
        {"CALLBACK_URLS": ["http://127.0.0.1:8001/"], "CALLBACK_ALLOW_PRIVATE": True},
    ],
)
def test_good_settings_are_met_with_silence(settings):
    assert run(**settings) == []


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "is not an address"),
        ("whsec_canary", "is not an address"),
        ("hooks.example/canary", "is not an address"),
        ("http://hooks.example/?canary", "is not https"),
        ("https://ann:canary@hooks.example/", "holds a user name or a password"),
        ("https://canary@hooks.example/", "holds a user name or a password"),
        (f"{URL}{'x' * 500}", "is not an address"),
    ],
)
def test_e011_a_url_that_cannot_be_called(url, why):
    messages = run(CALLBACK_URLS=[URL, url])

    assert ids(messages) == ["E011"]
    assert messages[0].msg.startswith(f"GENERIC_PAYMENTS['CALLBACK_URLS'][1] {why}")
    assert "canary" not in str(messages)


@pytest.mark.parametrize("secrets", ["", "  ", [], [""], {}, {URL: ""}, {URL: []}, {f"{URL}x": SECRET}])
def test_e012_a_url_without_a_secret(secrets):
    messages = run(CALLBACK_SECRETS=secrets)

    assert ids(messages) == ["E012"]
    assert URL in messages[0].msg
    assert "token_bytes" in messages[0].hint


@pytest.mark.parametrize(
    "bad",
    [
        "canary",
        "sk_live_canary",
        "whsec_canary!",
        "whsec_Y2FuYXJ5",  # too short
        "whsec_" + "Y2Fu" * 22,  # too long
        SECRET.removeprefix("whsec_"),
        f" {SECRET}",
        f"{SECRET}\n",
        "whsec_Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5é",
    ],
)
@pytest.mark.parametrize("place", [lambda bad: bad, lambda bad: [SECRET, bad], lambda bad: {URL: bad}])
def test_e013_something_that_is_no_secret(bad, place):
    messages = run(CALLBACK_SECRETS=place(bad))

    assert ids(messages) == ["E013"]
    assert URL in messages[0].msg
    assert bad.strip() not in str(messages)


def test_no_message_shows_the_query_of_a_url():
    messages = run(CALLBACK_URLS=[f"{URL}?token=canary"], CALLBACK_SECRETS="")

    assert ids(messages) == ["E012"]
    assert "canary" not in str(messages)


def test_e014_nobody_sends_callbacks():
    with modify_settings(INSTALLED_APPS={"remove": APP}):
        messages = run()

    assert ids(messages) == ["E014"]
    assert messages[0].hint == f"Add {APP!r} to INSTALLED_APPS."


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CALLBACK_URLS", URL),
        ("CALLBACK_URLS", None),
        ("CALLBACK_URLS", [None]),
        ("CALLBACK_URLS", 5),
        ("CALLBACK_SECRETS", None),
        ("CALLBACK_SECRETS", 5),
        ("CALLBACK_SECRETS", b"whsec_canary"),
        ("CALLBACK_SECRETS", [None]),
        ("CALLBACK_SECRETS", {URL: None}),
        ("CALLBACK_SECRETS", {URL: {URL: SECRET}}),
        ("CALLBACK_ALLOW_PRIVATE", "yes"),
        ("CALLBACK_ALLOW_PRIVATE", 1),
    ],
)
def test_e003_a_value_of_the_wrong_type(name, value):
    messages = run(**{name: value})

    assert ids(messages) == ["E003"]
    assert messages[0].msg.startswith(f"GENERIC_PAYMENTS[{name!r}] must be ")
    assert "canary" not in str(messages)


def test_the_settings_show_neither_secrets_nor_what_is_in_urls():
    shown = repr(Settings(CALLBACK_URLS=[f"{URL}?canary"], CALLBACK_SECRETS={URL: SECRET}))

    assert "canary" not in shown
    assert SECRET not in shown


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://ann:canary@Hooks.example:8443/a/b?c=canary#canary", "https://hooks.example:8443/a/b"),
        ("https://hooks.example?canary", "https://hooks.example"),
        ("http://[2606:4700::1]:80/x", "http://[2606:4700::1]:80/x"),
        ("whsec_canary", ""),
        ("https://", ""),
    ],
)
def test_of_a_url_only_its_scheme_host_and_path_are_shown(url, shown):
    assert shown_url(url) == shown
