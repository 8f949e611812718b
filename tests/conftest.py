"""Fixtures for all tests."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections import Counter
from pathlib import Path

import hypothesis
import pytest
import stripe as sdk

from django_generic_payments import payables
from django_generic_payments.sandbox import Sandbox
from django_generic_payments.testing import use_sandbox
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


class SchemaObserver:
    """Holds everything that any sandbox receives and sends against Stripe's schema."""

    def __init__(self, spec) -> None:
        self.spec = spec
        self.problems: list[str] = []

    def request(self, method, path, body) -> None:
        self._note(f"{method} {path}", self.spec.check_request(method, path, body or ""))

    def response(self, method, path, status, obj) -> None:
        self._note(f"{method} {path} -> {status}", self.spec.check_response(method, path, status, obj))

    def event(self, event) -> None:
        self._note(event["type"], self.spec.check_event(event))

    def _note(self, where, problems) -> None:
        self.problems += [f"{where}: {problem}" for problem in problems]


def _load_observer() -> SchemaObserver | None:
    folder = os.environ.get("STRIPE_OPENAPI_DIR")
    if not folder:
        return None
    spec = importlib.util.spec_from_file_location("stripe_openapi_validate", Path(folder) / "validate.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return SchemaObserver(module.StripeSpec.load())


_observer = _load_observer()


@pytest.fixture(autouse=True)
def _agrees_with_the_schema():
    """Fail the test in which the sandbox was asked, or said, what Stripe would not."""
    if _observer is None:
        yield
        return
    Sandbox.observers.append(_observer)
    _observer.problems.clear()
    yield
    Sandbox.observers.remove(_observer)
    assert _observer.problems == []


def pytest_terminal_summary(terminalreporter):
    """Say plainly what was not run, so that a green line is not taken for more than it is."""
    reasons = Counter(report.longrepr[2] for report in terminalreporter.stats.get("skipped", []))
    lines = [f"{count} tests: {reason.removeprefix('Skipped: ')}" for reason, count in reasons.items()]
    if _observer is None:
        lines.append("the comparison with Stripe's schema: STRIPE_OPENAPI_DIR is not set")
    if lines:
        terminalreporter.section("not run")
        terminalreporter.write_line("\n".join(lines))
