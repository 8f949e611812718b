"""Those who pay."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from django_generic_payments.admin.read_only import ReadOnlyAdmin, column
from django_generic_payments.admin.words import mask_email, mask_name, mask_phone, stripe_link
from django_generic_payments.models import Customer, PaymentSession

__all__ = ["CustomerAdmin"]


@admin.register(Customer)
class CustomerAdmin(ReadOnlyAdmin):
    """Payers, masked."""

    list_display = ("created", "masked_email", "masked_name", "account", "source_link", "mode")
    list_filter = ("livemode", "created")
    list_select_related = ("user",)
    search_fields = ("=email", "stripe_customer_id__exact")
    search_help_text = _(
        "A whole e-mail address, a whole id at Stripe, or the first eight characters or more of an id here."
    )
    fieldsets = (
        (None, {"fields": ("masked_email", "masked_name", "masked_phone", "account", "mode")}),
        (_("Payments"), {"fields": ("sessions", "source_link", "created")}),
        (None, {"fields": ("id",)}),
    )

    @column(_("e-mail"))
    def masked_email(self, row: Customer) -> str:
        """Show enough to recognise the address."""
        return mask_email(row.email)

    @column(_("name"))
    def masked_name(self, row: Customer) -> str:
        """Show enough to recognise the name."""
        return mask_name(row.name)

    @column(_("phone"))
    def masked_phone(self, row: Customer) -> str:
        """Show enough to recognise the number."""
        return mask_phone(row.phone)

    @column(_("account"))
    def account(self, row: Customer) -> Any:
        """Link to the user."""
        return self.row_link(row.user)

    @column(_("payment sessions"))
    def sessions(self, row: Customer) -> Any:
        """Link to the list of what they paid, or did not."""
        return self.list_link(PaymentSession, f"customer__exact={row.pk}", _("Show"))

    @column(_("customer at Stripe"))
    def source_link(self, row: Customer) -> Any:
        """Link to Stripe's dashboard."""
        return stripe_link(row.stripe_customer_id, livemode=row.livemode)
