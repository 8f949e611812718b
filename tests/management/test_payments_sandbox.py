"""``manage.py payments_sandbox``."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from django_generic_payments.testing import override_payments


@pytest.fixture
def no_keys(monkeypatch):
    for name in ("STRIPE_SECRET_KEY", "STRIPE_API_KEY", "STRIPE_KEY"):
        monkeypatch.delenv(name, raising=False)


def test_it_takes_the_project_s_key_and_finds_its_webhook():
    command = [sys.executable, "-W", "error", "-m", "django", "payments_sandbox", "--port", "0"]
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("STRIPE_")},
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "PAYMENTS_TEST_DATABASE": "sqlite",
        "PYTHONUNBUFFERED": "1",
    }
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as process:
        try:
            lines = []
            while not lines or "Ctrl-C" not in lines[-1]:
                lines.append(process.stdout.readline())
                assert lines[-1], lines
            address = re.search(r"http://127\.0\.0\.1:\d+", "".join(lines))[0]
            request = urllib.request.Request(  # noqa: S310
                f"{address}/v1/customers", headers={"Authorization": "Bearer sk_test_nobody"}
            )
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
                listed = json.load(answer)
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
        finally:
            process.kill()

    said = "".join(lines)
    assert listed["data"] == []
    assert "Its webhooks go to http://testserver/payments/webhook/stripe/" in said
    assert "sk_test_nobody" not in said
    assert "whsec_nobody" not in said


@pytest.mark.usefixtures("no_keys")
class TestRefusals:
    def test_a_live_key(self):
        with (
            override_payments(STRIPE_SECRET_KEY="sk_live_abc"),
            pytest.raises(CommandError, match="A live key has no business in a sandbox") as raised,
        ):
            call_command("payments_sandbox", port=0)

        assert "sk_live_abc" not in str(raised.value)

    def test_a_live_key_beside_it(self, monkeypatch):
        monkeypatch.setenv("STRIPE_API_KEY", "rk_live_abc")

        with pytest.raises(CommandError, match="STRIPE_API_KEY holds a live key"):
            call_command("payments_sandbox", port=0)

    def test_a_project_without_a_secret(self):
        with (
            override_payments(STRIPE_WEBHOOK_SECRET=""),
            pytest.raises(CommandError, match=r"STRIPE_WEBHOOK_SECRET'\] is missing"),
        ):
            call_command("payments_sandbox", port=0)

    @override_settings(ROOT_URLCONF=())
    def test_a_project_without_a_webhook(self):
        with pytest.raises(CommandError, match=r'Add path\("payments/", include'):
            call_command("payments_sandbox", port=0)

    def test_an_address_that_is_not_this_machine(self):
        with pytest.raises(CommandError, match="is not this machine"):
            call_command("payments_sandbox", host="192.0.2.1", port=0)
