"""``manage.py payments_audit``: whether the books are right."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from django_generic_payments.maintenance.audit import audit

__all__ = ["Command"]


class Command(BaseCommand):
    """Hold every invariant of the ledger against the database; the exit status is 1 if one is broken."""

    help = (
        "Checks what must hold of all payments, refunds and disputes, and exits with 1 if something does not."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Print a line for each invariant."""
        broken = 0
        for finding in audit():
            broken += finding.count > 0
            if not finding.count:
                self.stdout.write(f"ok      {finding.invariant}")
                continue
            examples = ", ".join(finding.examples) + (", …" if finding.count > len(finding.examples) else "")
            self.stdout.write(self.style.ERROR(f"BROKEN  {finding.invariant}: {finding.count} ({examples})"))
        if broken:
            raise CommandError(f"{broken} of the invariants do not hold.")
