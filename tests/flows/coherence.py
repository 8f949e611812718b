"""What must hold of every payment session, whatever story it went through."""

from __future__ import annotations

from collections import Counter

from django_generic_payments.enums import TransactionKind
from django_generic_payments.maintenance.audit import audit
from django_generic_payments.models import PaymentSession
from django_generic_payments.payables import get_payable_type
from tests.shop.models import Heard


def assert_coherent(session: PaymentSession, *, owed: bool = False) -> None:
    """
    Read the session afresh and hold its rows against each other.

    ``owed`` says that a receiver still waits for an event, as it may only when Stripe was not answered by 200.
    """
    session.refresh_from_db()
    payments = list(session.transactions.filter(kind=TransactionKind.PAYMENT))
    totals = session.transactions.totals().values()
    calls = Heard.objects.filter(event_id__in=session.events.values("pk")).values_list("event_id", "receiver")

    assert session.status == session.derived_status
    assert len({each.source_id for each in payments}) == len(payments)
    assert bool(session.paid_at) == bool(payments)
    assert session.paid_amount == sum(each.gross for each in payments)
    assert session.refunded_amount == sum(each.refunded for each in totals)
    assert [
        finding for finding in audit() if finding.count and not (owed and "no receiver" in finding.invariant)
    ] == []
    assert set(Counter(calls).values()) <= {1}
    assert session.events.owed().exists() == owed
    _assert_slot(session)


def _assert_slot(session: PaymentSession) -> None:
    if session.has_ended:
        assert session.slot is None
    elif session.slot is None:
        # Another session had the slot by then, and may have ended since.
        assert session.review_reason
    else:
        assert session.slot == session.full_slot


def ledger(session: PaymentSession) -> list[tuple[str, int]]:
    """Return the movements of a session: what moved, and how much."""
    rows = session.transactions.order_by("created", "occurred_at")
    return [(row.kind, row.gross) for row in rows]


def heard(payable: object) -> list[str]:
    """Return what the shop's own receiver of every signal heard of a payable, in order."""
    payable_type = get_payable_type(payable)
    calls = Heard.objects.filter(receiver="shop.write_down", payable_type=payable_type.name)
    return list(calls.filter(payable_id=str(payable.pk)).order_by("pk").values_list("kind", flat=True))
