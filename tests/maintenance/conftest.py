from __future__ import annotations

import pytest

from django_generic_payments.signals import payment_succeeded
from tests.maintenance.scenes import Troubled


@pytest.fixture
def trouble():
    """Connect a receiver of ``payment_succeeded`` that fails so many times."""
    connected = []

    def trouble(failures: float = float("inf"), *, uid: str = "tests.troubled") -> Troubled:
        troubled = Troubled(failures)
        payment_succeeded.connect(troubled, weak=False, dispatch_uid=uid)
        connected.append(uid)
        return troubled

    yield trouble
    for uid in connected:
        payment_succeeded.disconnect(dispatch_uid=uid)
