"""Lists and pages that show rows and refuse to change them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, TypeVar, cast
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.utils import quote
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from django_generic_payments.admin.words import badge, mask_emails
from django_generic_payments.models import PaymentSession

__all__ = ["SEARCH_HELP", "ReadOnlyAdmin", "ReadOnlyInline", "ReadOnlyMixin", "column"]

_Shown = TypeVar("_Shown", bound=Callable[..., Any])

SEARCH_HELP = _(
    "A whole id at Stripe, or the first eight characters or more of an id here or of a payment session."
)

# Fewer digits of a UUID would be taken for the number of a payable.
_BEGINNING = re.compile(r"[0-9a-f]{8,32}")


def column(description: Any, ordering: str | None = None) -> Callable[[_Shown], _Shown]:
    """Decorate a method that shows something of a row; where it has nothing to show, the admin's sign for that."""

    def decorate(show: _Shown) -> _Shown:
        @admin.display(description=description, ordering=ordering)
        @wraps(show)
        def show_or_sign(page: Any, row: Any) -> Any:
            return show(page, row) or page.get_empty_value_display()

        return cast("_Shown", show_or_sign)

    return decorate


class ReadOnlyMixin:
    """The permission to look, and the columns that several tables have."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: rows come from payments."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: a row says what happened."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: what happened to money stays."""
        return False

    def row_link(self, row: Model | None, text: Any = None) -> Any:
        """Return a link to the page of a row; the plain text if this admin site has none for it."""
        return None if row is None else self.page_link(type(row), row.pk, row if text is None else text)

    def page_link(self, model: type[Model], key: Any, text: Any) -> Any:
        """Return a link to the page of the row with this key, which is not looked up."""
        address = self._address(model, "change", quote(str(key)))
        return format_html('<a href="{}">{}</a>', address, text) if address else text

    def list_link(self, model: type[Model], query: str, text: Any) -> Any:
        """Return a link to a list with this query; nothing if this admin site has none."""
        address = self._address(model, "changelist")
        return format_html('<a href="{}?{}">{}</a>', address, query, text) if address else None

    def _address(self, model: type[Model], page: str, *args: str) -> str:
        site: admin.AdminSite = self.admin_site  # type: ignore[attr-defined]
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}"
        try:
            return reverse(name, args=args, current_app=site.name)
        except NoReverseMatch:
            return ""

    @column(_("status"), ordering="status")
    def status_badge(self, row: Any) -> str:
        """Show the status."""
        return badge(row.status, row.get_status_display())

    @column(_("state"), ordering="state")
    def state_badge(self, row: Any) -> str:
        """Show the state."""
        return badge(row.state, row.get_state_display())

    @column(_("mode"))
    def mode(self, row: Any) -> str:
        """Show whether this is about real money."""
        is_live = row.livemode if hasattr(row, "livemode") else row.session.livemode
        return badge("live", _("Live")) if is_live else badge("test", _("Test"))

    @column(_("last error"))
    def shown_error(self, row: Any) -> str:
        """Show the last error."""
        return mask_emails(row.last_error)

    @column(_("payment session"))
    def session_link(self, row: Any) -> Any:
        """Link to the payment session."""
        session: PaymentSession = row.session
        return self.row_link(session, f"{session.payable_type} {session.payable_id}")


class ReadOnlyInline(ReadOnlyMixin, admin.TabularInline):  # type: ignore[type-arg]
    """Rows of a payment session, on its page."""

    extra = 0
    max_num = 0

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return all columns: unlike a page, an inline without the permission to change still makes fields of them."""
        return self.fields or ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Fetch the session with each row: the columns look at it."""
        return super().get_queryset(request).select_related("session")


class ReadOnlyAdmin(ReadOnlyMixin, admin.ModelAdmin):  # type: ignore[type-arg]
    """A list, and a page for each row, for whoever may view them. Adding, changing and deleting is refused to all."""

    actions = None
    ordering = ("-created",)
    show_full_result_count = False
    #: Columns that are found by the beginning of their UUID; all others are searched for whole values.
    uuids_searched: tuple[str, ...] = ("id",)
    #: What links on our pages ask of this list, beside its filters.
    lookups_linked: tuple[str, ...] = ()

    class Media:
        css = {"all": ["generic_payments/admin.css"]}

    def lookup_allowed(self, lookup: str, value: Any, request: Any = None) -> bool:
        """Allow what the filters ask and no more: any other would let people guess what is not shown."""
        return lookup in self.lookups_linked or any(
            lookup == name or lookup.startswith(f"{name}__")
            for name in map(_filtered_by, self.get_list_filter(request))
        )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find rows by whole values, and by the beginning of a UUID, which each database stores in its own way."""
        if search_term and not search_term.strip("\"' "):  # nothing in quotes would find what is blank
            return queryset.none(), False
        found, may_have_duplicates = super().get_search_results(request, queryset, search_term)
        for condition in self._uuid_conditions(search_term):
            found |= queryset.filter(**condition)
        return found, may_have_duplicates

    def _uuid_conditions(self, term: str) -> Iterable[dict[str, Any]]:
        digits = term.strip().replace("-", "").lower()
        if not _BEGINNING.fullmatch(digits):
            return []
        if len(digits) == 32:
            return [{name: UUID(digits)} for name in self.uuids_searched]
        parts = (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])
        beginning = "-".join(part for part in parts if part)
        return [{f"{name}__startswith": beginning} for name in self.uuids_searched]


def _filtered_by(list_filter: Any) -> str:
    if isinstance(list_filter, type) and issubclass(list_filter, admin.SimpleListFilter):
        return str(list_filter.parameter_name)
    return str(list_filter[0] if isinstance(list_filter, (list, tuple)) else list_filter)
