"""Databases of their own, for the processes that tests start."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

from tests.settings import POSTGRES

__all__ = ["postgres_database"]


@contextmanager
def postgres_database() -> Iterator[str]:
    """Make an empty database on PostgreSQL, give its address, and drop it in the end."""
    import psycopg
    from psycopg.conninfo import make_conninfo

    where = {name.lower(): POSTGRES[name] for name in ("USER", "PASSWORD", "HOST", "PORT")}
    name = f"harbour_{secrets.token_hex(8)}"
    with psycopg.connect(make_conninfo(**where, dbname="postgres"), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        try:
            yield _address_of(name)
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _address_of(name: str) -> str:
    secret = quote(POSTGRES["PASSWORD"], safe="")
    return f"postgres://{POSTGRES['USER']}:{secret}@{POSTGRES['HOST']}:{POSTGRES['PORT']}/{name}"
