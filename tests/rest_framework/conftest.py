"""Callers of the API: somebody with an account, another, staff, and strangers."""

from __future__ import annotations

import json
from importlib.util import find_spec
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission
from django.core.cache import cache
from django.test import Client, override_settings

from django_generic_payments.models import PaymentSession
from tests.shop.models import Booking

# Without the extra there is nothing here to be imported.
collect_ignore_glob = [] if find_spec("rest_framework") and find_spec("drf_spectacular") else ["test_*.py"]

API = "/api/payments/"


def rest_framework(**changes: Any) -> override_settings:
    """Change some of the project's settings of REST framework."""
    return override_settings(REST_FRAMEWORK={**settings.REST_FRAMEWORK, **changes})


def unthrottled() -> override_settings:
    """Let everybody ask as often as they like."""
    from django_generic_payments.contrib.rest_framework.throttling import RATES

    return rest_framework(DEFAULT_THROTTLE_RATES=dict.fromkeys(RATES))


class Caller:
    """Speaks JSON, as whoever it is logged in as."""

    def __init__(self, user: Any = None, **headers: str) -> None:
        self.user = user
        self._client = Client(headers=headers)
        if user is not None:
            self._client.force_login(user)

    def post(self, path: str, data: Any = None, **headers: str) -> Any:
        """Send a body, which is JSON unless it is bytes already."""
        body = data if isinstance(data, bytes) else json.dumps(data)
        return self._client.post(
            API + path, body, content_type="application/json", headers=_as_headers(headers)
        )

    def get(self, path: str, **headers: str) -> Any:
        return self._client.get(API + path, headers=_as_headers(headers))

    def checkout(self, payable: Any, name: str = "booking", *, key: str | None = None, **more: Any) -> Any:
        """Ask for a checkout."""
        headers = {} if key is None else {"idempotency_key": key}
        return self.post(
            "checkout/", {"payable_type": name, "payable_id": str(payable.pk), **more}, **headers
        )


def _as_headers(given: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in given.items()}


@pytest.fixture(autouse=True)
def _no_memory_of_other_tests():
    """The throttles count in the cache."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def stranger(db):
    return Caller()


@pytest.fixture
def ann(user):
    return Caller(user)


@pytest.fixture
def bob(django_user_model):
    return Caller(django_user_model.objects.create_user("bob", password="secret"))


def staff_with(django_user_model, *permissions: str) -> Caller:
    """Return somebody of the staff who has these permissions."""
    member = django_user_model.objects.create_user("-".join(["staff", *permissions]), is_staff=True)
    member.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return Caller(member)


@pytest.fixture
def cashier(django_user_model):
    """May send money back."""
    return staff_with(django_user_model, "add_refund")


@pytest.fixture
def booking(ann):
    """Ann's."""
    return Booking.objects.create(owner=ann.user)


@pytest.fixture
def guests_booking(db):
    """Nobody's in particular: whoever knows of it may pay."""
    return Booking.objects.create()


@pytest.fixture
def paid(stripe, ann, booking):
    """What Ann paid."""
    session = PaymentSession.objects.get(pk=ann.checkout(booking).json()["id"])
    stripe.pay(session)
    session.refresh_from_db()
    return session
