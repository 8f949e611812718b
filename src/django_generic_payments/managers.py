"""Querysets: what can be asked of rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from django.db import connections, router
from django.db.models import (
    BooleanField,
    CharField,
    Exists,
    ForeignKey,
    Model,
    OuterRef,
    Q,
    QuerySet,
    UUIDField,
    Value,
)
from django.db.models.constants import OnConflict
from django.db.models.expressions import Combinable, RawSQL
from django.db.models.functions import Cast, Concat, Substr
from django.db.models.sql import InsertQuery

from django_generic_payments.conf import get_settings
from django_generic_payments.enums import DeliveryState, SessionStatus
from django_generic_payments.payables import get_payable_type

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from django_generic_payments.models import (  # noqa: F401
        PaymentEvent,
        PaymentSession,
        Transaction,
        WebhookEvent,
    )

__all__ = [
    "InsertOnceQuerySet",
    "PaymentEventQuerySet",
    "PaymentSessionQuerySet",
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


class PaymentSessionQuerySet(InsertOnceQuerySet["PaymentSession"]):
    """Payment sessions."""

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
        """Return the sessions that are paid and not wholly refunded, and that need no review."""
        return self.filter(
            status__in=[SessionStatus.SUCCEEDED, SessionStatus.PARTIALLY_REFUNDED], review_reason=""
        )

    def paid(self) -> PaymentSessionQuerySet:
        """Return the sessions that money arrived for, whatever became of it later."""
        return self.filter(status__in=_PAID)

    def past_paying(self) -> PaymentSessionQuerySet:
        """Return the sessions that are paid, or whose delayed payment is on its way."""
        return self.filter(status__in=[*_PAID, SessionStatus.PROCESSING])

    def needing_review(self) -> PaymentSessionQuerySet:
        """Return the sessions that a person must look at."""
        return self.exclude(review_reason="")

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
        """Annotate ``has_owed``: whether a payment event of the session is still to be told."""
        events: Any = self.model._meta.get_field("events").related_model
        quote = connections[self.db].ops.quote_name
        # Written out, because it is asked with every webhook, and expressions would cost as much as the whole rest.
        owed = RawSQL(  # noqa: S611 (of names of our own)
            f"EXISTS (SELECT 1 FROM {quote(events._meta.db_table)} owed WHERE owed.state = %s"  # noqa: S608
            f" AND owed.session_id = {quote(self.model._meta.db_table)}.id)",
            [DeliveryState.OWED.value],
            output_field=BooleanField(),
        )
        return self.annotate(has_owed=owed)


class TransactionQuerySet(InsertOnceQuerySet["Transaction"]):
    """Ledger rows."""

    def delete(self) -> NoReturn:
        """Refuse, as ``Transaction.delete`` does."""
        raise TypeError("Ledger rows are never deleted. Book the opposite movement instead.")


class WebhookEventQuerySet(InsertOnceQuerySet["WebhookEvent"]):
    """Deliveries from Stripe."""


class PaymentEventQuerySet(InsertOnceQuerySet["PaymentEvent"]):
    """What happened to payments, and who is still to be told."""

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
