"""What the tests of callbacks share. They need the package that signs, which is an extra."""

from __future__ import annotations

import base64
from importlib.util import find_spec

import pytest

from django_generic_payments.services import start_checkout
from django_generic_payments.testing import override_payments
from tests.callbacks.server import serving
from tests.shop.models import Booking


class LeftOut(pytest.Module):
    """A module that is not even imported."""

    def collect(self):
        pytest.skip("standardwebhooks is not installed", allow_module_level=True)


def pytest_pycollect_makemodule(module_path, parent):
    if not find_spec("standardwebhooks"):
        return LeftOut.from_parent(parent, path=module_path)
    return None


@pytest.fixture
def make_secret():
    """Make secrets that are each another."""
    numbers = iter(range(1, 256))
    return lambda: f"whsec_{base64.b64encode(bytes([next(numbers)]) * 32).decode()}"


@pytest.fixture
def secret(make_secret):
    return make_secret()


@pytest.fixture
def service():
    """Somebody who is told of payments."""
    with serving() as service:
        yield service


@pytest.fixture
def told(service, secret):
    """The settings with which the service is told."""
    with override_payments(CALLBACK_URLS=[service.url], CALLBACK_SECRETS=secret, CALLBACK_ALLOW_PRIVATE=True):
        yield


@pytest.fixture
def paid(stripe, told):
    """A payment that was made and heard of."""
    session = start_checkout(Booking.objects.create(), metadata={"table": "7"})
    stripe.pay(session)
    session.refresh_from_db()
    return session


@pytest.fixture
def callback(paid):
    """The callback that waits to be sent."""
    from django_generic_payments.contrib.callbacks.models import Callback

    return Callback.objects.get(event__session=paid)
