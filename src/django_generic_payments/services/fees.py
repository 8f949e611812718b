"""What a movement of money cost, and what arrived on the account: as Stripe says it, never worked out here."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db.models import Min
from django.utils import timezone

from django_generic_payments.conf import get_settings
from django_generic_payments.enums import TransactionKind
from django_generic_payments.exceptions import GatewayError
from django_generic_payments.gateway import BalanceTransaction, get_gateway
from django_generic_payments.models import Transaction

__all__ = ["fill_fee_of", "fill_missing_fees", "settle"]

logger = logging.getLogger("django_generic_payments")

# By how much Stripe's clock and ours may differ.
_MARGIN = timedelta(hours=2)

_COLUMNS = (
    "settled_gross",
    "fee",
    "net",
    "settlement_currency",
    "exchange_rate",
    "stripe_balance_transaction_id",
)


def settle(row: Transaction, movement: BalanceTransaction, *, save: bool = False) -> bool:
    """Write down once what a ledger row cost; return whether it was news. With ``save``, in the database too."""
    if row.stripe_balance_transaction_id:
        return False
    row.settled_gross, row.fee, row.net = movement.amount, movement.fee, movement.net
    row.settlement_currency, row.exchange_rate = movement.currency, movement.exchange_rate
    row.stripe_balance_transaction_id = movement.id
    if not save:
        return True
    # Conditional, because the caller need not hold a lock: written once means once.
    values = {name: getattr(row, name) for name in _COLUMNS}
    return bool(Transaction.objects.without_fee().filter(pk=row.pk).update(**values))


def fill_fee_of(row: Transaction, balance_transaction_id: str) -> None:
    """Ask Stripe what a ledger row cost. Never raises: what is missed is filled by ``fill_missing_fees``."""
    try:
        settle(
            row, get_gateway(patient=False).retrieve_balance_transaction(balance_transaction_id), save=True
        )
    except GatewayError as error:
        logger.warning("The fee of %s is not known yet: %s.", row.source_id, type(error).__name__)


def fill_missing_fees() -> int:
    """
    Fill in what the events left out, and return how many ledger rows it was.

    Pages through the balance transactions of the time in question, a hundred at a time, newest first, until nothing
    is missing. Raises a ``GatewayError``.
    """
    missing = Transaction.objects.without_fee().filter(livemode=get_settings().livemode)
    # Not when it occurred: of what was learnt from an answer, that is when we asked, and the money moved before.
    oldest = missing.aggregate(oldest=Min("session__created"))["oldest"]
    if oldest is None:
        return 0
    since, until = oldest - _MARGIN, timezone.now() + _MARGIN
    pages = get_gateway().list_balance_transactions(int(since.timestamp()), int(until.timestamp()))
    filled = 0
    for page in pages:
        wanted = {key for each in page for key in (each.source_id, each.payment_intent_id) if key}
        rows = {(row.kind, row.source_id): row for row in missing.filter(source_id__in=wanted)}
        filled += sum(_fill(rows, movement) for movement in page)
        if not missing.exists():
            break
    return filled


def _fill(rows: dict[tuple[str, str], Transaction], movement: BalanceTransaction) -> bool:
    # Money that came in pays a charge or is a refund that came back; money that went out is a refund.
    if movement.amount < 0:
        row = rows.get((TransactionKind.REFUND, movement.source_id))
    else:
        row = rows.get((TransactionKind.REFUND_REVERSAL, movement.source_id)) or rows.get(
            (TransactionKind.PAYMENT, movement.payment_intent_id)
        )
    return row is not None and settle(row, movement, save=True)
