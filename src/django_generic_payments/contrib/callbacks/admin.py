"""What was sent to other services, and sending it again: the one thing here that can be done."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext, gettext_lazy as _, ngettext

from django_generic_payments.admin.buttons import Button, ButtonsMixin, Told
from django_generic_payments.admin.read_only import ReadOnlyAdmin, column
from django_generic_payments.admin.words import badge
from django_generic_payments.contrib.callbacks.models import Callback
from django_generic_payments.contrib.callbacks.sending import replay

__all__ = ["CallbackAdmin"]


def _send_again(row: Callback, user: Any) -> Told:
    replay(Callback.objects.filter(pk=row.pk))
    return messages.SUCCESS, gettext("The callback is sent again at the worker's next look.")


@admin.register(Callback)
class CallbackAdmin(ButtonsMixin, ReadOnlyAdmin):
    """Callbacks, without what may be secret in their URLs."""

    buttons = (Button[Callback]("send-again", _("Send again"), lambda row: True, _send_again),)
    actions = ("send_again",)  # type: ignore[assignment]
    list_display = (
        "created",
        "event_link",
        "state_badge",
        "attempts",
        "next_attempt_at",
        "response_status",
        "endpoint",
        "shown_error",
        "mode",
    )
    list_filter = ("state", "event__kind", "event__session__livemode", "created")
    list_select_related = ("event__session",)
    search_help_text = _("The first eight characters or more of the id of a callback or of a payment event.")
    search_fields = ("id__exact",)
    uuids_searched = ("id", "event__id")
    fieldsets = (
        (None, {"fields": ("event_link", "endpoint", "mode")}),
        (
            _("Delivery"),
            {
                "fields": (
                    "state_badge",
                    ("created", "delivered_at"),
                    ("attempts", "next_attempt_at"),
                    "response_status",
                    "shown_error",
                )
            },
        ),
        (None, {"fields": ("shown_body", "id")}),
    )

    @admin.action(description=_("Send again"), permissions=["button"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Callback]) -> None:
        """Owe the chosen callbacks once more."""
        callbacks = list(queryset)
        count = replay(Callback.objects.filter(pk__in=[each.pk for each in callbacks]))
        for each in callbacks:
            self.log_change(request, each, "Sent again.")
        told = ngettext(
            "%d callback is sent again at the worker's next look.",
            "%d callbacks are sent again at the worker's next look.",
            count,
        )
        self.message_user(request, told % count, messages.SUCCESS)

    @column(_("payment event"))
    def event_link(self, row: Callback) -> Any:
        """Link to the payment event."""
        return self.row_link(row.event, row.event.get_kind_display())

    @column(_("receiver"))
    def endpoint(self, row: Callback) -> str:
        """Show where it goes."""
        return row.endpoint

    @column(_("mode"))
    def mode(self, row: Callback) -> str:
        """Show whether it tells of real money."""
        return badge("live", _("Live")) if row.event.session.livemode else badge("test", _("Test"))

    @column(_("body"))
    def shown_body(self, row: Callback) -> str:
        """Show what is sent, to the byte."""
        return format_html('<pre class="payments-verbatim">{}</pre>', row.body)
