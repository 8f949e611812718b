"""Whether a database transaction is open, in the sense of Django's rule for durable blocks."""

from __future__ import annotations

from django.apps import apps
from django.db import connections, router

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
    again. On databases other than PostgreSQL their own limit holds.
    """
    connection = connections[database_alias()]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = {int(milliseconds)}")
