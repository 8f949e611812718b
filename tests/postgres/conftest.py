"""These tests race real connections against each other, so they need a real PostgreSQL."""

from __future__ import annotations

import pytest
from django.db import connection

from tests.postgres.racing import Stage


def pytest_collection_modifyitems(items):
    """Skip the tests unless PostgreSQL is the test database; the settings fail where it is required and missing."""
    if connection.vendor == "postgresql":
        return
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
