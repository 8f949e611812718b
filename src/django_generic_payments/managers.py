"""Querysets: what can be asked of rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from django.db import connections, router
from django.db.models import (
    BooleanField,
    CharField,
    Count,
    Exists,
    ForeignKey,
    Model,
    OuterRef,
    Q,
    QuerySet,
    Sum,
    UUIDField,
    Value,
)
from django.db.models.constants import OnConflict
from django.db.models.expressions import Combinable, RawSQL
from django.db.models.functions import Cast, Concat, Substr
from django.db.models.sql import InsertQuery

from django_generic_payments.conf import get_settings
from django_generic_payments.enums import (
    DeliveryState,
    DisputeStatus,
    RefundStatus,
    ReviewDecision,
    ReviewReason,
    SessionStatus,
    TransactionKind,
    WebhookState,
)
from django_generic_payments.payables import get_payable_type
from django_generic_payments.retries import RetriedQuerySet

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from uuid import UUID

    from typing_extensions import Self

    from django_generic_payments.models import (  # noqa: F401
        Dispute,
        PaymentEvent,
        PaymentSession,
        Refund,
        Transaction,
        WebhookEvent,
    )

__all__ = [
    "DisputeQuerySet",
    "InsertOnceQuerySet",
    "PaymentEventQuerySet",
    "PaymentSessionQuerySet",
    "RefundQuerySet",
    "Settled",
    "Totals",
    "TransactionQuerySet",
    "WebhookEventQuerySet",
]

_Row = TypeVar("_Row", bound=Model)

_PAID = [status for status in SessionStatus if status.is_paid]
_OPEN = [status for status in SessionStatus if status.is_open]


class InsertOnceQuerySet(QuerySet[_Row]):
    """Rows with a natural key that many deliveries may report at the same moment."""

    @property
    def db(self) -> str:
        """The database for writing, for reading too: what a replica does not know yet would be decided wrongly."""
        return self._db or router.db_for_write(self.model, **self._hints)  # type: ignore[attr-defined]

    def insert_once(self, row: _Row) -> bool:
        """
        Insert the row unless a unique key has it already; return whether it was inserted.

        The statement waits for a twin in another transaction and then yields to it. Unlike ``get_or_create`` it costs
        one statement and no savepoint, and unlike ``bulk_create(ignore_conflicts=True)`` it tells who won.
        """
        alias = router.db_for_write(self.model, instance=row)
        query = InsertQuery(self.model, on_conflict=OnConflict.IGNORE)
        query.insert_values(self.model._meta.concrete_fields, [row])
        with connections[alias].cursor() as cursor:
            for statement, params in query.get_compiler(using=alias).as_sql():
                cursor.execute(statement, params)
            inserted = bool(cursor.rowcount == 1)
        row._state.adding = False
        row._state.db = alias
        return inserted


class PaymentSessionQuerySet(RetriedQuerySet["PaymentSession"], InsertOnceQuerySet["PaymentSession"]):  # type: ignore[override]
    """Payment sessions."""

    def due(self) -> Self:
        """Return the sessions whose checkout was asked for and whose answer never came, in the mode of our key."""
        return super().due().filter(status=SessionStatus.CREATED, livemode=get_settings().livemode)

    def for_payable(self, payable: Any) -> PaymentSessionQuerySet:
        """Return the sessions of one payable."""
        payable_type = get_payable_type(payable)
        return self.filter(payable_type=payable_type.name, payable_id=payable_type.identify(payable))

    def for_payables(self, payables: Iterable[Any]) -> PaymentSessionQuerySet:
        """Return the sessions of several payables, of one type or many."""
        wanted: dict[str, list[str]] = {}
        for each in payables:
            payable_type = get_payable_type(each)
            wanted.setdefault(payable_type.name, []).append(payable_type.identify(each))
        condition = Q(pk__in=[])
        for name, ids in wanted.items():
            condition |= Q(payable_type=name, payable_id__in=ids)
        return self.filter(condition)

    def open(self) -> PaymentSessionQuerySet:
        """Return the sessions in which the payer can still act."""
        return self.filter(status__in=_OPEN)

    def processing(self) -> PaymentSessionQuerySet:
        """Return the sessions whose delayed payment is on its way."""
        return self.filter(status=SessionStatus.PROCESSING)

    def succeeded(self) -> PaymentSessionQuerySet:
        """Return the sessions that are paid and not wholly refunded, and that need no review or passed it."""
        kept = self.filter(status__in=[SessionStatus.SUCCEEDED, SessionStatus.PARTIALLY_REFUNDED])
        # Of what was paid twice, the first payment is as good as any.
        is_first = Q(review_reason=ReviewReason.DUPLICATE, slot__isnull=False)
        return kept.filter(Q(review_reason="") | Q(review_decision=ReviewDecision.ACCEPTED) | is_first)

    def paid(self) -> PaymentSessionQuerySet:
        """Return the sessions that money arrived for, whatever became of it later."""
        return self.filter(status__in=_PAID)

    def past_paying(self) -> PaymentSessionQuerySet:
        """Return the sessions that are paid, or whose delayed payment is on its way."""
        return self.filter(status__in=[*_PAID, SessionStatus.PROCESSING])

    def needing_review(self) -> PaymentSessionQuerySet:
        """Return the sessions that a person must look at: what went back to the payer needs nobody any more."""
        open_questions = self.exclude(review_reason="").filter(review_decision="")
        return open_questions.exclude(status=SessionStatus.REFUNDED)

    def annotate_paid(
        self, payables: QuerySet[_Row], *, purpose: str = "", name: str = "is_paid"
    ) -> QuerySet[_Row]:
        """Annotate a queryset of payables with whether each is paid, in the same query."""
        payable_type = get_payable_type(payables.model)
        held = self.paid().filter(
            slot=Concat(
                Value(f"{slot_prefix(livemode=get_settings().livemode)}{payable_type.name}:"),
                _text_of_key(payables),
                Value(f":{purpose}"),
                output_field=CharField(),
            )
        )
        annotated: QuerySet[_Row] = payables.annotate(**{name: Exists(held)})
        return annotated

    def locked(self) -> PaymentSessionQuerySet:
        """Lock the rows until the transaction ends, in the weakest way that keeps other writers out."""
        features = connections[self.db].features
        return self.select_for_update(no_key=features.has_select_for_no_key_update)

    def with_owed(self) -> PaymentSessionQuerySet:
        """Annotate ``has_owed``: whether a payment event is still to be told, or a refund still to be sent."""
        quote = connections[self.db].ops.quote_name
        session = f"{quote(self.model._meta.db_table)}.id"
        events, refunds = (
            quote(self.model._meta.get_field(name).related_model._meta.db_table)  # type: ignore[union-attr]
            for name in ("events", "refunds")
        )
        # Written out, because it is asked with every webhook, and expressions would cost as much as the whole rest.
        owed = RawSQL(  # noqa: S611 (of names of our own)
            f"(EXISTS (SELECT 1 FROM {events} owed WHERE owed.state = %s AND owed.session_id = {session})"  # noqa: S608
            f" OR EXISTS (SELECT 1 FROM {refunds} owed WHERE owed.status = %s AND owed.session_id = {session}))",
            [DeliveryState.OWED.value, RefundStatus.REQUESTED.value],
            output_field=BooleanField(),
        )
        return self.annotate(has_owed=owed)

    def owes(self, session_id: UUID) -> bool:
        """Tell whether an event of this session is still to be told, or a refund still to be sent."""
        (owes,) = self.filter(pk=session_id).with_owed().values_list("has_owed").get()  # type: ignore[misc]
        return bool(owes)


@dataclass(frozen=True)
class Totals:
    """What the ledger says of one currency, in its minor unit. ``net`` may be negative."""

    currency: str
    paid: int
    refunded: int
    disputed: int

    @property
    def net(self) -> int:
        """What is left of the payments."""
        return self.paid - self.refunded - self.disputed


@dataclass(frozen=True)
class Settled:
    """What arrived on the account in one settlement currency, in its minor unit, and from how many ledger rows."""

    currency: str
    gross: int
    fee: int
    net: int
    rows: int


class TransactionQuerySet(InsertOnceQuerySet["Transaction"]):
    """Ledger rows."""

    def for_payable(self, payable: Any) -> TransactionQuerySet:
        """Return the rows of one payable, of all its payment sessions."""
        payable_type = get_payable_type(payable)
        return self.filter(
            session__payable_type=payable_type.name, session__payable_id=payable_type.identify(payable)
        )

    def between(self, start: datetime, end: datetime) -> TransactionQuerySet:
        """Return the rows of a period, ``end`` not included."""
        return self.filter(occurred_at__gte=start, occurred_at__lt=end)

    def live(self) -> TransactionQuerySet:
        """Return what moved real money."""
        return self.filter(livemode=True)

    def payments(self) -> TransactionQuerySet:
        """Return what was paid."""
        return self.filter(kind=TransactionKind.PAYMENT)

    def refundable(
        self, currency: str = "", *, despite_disputes: bool = False
    ) -> tuple[Transaction | None, int]:
        """Return the oldest payment that has something left, in this currency if one is named, and how much it is."""
        for payment in self.payments().order_by("created"):
            left = payment.left_to_refund(despite_disputes=despite_disputes)
            if left > 0 and currency in {"", payment.currency}:
                return payment, left
        return None, 0

    def without_fee(self) -> TransactionQuerySet:
        """Return the rows of which Stripe has not said yet what they cost."""
        return self.filter(stripe_balance_transaction_id="")

    def totals(self) -> dict[str, Totals]:
        """Return what was paid, refunded and disputed, by currency, in one query."""
        paid, back, lost = (_sum_of(kinds) for kinds in (_PAID_KINDS, _REFUND_KINDS, _DISPUTE_KINDS))
        rows = self.order_by().values("currency").annotate(a=paid, b=back, c=lost)
        sums = rows.values_list("currency", "a", "b", "c")
        return {currency: Totals(currency, a or 0, -(b or 0), -(c or 0)) for currency, a, b, c in sums}

    def settled(self) -> dict[str, Settled]:
        """Return what arrived on the account, by settlement currency; what has no fee yet is left out."""
        known = self.exclude(settled_gross=None).order_by().values("settlement_currency")
        rows = known.annotate(a=Sum("settled_gross"), b=Sum("fee"), c=Sum("net"), d=Count("pk"))
        return {
            row["settlement_currency"]: Settled(
                row["settlement_currency"], row["a"], row["b"], row["c"], row["d"]
            )
            for row in rows
        }

    def delete(self) -> NoReturn:
        """Refuse, as ``Transaction.delete`` does."""
        raise TypeError("Ledger rows are never deleted. Book the opposite movement instead.")


_PAID_KINDS = [TransactionKind.PAYMENT]
_REFUND_KINDS = [TransactionKind.REFUND, TransactionKind.REFUND_REVERSAL]
_DISPUTE_KINDS = [TransactionKind.DISPUTE, TransactionKind.DISPUTE_REVERSAL]


def _sum_of(kinds: list[TransactionKind]) -> Sum:
    return Sum("gross", filter=Q(kind__in=kinds))


class RefundQuerySet(RetriedQuerySet["Refund"], InsertOnceQuerySet["Refund"]):  # type: ignore[override]
    """Refunds."""

    def due(self) -> Self:
        """Return the refunds of which Stripe has not answered, and should have, in the mode of our key."""
        return super().due().filter(status=RefundStatus.REQUESTED, session__livemode=get_settings().livemode)

    def requested(self) -> RefundQuerySet:
        """Return the refunds of which Stripe has not answered yet."""
        return self.filter(status=RefundStatus.REQUESTED)

    def reserving(self) -> int:
        """Return how much went back or may still go, in the minor unit."""
        kept = self.exclude(status__in=[RefundStatus.FAILED, RefundStatus.CANCELED])
        return int(kept.aggregate(total=Sum("amount"))["total"] or 0)

    def owed_by(self, sessions: Any) -> RefundQuerySet:
        """Return what is still to be sent before a webhook of these sessions is acknowledged."""
        return self.requested().filter(Q(session__in=sessions) | Q(because_of__session__in=sessions))


class DisputeQuerySet(InsertOnceQuerySet["Dispute"]):
    """Disputes."""

    def blocking_refunds(self) -> DisputeQuerySet:
        """Return the open disputes that took the money, or are about to: not mere inquiries, which a refund settles."""
        return self.filter(status__in=[status for status in DisputeStatus if status.blocks_refunds])


class WebhookEventQuerySet(RetriedQuerySet["WebhookEvent"], InsertOnceQuerySet["WebhookEvent"]):  # type: ignore[override]
    """Deliveries from Stripe."""

    def due(self) -> Self:
        """Return the events that could not be applied, and were not delivered again since, in the mode of our key."""
        waiting = [WebhookState.RECEIVED, WebhookState.FAILED]
        # Of the other mode, our key would be told that what it asks for does not exist.
        return super().due().filter(state__in=waiting, livemode=get_settings().livemode)


class PaymentEventQuerySet(RetriedQuerySet["PaymentEvent"], InsertOnceQuerySet["PaymentEvent"]):  # type: ignore[override]
    """What happened to payments, and who is still to be told."""

    def due(self) -> Self:
        """Return the events that some receiver waits for, in the mode of our key."""
        return super().due().filter(state=DeliveryState.OWED, session__livemode=get_settings().livemode)

    def owed(self) -> PaymentEventQuerySet:
        """Return the events that some receiver has not been told of."""
        return self.filter(state=DeliveryState.OWED)

    def claim(self, event: PaymentEvent, receiver: str) -> bool:
        """
        Mark the event as told to this receiver; return whether it was still owed.

        The update is conditional on what was owed before, and so is mark and lock in one: another delivery waits here
        for our commit, and then finds that somebody else was faster. Plain values cost a quarter of the expressions
        that would do without the second look.
        """
        if receiver not in event.owed_receivers:
            self._look_again(event)
        while event.state == DeliveryState.OWED and receiver in event.owed_receivers:
            left = [name for name in event.owed_receivers if name != receiver]
            changes = {
                "state": DeliveryState.OWED if left else DeliveryState.DELIVERED,
                "owed_to": between_bars(left),
                "delivered_to": between_bars([*event.delivered_receivers, receiver]),
                **({} if left else {"next_attempt_at": None}),
            }
            if self.owed().filter(pk=event.pk, owed_to=event.owed_to).update(**changes):
                _assign(event, changes)
                return True
            self._look_again(event)
        return False

    def _look_again(self, event: PaymentEvent) -> None:
        _assign(event, self.filter(pk=event.pk).values("state", "owed_to", "delivered_to").get())


def slot_prefix(*, livemode: bool) -> str:
    """Return what sets the slots of test mode apart."""
    return "" if livemode else "test/"


def between_bars(names: Iterable[str]) -> str:
    """Return names as ``|a|b|``, and ``""`` for none."""
    joined = "|".join(names)
    return f"|{joined}|" if joined else ""


def _assign(row: Model, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        setattr(row, name, value)


def _text_of_key(queryset: QuerySet[Any]) -> Combinable:
    """Return the primary key of an outer query as ``str(pk)`` would spell it."""
    key = Cast(OuterRef("pk"), CharField())
    field = queryset.model._meta.pk
    while isinstance(field, ForeignKey):
        field = field.target_field
    if not isinstance(field, UUIDField) or connections[queryset.db].features.has_native_uuid_field:
        return key
    # Stored as 32 digits without the dashes.
    pieces: list[Combinable] = []
    for start, length in ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12)):
        pieces += [Substr(key, start, length), Value("-")]
    return Concat(*pieces[:-1], output_field=CharField())
