"""Whether a transaction is open, by Django's own rule."""

from __future__ import annotations

import pytest
from django.db import connection, transaction
from django.test import TestCase, TransactionTestCase, override_settings

from django_generic_payments.models import PaymentSession
from django_generic_payments.transactions import database_alias, in_transaction, limit_lock_wait

pytestmark = pytest.mark.core


class OutsideOfTestCase(TransactionTestCase):
    """A test of a host that wraps nothing around itself."""

    def test_no_transaction_is_open(self):
        assert not in_transaction()

    def test_a_block_of_the_host_is_one(self):
        with transaction.atomic():
            assert in_transaction()
            with transaction.atomic():
                assert in_transaction()
            assert in_transaction()
        assert not in_transaction()


class InsideOfTestCase(TestCase):
    """A host's plain test, which Django wraps in two transactions that do not count."""

    def test_the_transaction_of_the_test_does_not_count(self):
        assert connection.in_atomic_block
        assert not in_transaction()

    def test_a_block_of_the_host_does(self):
        with transaction.atomic():
            assert in_transaction()
            with transaction.atomic(savepoint=False):
                assert in_transaction()
        assert not in_transaction()

    def test_the_rule_is_that_of_durable_blocks(self):
        with transaction.atomic(durable=True):
            pass
        with transaction.atomic(), pytest.raises(RuntimeError), transaction.atomic(durable=True):
            pass


@pytest.mark.django_db
def test_a_fixture_of_pytest_is_no_transaction_of_the_host():
    assert not in_transaction()


class Elsewhere:
    """Keeps the payments in a database of their own."""

    def db_for_write(self, model, **hints):
        return "payments" if model is PaymentSession else None


def test_the_database_is_the_one_of_the_payments():
    assert database_alias() == "default"
    with override_settings(DATABASE_ROUTERS=[Elsewhere()]):
        assert database_alias() == "payments"


@pytest.mark.django_db
def test_the_wait_for_a_lock_is_limited_where_the_database_can(django_assert_num_queries):
    statements = 1 if connection.vendor == "postgresql" else 0

    with transaction.atomic(), django_assert_num_queries(statements, connection=connection):
        limit_lock_wait()
