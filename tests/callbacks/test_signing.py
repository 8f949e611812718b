"""Callbacks are signed so that a library of Standard Webhooks verifies them."""

from __future__ import annotations

import re
import sys
from types import ModuleType

import pytest
from django.test import RequestFactory
from standardwebhooks import Webhook, WebhookVerificationError

from django_generic_payments import __version__
from django_generic_payments.contrib.callbacks.models import Callback
from django_generic_payments.contrib.callbacks.sending import send_due_callbacks
from django_generic_payments.testing import override_payments
from tests.callbacks.test_payload import PAGE

pytestmark = [pytest.mark.core, pytest.mark.django_db]


def verifies(secret, received):
    try:
        Webhook(secret).verify(received.body, received.headers)
    except WebhookVerificationError:
        return False
    return True


def test_a_callback_is_verified_with_its_secret_and_no_other(service, callback, secret, make_secret):
    send_due_callbacks()

    (received,) = service.received
    assert verifies(secret, received)
    assert not verifies(make_secret(), received)


def test_a_changed_body_is_not_verified(service, callback, secret):
    send_due_callbacks()

    (received,) = service.received
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(received.body.replace(b"1250", b"1251"), received.headers)


def test_what_is_sent_is_what_was_written_down_and_how_it_is_headed(service, callback):
    send_due_callbacks()

    (received,) = service.received
    assert received.body == callback.body.encode()
    assert received.path == "/hooks/?token=query-canary"
    assert received.id == str(callback.event_id)
    assert received.headers["content-type"] == "application/json"
    assert received.headers["user-agent"] == f"django-generic-payments/{__version__}"
    assert received.headers["host"] == f"127.0.0.1:{service.port}"
    assert re.fullmatch(r"\d+", received.headers["webhook-timestamp"])
    assert re.fullmatch(r"v1,[\w+/]+=", received.headers["webhook-signature"])


def test_while_a_secret_is_replaced_either_verifies(service, callback, secret, make_secret):
    new = make_secret()
    with override_payments(CALLBACK_SECRETS=[new, secret]):
        send_due_callbacks()

    (received,) = service.received
    assert len(received.headers["webhook-signature"].split(" ")) == 2
    assert verifies(new, received)
    assert verifies(secret, received)
    assert not verifies(make_secret(), received)


def test_each_receiver_may_have_secrets_of_its_own(stripe, service, callback, secret, make_secret):
    own, other = [make_secret(), make_secret()], make_secret()
    secrets = {service.url: own, "https://other.example/": other}
    with override_payments(CALLBACK_SECRETS=secrets):
        send_due_callbacks()

    (received,) = service.received
    assert [verifies(each, received) for each in (*own, other, secret)] == [True, True, False, False]


@pytest.mark.parametrize("bad", ["", "whsec_", "whsec_c2hvcnQ=", "sk_test_canary", "whsec_%%%", None, {}])
def test_without_a_secret_nothing_is_sent_and_the_setting_is_named(service, callback, bad):
    with override_payments(CALLBACK_SECRETS=bad):
        assert send_due_callbacks() == 0

    callback.refresh_from_db()
    assert service.received == []
    assert "GENERIC_PAYMENTS['CALLBACK_SECRETS']" in callback.last_error
    assert "canary" not in callback.last_error
    assert (callback.state, callback.attempts) == ("owed", 1)
    Callback.objects.update(next_attempt_at=callback.created)
    assert send_due_callbacks() == 1


def test_a_bad_secret_beside_a_good_one_does_not_sign(service, callback, secret):
    with override_payments(CALLBACK_SECRETS=["", secret]):
        send_due_callbacks()

    (received,) = service.received
    assert " " not in received.headers["webhook-signature"]
    assert verifies(secret, received)


class Remembered:
    """What a receiver keeps of callbacks: the stand-in for a table with one unique column."""

    def __init__(self):
        self.objects, self.ids = self, set()

    def get_or_create(self, webhook_id):
        is_new = webhook_id not in self.ids
        self.ids.add(webhook_id)
        return webhook_id, is_new


@pytest.mark.skipif(not PAGE.is_file(), reason="docs/ is part of the repository alone")
def test_the_view_of_the_guide_verifies_and_acts_once(service, callback, secret, monkeypatch):
    (code,) = re.findall(r":caption: orders/views.py\n(.*?)```", PAGE.read_text(), re.DOTALL)
    models = ModuleType("orders.models")
    models.ReceivedCallback = Remembered()
    monkeypatch.setitem(sys.modules, "orders.models", models)
    monkeypatch.setenv("CALLBACK_SECRET", secret)
    handled = []
    page = {"handle": handled.append}
    exec(code, page)  # noqa: S102 (a page of our own)
    send_due_callbacks()
    (received,) = service.received

    def answer(body, headers=received.headers):
        request = RequestFactory().post(
            "/", body, "application/json", headers={k: v for k, v in headers.items() if "webhook" in k}
        )
        return page["payments"](request).status_code

    assert [answer(received.body), answer(received.body)] == [204, 204]
    assert [each["type"] for each in handled] == ["payment.succeeded"]
    assert answer(received.body + b" ") == 400
    assert answer(received.body, {}) == 400
    assert answer(received.body, {**received.headers, "webhook-signature": "odd"}) == 400
    assert len(handled) == 1
