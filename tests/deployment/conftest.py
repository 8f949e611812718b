"""The example in production: what its tests share."""

from __future__ import annotations

import importlib.util
import os

import pytest

from tests.databases import postgres_database
from tests.deployment.site import Site, documented_environment
from tests.settings import postgres_is_there

NEEDED = ("gunicorn", "whitenoise", "sentry_sdk", "environ")
MISSING = [name for name in NEEDED if importlib.util.find_spec(name) is None]


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """A copy of the example, with its static files collected as in production."""
    if MISSING:
        pytest.skip(f"the dependency group deployment is not installed: {', '.join(MISSING)}")
    site = Site(tmp_path_factory.mktemp("deployed"))
    site.python("manage.py", "collectstatic", "--noinput", **documented_environment())
    return site


@pytest.fixture(scope="module")
def postgres_url():
    """The address of an empty database on PostgreSQL, which is dropped in the end."""
    if not postgres_is_there():
        is_required = "postgres" in os.environ.get("PAYMENTS_TEST_REQUIRE", "").split(",")
        (pytest.fail if is_required else pytest.skip)("PostgreSQL is not there")
    with postgres_database() as address:
        yield address
