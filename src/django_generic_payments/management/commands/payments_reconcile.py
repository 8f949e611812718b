"""``manage.py payments_reconcile``: ask Stripe what became of a payment."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from django_generic_payments.exceptions import GatewayError
from django_generic_payments.maintenance.reconcile import compare, find_sessions
from django_generic_payments.models import PaymentSession

__all__ = ["Command"]


class Command(BaseCommand):
    """Compare payment sessions with Stripe; whatever was missed is booked and told as if its webhook had come."""

    help = "Asks Stripe what became of payment sessions and of their refunds, and lets receivers hear what is new."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add which payments."""
        parser.add_argument(
            "sessions",
            nargs="+",
            metavar="SESSION",
            help="the id of a payment session, cs_… or pi_… of Stripe, or a payable as type:id",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Print what each was and what it is now."""
        found = {name: find_sessions(name) for name in options["sessions"]}
        if unknown := [name for name, sessions in found.items() if not sessions]:
            raise CommandError(f"There is no payment session {', '.join(unknown)}.")
        unanswered = sum(not self.ask(each) for sessions in found.values() for each in sessions)
        if unanswered:
            raise CommandError(f"{unanswered} could not be asked for. Try again later.")

    def ask(self, session: PaymentSession) -> bool:
        """Ask for one, and return whether Stripe answered."""
        try:
            compared = compare(session, by="payments_reconcile")
        except GatewayError as error:
            self.stdout.write(self.style.ERROR(f"{session.pk}  {type(error).__name__}: {error}"))
            return False
        status = compared.session.status
        change = f"{compared.before.value} -> {status}" if compared.has_moved else status
        news = ", ".join(event.kind for event in compared.news)
        self.stdout.write(f"{session.pk}  {change}  {news or 'nothing new'}")
        return True
