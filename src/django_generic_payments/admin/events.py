"""What Stripe said, and what happened to payments."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.utils.translation import gettext, gettext_lazy as _

from django_generic_payments.admin.buttons import Button, ButtonsMixin, Told
from django_generic_payments.admin.filters import WebhookTypeFilter
from django_generic_payments.admin.read_only import (
    SEARCH_HELP,
    ReadOnlyAdmin,
    ReadOnlyInline,
    ReadOnlyMixin,
    column,
)
from django_generic_payments.admin.words import badge, mask_emails, stripe_link
from django_generic_payments.conf import get_settings
from django_generic_payments.enums import DeliveryState, WebhookState
from django_generic_payments.models import PaymentEvent, WebhookEvent
from django_generic_payments.services.delivery import deliver
from django_generic_payments.webhooks.inbox import UNAPPLIED, receive_again

__all__ = ["PaymentEventAdmin", "PaymentEventInline", "WebhookEventAdmin"]


class _EventColumns(ReadOnlyMixin):
    @column(_("event"), ordering="kind")
    def kind_link(self, row: PaymentEvent) -> Any:
        return self.row_link(row, row.get_kind_display())

    @column(_("caused by"))
    def cause_link(self, row: PaymentEvent) -> Any:
        return stripe_link(mask_emails(row.caused_by), livemode=row.session.livemode)

    @column(_("note"))
    def shown_note(self, row: PaymentEvent) -> str:
        return mask_emails(row.note)

    @column(_("delivery"), ordering="state")
    def state_badge(self, row: PaymentEvent) -> str:
        return badge(row.state, row.get_state_display())


class PaymentEventInline(_EventColumns, ReadOnlyInline):
    """The timeline."""

    model = PaymentEvent
    verbose_name_plural = _("timeline")
    ordering = ("occurred_at", "created")
    fields = ("occurred_at", "kind_link", "cause", "shown_note", "state_badge", "shown_error")


_UNTOLD = (DeliveryState.OWED, DeliveryState.DEAD)


def _tell_again(row: PaymentEvent, user: Any) -> Told:
    untold = PaymentEvent.objects.filter(pk=row.pk, state__in=_UNTOLD)
    untold.begin_again(state=DeliveryState.OWED)
    row.refresh_from_db()
    if deliver([row]):
        return messages.SUCCESS, gettext("All receivers have been told.")
    return messages.ERROR, gettext("It failed again. The worker goes on trying.")


def _apply_again(row: WebhookEvent, user: Any) -> Told:
    WebhookEvent.objects.filter(pk=row.pk, state__in=UNAPPLIED).begin_again(state=WebhookState.FAILED)
    row.refresh_from_db()
    if receive_again(row):
        return messages.SUCCESS, gettext("The event has been applied.")
    return messages.ERROR, gettext("It failed again. The worker goes on trying.")


@admin.register(PaymentEvent)
class PaymentEventAdmin(ButtonsMixin, _EventColumns, ReadOnlyAdmin):
    """What happened, and who was told."""

    buttons = (
        Button[PaymentEvent](
            "try-again",
            _("Try again"),
            lambda row: row.state in _UNTOLD and row.session.livemode == get_settings().livemode,
            _tell_again,
        ),
    )

    list_display = (
        "occurred_at",
        "kind",
        "session_link",
        "cause",
        "state_badge",
        "attempts",
        "next_attempt_at",
        "shown_error",
        "mode",
    )
    list_filter = ("state", "kind", "cause", "session__livemode", "occurred_at")
    list_select_related = ("session",)
    ordering = ("-occurred_at",)
    search_fields = ("source_id__exact", "caused_by__exact")
    search_help_text = SEARCH_HELP
    uuids_searched = ("id", "session__id")
    fieldsets = (
        (None, {"fields": ("kind", "session_link", "occurred_at", "shown_note", "mode")}),
        (_("Cause"), {"fields": ("cause", "cause_link", "source_link")}),
        (_("About"), {"fields": (("transaction_link", "refund_link", "dispute_link"),)}),
        (
            _("Delivery"),
            {
                "fields": (
                    "state_badge",
                    "told",
                    "still_owed",
                    ("attempts", "next_attempt_at"),
                    "shown_error",
                )
            },
        ),
        (None, {"fields": ("id",)}),
    )

    @column(_("id at Stripe"))
    def source_link(self, row: PaymentEvent) -> Any:
        """Link to what it happened to."""
        return stripe_link(row.source_id, livemode=row.session.livemode)

    @column(_("transaction"))
    def transaction_link(self, row: PaymentEvent) -> Any:
        """Link to the ledger row."""
        return self.row_link(row.transaction)

    @column(_("refund"))
    def refund_link(self, row: PaymentEvent) -> Any:
        """Link to the refund."""
        return self.row_link(row.refund)

    @column(_("dispute"))
    def dispute_link(self, row: PaymentEvent) -> Any:
        """Link to the dispute."""
        return self.row_link(row.dispute)

    @column(_("told"))
    def told(self, row: PaymentEvent) -> str:
        """Show the receivers that were told."""
        return ", ".join(row.delivered_receivers)

    @column(_("still to be told"))
    def still_owed(self, row: PaymentEvent) -> str:
        """Show the receivers that are owed it."""
        return ", ".join(row.owed_receivers)


@admin.register(WebhookEvent)
class WebhookEventAdmin(ButtonsMixin, ReadOnlyAdmin):
    """What Stripe delivered, without its body."""

    buttons = (
        Button[WebhookEvent](
            "try-again",
            _("Try again"),
            lambda row: row.state in UNAPPLIED and row.livemode == get_settings().livemode,
            _apply_again,
        ),
    )

    list_display = ("created", "type", "state_badge", "attempts", "next_attempt_at", "shown_error", "mode")
    list_filter = ("state", WebhookTypeFilter, "livemode", "created")
    search_fields = ("stripe_event_id__exact", "type__exact")
    search_help_text = _(
        "The whole id of an event at Stripe, a whole type, or the first eight characters or more of an id here."
    )
    fieldsets = (
        (None, {"fields": ("type", "state_badge", "mode")}),
        (_("Delivery"), {"fields": ("created", ("attempts", "next_attempt_at"), "shown_error")}),
        (
            _("At Stripe"),
            {"fields": ("source_link", "created_at_stripe", "api_version", "account")},
        ),
        (None, {"fields": ("caused", "id")}),
    )

    @column(_("event at Stripe"))
    def source_link(self, row: WebhookEvent) -> Any:
        """Link to Stripe's dashboard; an event of another account is not in it."""
        return row.stripe_event_id if row.account else stripe_link(row.stripe_event_id, livemode=row.livemode)

    @column(_("what it caused"))
    def caused(self, row: WebhookEvent) -> Any:
        """Link to the payment events that it brought."""
        return self.list_link(PaymentEvent, urlencode({"q": row.stripe_event_id}), _("Show"))
