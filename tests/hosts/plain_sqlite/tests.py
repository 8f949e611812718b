from __future__ import annotations

import sqlite3
import threading

from django.db import connection, transaction
from django.test import TransactionTestCase

from django_generic_payments.models import Refund
from django_generic_payments.money import Money
from django_generic_payments.services import refund_payment, start_checkout
from django_generic_payments.testing import use_sandbox
from django_generic_payments.transactions import limit_lock_wait
from tests.shop.models import Booking


class WriterTests(TransactionTestCase):
    def test_a_transaction_of_ours_has_the_lock_before_it_reads(self):
        other = sqlite3.connect(connection.settings_dict["NAME"], timeout=0, isolation_level=None)
        self.addCleanup(other.close)

        with transaction.atomic():
            limit_lock_wait()
            Booking.objects.count()
            with self.assertRaisesMessage(sqlite3.OperationalError, "locked"):
                other.execute("BEGIN IMMEDIATE")

        other.execute("BEGIN IMMEDIATE")
        other.execute("ROLLBACK")

    def test_refunds_and_their_webhooks_wait_for_each_other(self):
        with use_sandbox() as stripe:
            session = start_checkout(Booking.objects.create(deposit=20_00))
            stripe.pay(session)
            stopped = threading.Event()

            def write_all_the_time():
                other = sqlite3.connect(connection.settings_dict["NAME"], timeout=5)
                while not stopped.is_set():
                    other.execute("UPDATE shop_booking SET confirmed = confirmed")
                    other.commit()
                other.close()

            writer = threading.Thread(target=write_all_the_time)
            writer.start()
            try:
                for _ in range(10):
                    refund_payment(session, Money(1_00, "gbp"))
                    stripe.deliver()
            finally:
                stopped.set()
                writer.join()

        assert list(Refund.objects.values_list("status", flat=True)) == ["succeeded"] * 10
