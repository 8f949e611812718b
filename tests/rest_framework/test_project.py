"""What the project decides about the API, and what there is without its extra."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from django.test import Client, override_settings
from django.urls import include, path
from rest_framework import permissions
from rest_framework.throttling import ScopedRateThrottle

from django_generic_payments.contrib.rest_framework.problems import CODES
from django_generic_payments.contrib.rest_framework.throttling import RATES
from django_generic_payments.exceptions import ConfigurationError
from django_generic_payments.models import PaymentSession
from django_generic_payments.testing import use_sandbox
from django_generic_payments.webhooks.address import webhook_path
from tests.rest_framework import openapi
from tests.rest_framework.conftest import Caller, rest_framework
from tests.rest_framework.test_checkout import code_of

pytestmark = pytest.mark.django_db

DOCS = Path(__file__).parents[2] / "docs"

# For the tests that include the API alone, somewhere else.
urlpatterns = [path("v2/pay/", include("django_generic_payments.contrib.rest_framework.urls"))]


# Throttles.


@pytest.mark.parametrize(
    ("scope", "ask"),
    [
        ("payments_checkout", lambda caller, session: caller.post("checkout/", {})),
        ("payments_status", lambda caller, session: caller.get(f"status/{session.pk}/")),
        ("payments_sync", lambda caller, session: caller.get(f"status/{session.pk}/?sync=1")),
        ("payments_refunds", lambda caller, session: caller.post("refunds/", {})),
        ("payments_refunds", lambda caller, session: caller.get(f"refunds/{session.pk}/")),
    ],
)
def test_each_scope_has_a_rate_of_the_project(cashier, paid, scope, ask):
    rates = {**dict.fromkeys(RATES), scope: "2/min"}
    with rest_framework(DEFAULT_THROTTLE_RATES=rates):
        first, second, third = (ask(cashier, paid) for _ in range(3))

    assert first.status_code != 429 != second.status_code
    assert code_of(third) == (429, "throttled")
    assert 0 < int(third["Retry-After"]) <= 60


def test_without_a_rate_of_the_project_there_is_one_of_ours(stripe, ann, bob, booking):
    statuses = [ann.post("checkout/", {}).status_code for _ in range(21)]

    assert statuses == [400] * 20 + [429]
    assert bob.post("checkout/", {}).status_code == 400


def test_a_project_that_throttles_by_scope_need_not_name_ours(stripe, ann, booking, monkeypatch):
    from rest_framework.views import APIView

    monkeypatch.setattr(APIView, "throttle_classes", [ScopedRateThrottle])

    assert ann.checkout(booking).status_code == 201


# The project's own ways.


def test_a_project_that_lets_nobody_in_without_an_account_is_obeyed(
    stripe, stranger, guests_booking, monkeypatch
):
    from rest_framework.views import APIView

    monkeypatch.setattr(APIView, "permission_classes", [permissions.IsAuthenticated])

    assert code_of(stranger.checkout(guests_booking)) == (403, "not_authenticated")
    assert not PaymentSession.objects.exists()


def test_the_projects_own_form_of_errors_is_not_taken(stripe, ann, booking):
    with rest_framework(EXCEPTION_HANDLER="nowhere.at_all"):
        assert code_of(ann.checkout(booking, amount=1)) == (400, "invalid")


@override_settings(ROOT_URLCONF=__name__)
def test_the_webhook_of_the_api_is_found_under_any_prefix():
    assert webhook_path() == "/v2/pay/webhook/stripe/"
    assert Client().post("/v2/pay/webhook/stripe/", b"", content_type="application/json").status_code == 400


@override_settings(ROOT_URLCONF=__name__)
def test_a_project_without_the_way_back_is_told_what_to_include(booking, ann):
    asked = {"payable_type": "booking", "payable_id": booking.pk}

    with use_sandbox(), pytest.raises(ConfigurationError, match=r'include\("django_generic_payments.urls"\)'):
        ann._client.post("/v2/pay/checkout/", asked, content_type="application/json")

    assert not PaymentSession.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_stripe_is_called_outside_of_the_transaction_of_a_request(ann, booking):
    from django.db import connection

    connection.settings_dict["ATOMIC_REQUESTS"] = True
    try:
        with use_sandbox():
            response = ann.checkout(booking)
    finally:
        connection.settings_dict["ATOMIC_REQUESTS"] = False

    assert response.status_code == 201
    assert response.json()["status"] == "pending"


def test_a_bug_of_a_payable_is_not_dressed_up_as_an_answer(stripe, user):
    from tests.shop.models import Basket

    basket = Basket.objects.create(lines=[["Soap", 300, 1]], declared=500)
    caller = Caller(user)
    caller._client.raise_request_exception = False

    assert caller.checkout(basket, "basket").status_code == 500


# What is written about it.


@pytest.mark.skipif(not DOCS.is_dir(), reason="docs/ is part of the repository alone")
def test_every_code_is_explained_with_its_status_and_no_other():
    page = (DOCS / "reference" / "rest-api.md").read_text()

    explained = re.findall(r'^\| <a id="(\w+)"></a>`\1` \| (\d+) \|', page, re.MULTILINE)

    assert {code: int(status) for code, status in explained} == dict(CODES)


@pytest.mark.skipif(not DOCS.is_dir(), reason="docs/ is part of the repository alone")
def test_every_rate_is_explained():
    page = (DOCS / "reference" / "rest-api.md").read_text()

    assert dict(re.findall(r"^\| `(payments_\w+)` \| `([^`]+)` \|", page, re.MULTILINE)) == RATES


@pytest.mark.skipif(not DOCS.is_dir(), reason="docs/ is part of the repository alone")
def test_the_document_for_programs_is_the_one_that_is_made_today():
    assert yaml.safe_load(openapi.FILE.read_text()) == openapi.document(), (
        "Write it anew: python -m tests.rest_framework.openapi"
    )


@pytest.mark.core
@pytest.mark.parametrize("missing", ["rest_framework", "drf_spectacular"])
def test_without_the_extra_it_says_what_to_install(missing):
    code = (
        "import sys\n"
        "class Missing:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == {missing!r}: raise ModuleNotFoundError(name)\n"
        "import importlib.util\n"
        "known = importlib.util.find_spec\n"
        f"importlib.util.find_spec = lambda name, package=None: None if name == {missing!r} else known(name, package)\n"
        "import django_generic_payments.contrib.rest_framework\n"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert 'pip install "django-generic-payments[drf]"' in done.stderr
