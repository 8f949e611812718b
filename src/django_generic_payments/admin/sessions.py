"""Payment sessions, each with everything that belongs to it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import flatten
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext, gettext_lazy as _

from django_generic_payments.admin.buttons import Button, ButtonsMixin, Told
from django_generic_payments.admin.events import PaymentEventInline
from django_generic_payments.admin.filters import PayableTypeFilter, ReviewFilter
from django_generic_payments.admin.ledger import DisputeInline, RefundInline, TransactionInline
from django_generic_payments.admin.read_only import ReadOnlyAdmin, ReadOnlyInline, column
from django_generic_payments.admin.words import badge, mask_email, mask_emails, stripe_link
from django_generic_payments.conf import get_settings
from django_generic_payments.enums import Cause, ReviewDecision
from django_generic_payments.exceptions import UnknownPayable
from django_generic_payments.maintenance.reconcile import compare
from django_generic_payments.models import PaymentSession
from django_generic_payments.money import format_amount
from django_generic_payments.payables import get_payable_type
from django_generic_payments.services.refund_requests import name_of

__all__ = ["PaymentSessionAdmin"]

_FACTS = ("completed_at", "processing_at", "paid_at", "failed_at", "canceled_at", "expired_at")
# Characters of an id that a list shows.
_SHORT = 9
_REVIEW = ("review", ("review_decision", "reviewed_at", "shown_reviewer"), "shown_review_note")


def _ask_stripe(row: PaymentSession, user: Any) -> Told:
    compared = compare(row, cause=Cause.PERSON, by=name_of(user), patient=False)
    changes = [event.get_kind_display() for event in compared.news]
    if compared.has_moved:
        changes.insert(0, f"{compared.before.label} → {compared.session.get_status_display()}")
    if not changes:
        return messages.INFO, gettext("Stripe says nothing new.")
    return messages.SUCCESS, gettext("Stripe says: %(changes)s.") % {"changes": ", ".join(changes)}


@admin.register(PaymentSession)
class PaymentSessionAdmin(ButtonsMixin, ReadOnlyAdmin):
    """Payment sessions, each with everything that belongs to it."""

    buttons = (
        Button[PaymentSession](
            "ask-stripe",
            _("Ask Stripe"),
            lambda row: bool(row.stripe_checkout_session_id) and row.livemode == get_settings().livemode,
            _ask_stripe,
        ),
    )

    list_display = (
        "created",
        "short_payable",
        "formatted_amount",
        "status_badge",
        "review",
        "mode",
        "payer",
        "payment_link",
    )
    list_filter = ("status", ReviewFilter, PayableTypeFilter, "livemode", "created")
    list_select_related = ("customer",)
    lookups_linked = ("customer__exact",)
    search_fields = (
        "payable_id__exact",
        "stripe_checkout_session_id__exact",
        "stripe_payment_intent_id__exact",
        "customer__stripe_customer_id__exact",
        "=customer__email",
    )
    search_help_text = _(
        "A whole id, of what is paid for or at Stripe, a whole e-mail address, "
        "or the first eight characters or more of a payment session's id."
    )
    inlines = (PaymentEventInline, TransactionInline, RefundInline, DisputeInline)
    fieldsets = (
        (None, {"fields": ("payable", "purpose", "shown_description", ("status_badge", "mode"))}),
        (
            _("Amounts"),
            {
                "fields": (
                    ("formatted_amount", "formatted_paid", "formatted_refunded", "formatted_refundable"),
                )
            },
        ),
        (_("Payer"), {"fields": (("payer", "owner_link"),)}),
        (_("Review"), {"fields": _REVIEW}),
        (_("What happened"), {"fields": (("created", *_FACTS),)}),
        (
            _("At Stripe"),
            {
                "fields": (
                    "payment_link",
                    "checkout_id",
                    ("expires_at", "synced_at", "next_attempt_at"),
                    "shown_error",
                )
            },
        ),
        (None, {"fields": ("id",)}),
    )

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Leave out what is not known, and a review that nobody needs."""
        hidden = {name for name in _FACTS if not getattr(obj, name, None)}
        if not (obj and (obj.review_reason or obj.review_decision)):
            hidden.update(flatten(_REVIEW))
        return _without(hidden, super().get_fieldsets(request, obj))

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        """Leave out those of our tables that would be empty."""
        return [
            each
            for each in super().get_inlines(request, obj)
            if not issubclass(each, ReadOnlyInline)
            or each.model._default_manager.filter(session=obj).exists()
        ]

    @column(_("payable"), ordering="payable_type")
    def payable(self, row: PaymentSession) -> Any:
        """Show what is paid for, linked if this admin site has a page of it."""
        return self._payable(row, row.payable_id)

    @column(_("payable"), ordering="payable_type")
    def short_payable(self, row: PaymentSession) -> Any:
        """Show as much of it as fits into a row: a UUID would take five lines."""
        fits = len(row.payable_id) <= _SHORT
        return self._payable(row, row.payable_id if fits else f"{row.payable_id[: _SHORT - 1]}…")

    def _payable(self, row: PaymentSession, shown_id: str) -> Any:
        text = f"{row.payable_type} {shown_id}"
        try:
            model = get_payable_type(row.payable_type).cls
        except UnknownPayable:
            return text
        return self.page_link(model, row.payable_id, text) if issubclass(model, Model) else text

    @column(_("amount"), ordering="amount")
    def formatted_amount(self, row: PaymentSession) -> str:
        """Show what is asked for."""
        return format_amount(row.amount, row.currency)

    @column(_("paid"))
    def formatted_paid(self, row: PaymentSession) -> str:
        """Show what arrived."""
        return format_amount(row.paid_amount, row.currency)

    @column(_("refunded"))
    def formatted_refunded(self, row: PaymentSession) -> str:
        """Show what went back."""
        return format_amount(row.refunded_amount, row.currency)

    @column(_("left to refund"))
    def formatted_refundable(self, row: PaymentSession) -> str:
        """Show what can still be sent back."""
        payment, left = row.transactions.refundable()
        return format_amount(left, payment.currency if payment else row.currency)

    @column(_("review"), ordering="review_reason")
    def review(self, row: PaymentSession) -> str | None:
        """Show why a person is needed, or what was decided."""
        if not row.review_reason:
            return None
        reason = row.get_review_reason_display()
        if row.review_decision:
            return f"{ReviewDecision(row.review_decision).label}: {reason}"
        return badge("review", reason)

    @column(_("payer"))
    def payer(self, row: PaymentSession) -> Any:
        """Link to the customer."""
        customer = row.customer
        return customer and self.row_link(customer, mask_email(customer.email) or None)

    @column(_("owner"))
    def owner_link(self, row: PaymentSession) -> Any:
        """Link to the account."""
        return self.row_link(row.owner)

    @column(_("description"))
    def shown_description(self, row: PaymentSession) -> str:
        """Show what the payer was told."""
        return mask_emails(row.description)

    @column(_("review note"))
    def shown_review_note(self, row: PaymentSession) -> str:
        """Show why it was decided so."""
        return mask_emails(row.review_note)

    @column(_("reviewed by"))
    def shown_reviewer(self, row: PaymentSession) -> str:
        """Show who decided."""
        return mask_emails(row.reviewed_by)

    @column(_("payment at Stripe"))
    def payment_link(self, row: PaymentSession) -> str | None:
        """Link to Stripe's dashboard."""
        return stripe_link(row.stripe_payment_intent_id, livemode=row.livemode)

    @column(_("checkout at Stripe"))
    def checkout_id(self, row: PaymentSession) -> str | None:
        """Show the id of the Checkout Session."""
        return row.stripe_checkout_session_id


def _without(hidden: set[str], fieldsets: Any) -> list[tuple[Any, dict[str, Any]]]:
    kept = []
    for title, options in fieldsets:
        lines = [[line] if isinstance(line, str) else line for line in options["fields"]]
        fields = [tuple(name for name in line if name not in hidden) for line in lines]
        if any(fields):
            kept.append((title, {**options, "fields": [line for line in fields if line]}))
    return kept
