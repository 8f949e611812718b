"""
Buttons on the page of a row: what staff may have done about it, by pages that show and change nothing themselves.

A button is a form that is posted to an address of its own, outside of any transaction. It is there for whoever may
change the table, although the page lets nobody change a row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

from django.contrib import admin, messages
from django.contrib.admin.utils import quote, unquote
from django.contrib.auth import get_permission_codename
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import path, reverse
from django.utils.translation import gettext as _

from django_generic_payments.admin.words import mask_emails
from django_generic_payments.exceptions import GatewayError
from django_generic_payments.views import outside_transactions

__all__ = ["Button", "ButtonsMixin", "Told"]

_Row = TypeVar("_Row", bound=Model)

#: What a press came to: a level of ``django.contrib.messages``, and a sentence.
Told = tuple[int, str]


@dataclass(frozen=True)
class Button(Generic[_Row]):
    """
    Something that can be done about a row.

    ``name`` is its part of the address. ``is_offered`` is asked of the row before the button is shown, and once more
    before it is pressed. ``press`` does it, outside of any transaction, for a user who may change the table.
    """

    name: str
    label: Any
    is_offered: Callable[[_Row], bool]
    press: Callable[[_Row, Any], Told]


class ButtonsMixin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Buttons beside the history of a row."""

    #: Set by whoever inherits.
    buttons: tuple[Button[Any], ...] = ()
    change_form_template = "admin/generic_payments/page_with_buttons.html"

    def has_button_permission(self, request: HttpRequest) -> bool:
        """Tell whether somebody may press buttons: it takes the permission to change the table, which no page uses."""
        codename = get_permission_codename("change", self.opts)
        return bool(request.user.has_perm(f"{self.opts.app_label}.{codename}"))

    def get_urls(self) -> list[Any]:
        """Give each button an address, before the addresses of the rows, which take everything."""
        own = [
            path(
                f"<path:object_id>/{button.name}/",
                outside_transactions(self.admin_site.admin_view(partial(self._press, button=button))),
                name=self._address_of(button),
            )
            for button in self.buttons
        ]
        return [*own, *super().get_urls()]

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        """Show the buttons that this row has for this person."""
        row = context["original"]
        context["payments_buttons"] = [] if row is None else list(self._shown_buttons(request, row))
        return super().render_change_form(request, context, *args, **kwargs)

    def _shown_buttons(self, request: HttpRequest, row: Any) -> Iterable[dict[str, Any]]:
        if not self.has_button_permission(request):
            return
        for button in self.buttons:
            if button.is_offered(row):
                name = f"admin:{self._address_of(button)}"
                address = reverse(name, args=[quote(row.pk)], current_app=self.admin_site.name)
                yield {"address": address, "label": button.label}

    def _press(self, request: HttpRequest, object_id: str, *, button: Button[Any]) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        row = self.get_object(request, unquote(object_id))
        if not (self.has_view_permission(request, row) and self.has_button_permission(request)):
            raise PermissionDenied
        if row is None:
            raise Http404
        level, sentence = _told(button, row, request.user)
        sentence = mask_emails(sentence)
        self.log_change(request, row, f"{button.label}: {sentence}")
        self.message_user(request, sentence, level)
        page = f"admin:{self.opts.app_label}_{self.opts.model_name}_change"
        return HttpResponseRedirect(reverse(page, args=[quote(row.pk)], current_app=self.admin_site.name))

    def _address_of(self, button: Button[Any]) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{button.name}"


def _told(button: Button[Any], row: Any, user: Any) -> Told:
    if not button.is_offered(row):
        return messages.WARNING, _("Nothing was done: the row has changed since the page was shown.")
    try:
        return button.press(row, user)
    except GatewayError as error:
        return messages.ERROR, _("Stripe did not help: %(error)s") % {"error": error}
    except DatabaseError:
        return messages.ERROR, _("Somebody else is at work on this. Try again in a moment.")
