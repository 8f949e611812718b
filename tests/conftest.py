"""Fixtures for all tests."""

from __future__ import annotations

from collections import Counter

import hypothesis
import pytest
import stripe as sdk

from django_generic_payments import payables
from django_generic_payments.testing import use_sandbox
from tests import stripe_schema
from tests.thoroughness import IS_THOROUGH

# How long an example takes says nothing on a machine that does other things too.
hypothesis.settings.register_profile(
    "payments",
    deadline=None,
    max_examples=100 if IS_THOROUGH else 50,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("payments")

# It would write a file in the home directory of whoever runs the tests.
sdk.enable_telemetry = False


@pytest.fixture
def stripe():
    """A sandbox in Stripe's place."""
    with use_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def user(django_user_model):
    """Somebody with an account."""
    return django_user_model.objects.create_user("ann", "ann@example.com", "secret")


@pytest.fixture
def registry():
    """The registry of payables, put back as it was when the test is over."""
    known = dict(payables._types)
    yield payables._types
    payables._types.clear()
    payables._types.update(known)


@pytest.fixture(autouse=True)
def _agrees_with_the_schema():
    """Fail the test in which the sandbox was asked, or said, what Stripe would not."""
    with stripe_schema.agreement():
        yield


def pytest_terminal_summary(terminalreporter):
    """Say plainly what was not run, so that a green line is not taken for more than it is."""
    reasons = Counter(report.longrepr[2] for report in terminalreporter.stats.get("skipped", []))
    lines = [f"{count} tests: {reason.removeprefix('Skipped: ')}" for reason, count in reasons.items()]
    if stripe_schema.load() is None:
        lines.append(f"the comparison with Stripe's schema: {stripe_schema.FOLDER} is not set")
    if lines:
        terminalreporter.section("not run")
        terminalreporter.write_line("\n".join(lines))
