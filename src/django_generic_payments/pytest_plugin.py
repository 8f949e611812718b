"""
A pytest plugin for host projects. Opt in with ``pytest_plugins = ["django_generic_payments.pytest_plugin"]``.

It goes with pytest-django, and imports nothing before a test asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from django_generic_payments.testing import PaymentsSandbox

__all__ = ["stripe_sandbox"]


@pytest.fixture
def stripe_sandbox() -> Iterator[PaymentsSandbox]:
    """Put a small Stripe in the place of the real one: ``stripe_sandbox.pay(start_checkout(booking))``."""
    from django_generic_payments.testing import use_sandbox

    with use_sandbox() as sandbox:
        yield sandbox
