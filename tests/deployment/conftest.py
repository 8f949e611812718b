"""The example in production: what its tests share."""

from __future__ import annotations

import importlib.util
import os
import secrets
from urllib.parse import quote

import pytest

from tests.deployment.site import Site, documented_environment
from tests.settings import POSTGRES, postgres_is_there

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
    import psycopg
    from psycopg.conninfo import make_conninfo

    where = {name.lower(): POSTGRES[name] for name in ("USER", "PASSWORD", "HOST", "PORT")}
    name = f"harbour_{secrets.token_hex(8)}"
    with psycopg.connect(make_conninfo(**where, dbname="postgres"), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        try:
            yield url_of(name)
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def url_of(name: str) -> str:
    secret = quote(POSTGRES["PASSWORD"], safe="")
    return f"postgres://{POSTGRES['USER']}:{secret}@{POSTGRES['HOST']}:{POSTGRES['PORT']}/{name}"
