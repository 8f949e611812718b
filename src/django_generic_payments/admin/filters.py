"""What lists can be filtered by without a question to the database."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from django_generic_payments.enums import ReviewReason
from django_generic_payments.models import PaymentSession
from django_generic_payments.payables import registered_types
from django_generic_payments.webhooks.handlers import HANDLERS

__all__ = ["PayableTypeFilter", "ReviewFilter", "WebhookTypeFilter"]


class PayableTypeFilter(SimpleListFilter):
    """The registered types: to ask the table for them would read all of it."""

    title = _("payable type")
    parameter_name = "payable_type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Offer the names."""
        return [(name, name) for name in sorted(registered_types())]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the sessions of the chosen type."""
        return queryset.filter(payable_type=self.value()) if self.value() else queryset


class WebhookTypeFilter(SimpleListFilter):
    """The types that are understood; any other can be searched for."""

    title = _("type")
    parameter_name = "type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Offer the names."""
        return [(name, name) for name in sorted(HANDLERS)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the events of the chosen type."""
        return queryset.filter(type=self.value()) if self.value() else queryset


class ReviewFilter(SimpleListFilter):
    """Whether a person is needed, and why."""

    title = _("review")
    parameter_name = "review"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Offer yes, no and the reasons."""
        return [("needed", _("Needed")), ("not_needed", _("Not needed")), *ReviewReason.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the sessions that the answer fits."""
        needed = PaymentSession.objects.needing_review().values("pk")
        match self.value():
            case None:
                return queryset
            case "needed":
                return queryset.filter(pk__in=needed)
            case "not_needed":
                return queryset.exclude(pk__in=needed)
            case reason:
                return queryset.filter(review_reason=reason)
