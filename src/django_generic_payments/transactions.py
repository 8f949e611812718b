"""Whether a database transaction is open, in the sense of Django's rule for durable blocks."""

from __future__ import annotations

from django.apps import apps
from django.db import connections, router
from django.db.backends.base.base import BaseDatabaseWrapper

__all__ = ["database_alias", "in_transaction", "limit_lock_wait"]


def database_alias() -> str:
    """Return the database that all tables of this package are in."""
    return router.db_for_write(apps.get_model("generic_payments", "PaymentSession"))


def in_transaction() -> bool:
    """
    Tell whether a host's transaction is open on our database.

    The transaction that a ``TestCase`` wraps around a test does not count, just as for ``atomic(durable=True)``:
    a host's plain ``TestCase`` behaves like production.
    """
    connection = connections[database_alias()]
    if not connection.in_atomic_block:
        return False
    return not (connection.atomic_blocks and getattr(connection.atomic_blocks[-1], "_from_testcase", False))


def limit_lock_wait(milliseconds: int = 5000) -> None:
    """
    Wait five seconds at most for a row lock, until the current transaction ends.

    Stripe keeps the payer on its page for ten seconds while it waits for our answer: better to refuse, and be asked
    again. On databases other than PostgreSQL their own limit holds. To be called first in a transaction.
    """
    connection = connections[database_alias()]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = {int(milliseconds)}")
    elif connection.vendor == "sqlite" and getattr(connection, "transaction_mode", None) not in _LOCK_AT_ONCE:
        _lock_database(connection)


#: Modes of SQLite's transactions that take the lock of the database when they begin.
_LOCK_AT_ONCE = ("IMMEDIATE", "EXCLUSIVE")


def _lock_database(connection: BaseDatabaseWrapper) -> None:
    # By default SQLite locks at the first write, and a transaction that has read before that is not let wait for
    # another writer: it fails. So it begins by a write that changes nothing.
    table = apps.get_model("generic_payments", "PaymentSession")._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {connection.ops.quote_name(table)} WHERE 0")  # noqa: S608 (a name of ours)
