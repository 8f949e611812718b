"""The money that moved, went back, or is disputed."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from django_generic_payments.admin.read_only import (
    SEARCH_HELP,
    ReadOnlyAdmin,
    ReadOnlyInline,
    ReadOnlyMixin,
    column,
)
from django_generic_payments.admin.words import amount_or_none, mask_emails, stripe_link
from django_generic_payments.models import Dispute, Refund, Transaction
from django_generic_payments.money import format_amount

__all__ = [
    "DisputeAdmin",
    "DisputeInline",
    "RefundAdmin",
    "RefundInline",
    "TransactionAdmin",
    "TransactionInline",
]


class _TransactionColumns(ReadOnlyMixin):
    @column(_("gross"), ordering="gross")
    def formatted_gross(self, row: Transaction) -> str:
        return format_amount(row.gross, row.currency)

    @column(_("settled gross"))
    def formatted_settled_gross(self, row: Transaction) -> str | None:
        return amount_or_none(row.settled_gross, row.settlement_currency)

    @column(_("fee"))
    def formatted_fee(self, row: Transaction) -> str | None:
        return amount_or_none(row.fee, row.settlement_currency)

    @column(_("net"))
    def formatted_net(self, row: Transaction) -> str | None:
        return amount_or_none(row.net, row.settlement_currency)

    @column(_("kind"), ordering="kind")
    def kind_link(self, row: Transaction) -> Any:
        return self.row_link(row, row.get_kind_display())

    @column(_("id at Stripe"))
    def source_link(self, row: Transaction) -> Any:
        return stripe_link(row.source_id, livemode=row.livemode)

    @column(_("charge"))
    def charge_link(self, row: Transaction) -> Any:
        return stripe_link(row.stripe_charge_id, livemode=row.livemode)

    @column(_("balance transaction"))
    def balance_transaction(self, row: Transaction) -> str:
        return row.stripe_balance_transaction_id


class TransactionInline(_TransactionColumns, ReadOnlyInline):
    """The ledger."""

    model = Transaction
    ordering = ("occurred_at", "created")
    fields = ("occurred_at", "kind_link", "formatted_gross", "formatted_fee", "formatted_net", "source_link")


@admin.register(Transaction)
class TransactionAdmin(_TransactionColumns, ReadOnlyAdmin):
    """The ledger."""

    list_display = (
        "occurred_at",
        "kind",
        "session_link",
        "formatted_gross",
        "formatted_settled_gross",
        "formatted_fee",
        "formatted_net",
        "source_link",
        "mode",
    )
    list_filter = ("kind", "livemode", "occurred_at")
    list_select_related = ("session",)
    ordering = ("-occurred_at",)
    search_fields = ("source_id__exact", "stripe_charge_id__exact", "stripe_balance_transaction_id__exact")
    search_help_text = SEARCH_HELP
    uuids_searched = ("id", "session__id")
    fieldsets = (
        (None, {"fields": ("kind", "session_link", "formatted_gross", "occurred_at", "mode")}),
        (
            _("Settlement"),
            {"fields": (("formatted_settled_gross", "formatted_fee", "formatted_net"), "exchange_rate")},
        ),
        (_("At Stripe"), {"fields": ("source_link", "charge_link", "balance_transaction")}),
        (None, {"fields": ("id",)}),
    )


class _AmountColumns(ReadOnlyMixin):
    @column(_("amount"), ordering="amount")
    def formatted_amount(self, row: Refund | Dispute) -> str:
        return format_amount(row.amount, row.currency)

    @column(_("amount"), ordering="amount")
    def amount_link(self, row: Refund | Dispute) -> Any:
        return self.row_link(row, self.formatted_amount(row))


class _RefundColumns(_AmountColumns):
    @column(_("requested by"))
    def shown_requester(self, row: Refund) -> str:
        return mask_emails(row.requested_by)

    @column(_("id at Stripe"))
    def source_link(self, row: Refund) -> Any:
        return stripe_link(row.stripe_refund_id, livemode=row.session.livemode)


class RefundInline(_RefundColumns, ReadOnlyInline):
    """The refunds."""

    model = Refund
    ordering = ("created",)
    fields = ("created", "amount_link", "status_badge", "reason", "failure_reason", "source_link")


@admin.register(Refund)
class RefundAdmin(_RefundColumns, ReadOnlyAdmin):
    """Refunds."""

    list_display = (
        "created",
        "session_link",
        "formatted_amount",
        "status_badge",
        "reason",
        "source_link",
        "mode",
    )
    list_filter = ("status", "session__livemode", "created")
    list_select_related = ("session",)
    search_fields = ("stripe_refund_id__exact",)
    search_help_text = SEARCH_HELP
    uuids_searched = ("id", "session__id")
    fieldsets = (
        (None, {"fields": ("session_link", "formatted_amount", "status_badge", "mode")}),
        (_("Reason"), {"fields": ("reason", "failure_reason", "shown_requester", "created")}),
        (_("At Stripe"), {"fields": ("source_link",)}),
        (None, {"fields": ("id",)}),
    )


class _DisputeColumns(_AmountColumns):
    @column(_("id at Stripe"))
    def source_link(self, row: Dispute) -> Any:
        return stripe_link(row.stripe_dispute_id, livemode=row.session.livemode)


class DisputeInline(_DisputeColumns, ReadOnlyInline):
    """The disputes."""

    model = Dispute
    ordering = ("created",)
    fields = ("created", "amount_link", "status_badge", "reason", "evidence_due_by", "source_link")


@admin.register(Dispute)
class DisputeAdmin(_DisputeColumns, ReadOnlyAdmin):
    """Disputes."""

    list_display = (
        "created",
        "session_link",
        "formatted_amount",
        "status_badge",
        "reason",
        "evidence_due_by",
        "source_link",
        "mode",
    )
    list_filter = ("status", "session__livemode", "created", "evidence_due_by")
    list_select_related = ("session",)
    search_fields = ("stripe_dispute_id__exact",)
    search_help_text = SEARCH_HELP
    uuids_searched = ("id", "session__id")
    fieldsets = (
        (None, {"fields": ("session_link", "formatted_amount", "status_badge", "mode")}),
        (_("Reason"), {"fields": ("reason", "evidence_due_by", "created")}),
        (_("At Stripe"), {"fields": ("source_link",)}),
        (None, {"fields": ("id",)}),
    )
