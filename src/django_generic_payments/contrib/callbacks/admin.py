"""What was sent to other services, and sending it again: the one thing here that can be done."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _, ngettext
from django.views.decorators.http import require_POST

from django_generic_payments.admin.read_only import ReadOnlyAdmin, column
from django_generic_payments.admin.words import badge
from django_generic_payments.contrib.callbacks.models import Callback
from django_generic_payments.contrib.callbacks.sending import replay

__all__ = ["CallbackAdmin"]


@admin.register(Callback)
class CallbackAdmin(ReadOnlyAdmin):
    """Callbacks, without what may be secret in their URLs."""

    actions = ("send_again",)  # type: ignore[assignment]
    list_display = (
        "created",
        "event_link",
        "endpoint",
        "state_badge",
        "attempts",
        "next_attempt_at",
        "response_status",
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

    def has_replay_permission(self, request: HttpRequest) -> bool:
        """Allow whoever may change callbacks to send them again; nobody can change them otherwise."""
        return bool(request.user.has_perm("generic_payments_callbacks.change_callback"))

    @admin.action(description=_("Send again"), permissions=["replay"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Callback]) -> None:
        """Owe the chosen callbacks once more."""
        self._send_again(request, list(queryset))

    def get_urls(self) -> list[URLPattern]:
        """Add the address of the button."""
        view = self.admin_site.admin_view(require_POST(self.send_one_again))
        name = "generic_payments_callbacks_callback_send_again"
        return [path("<path:object_id>/send-again/", view, name=name), *super().get_urls()]

    def send_one_again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Owe one callback once more, and go back to its page."""
        if not (self.has_replay_permission(request) and self.has_view_permission(request)):
            raise PermissionDenied
        callback = self.get_object(request, object_id)
        if callback is None:
            raise Http404
        self._send_again(request, [callback])
        page = "admin:generic_payments_callbacks_callback_change"
        return HttpResponseRedirect(reverse(page, args=[callback.pk], current_app=self.admin_site.name))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        """Show the button to whoever may press it."""
        context["may_send_again"] = self.has_replay_permission(request)
        return super().render_change_form(request, context, *args, **kwargs)

    def _send_again(self, request: HttpRequest, callbacks: list[Callback]) -> None:
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
