"""These tests race real connections against each other, so they need a real PostgreSQL."""

from __future__ import annotations

import os

import pytest
from django.db import connection

from tests.postgres.racing import Stage


def pytest_collection_modifyitems(items):
    """
    Skip the tests unless PostgreSQL is the test database.

    When it is, and there is no server, they fail by themselves. What is left to guard is a wish that was not
    understood: another spelling in the environment must not turn them into skips where they are required.
    """
    if connection.vendor == "postgresql":
        return
    wish = os.environ.get("PAYMENTS_TEST_DATABASE", "")
    required = "postgres" in os.environ.get("PAYMENTS_TEST_REQUIRE", "").split(",")
    if required and wish not in {"", "sqlite"}:
        raise pytest.UsageError(f"PAYMENTS_TEST_DATABASE={wish!r} did not lead to PostgreSQL. Spell it 'postgres'.")
    skip = pytest.mark.skip(reason="PostgreSQL is not the test database")
    for item in items:
        if item.get_closest_marker("postgres"):
            item.add_marker(skip)


@pytest.fixture
def stage():
    """A receiver of ``payment_succeeded`` that a test can hold, let go and make fail."""
    with Stage() as stage:
        yield stage
        stage.let_everybody_go()
