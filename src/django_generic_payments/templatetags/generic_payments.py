"""``{% load generic_payments %}``."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.translation import gettext as _

from django_generic_payments.conf import get_settings
from django_generic_payments.payables import get_payable_type, price_of
from django_generic_payments.services.dues import checkout_possible

register = template.Library()


@register.inclusion_tag("generic_payments/pay_button.html", takes_context=True)
def pay_button(
    context: template.Context,
    payable: Any,
    label: str = "",
    *,
    purpose: str = "",
    currency: str = "",
    css_class: str = "",
) -> dict[str, Any]:
    """
    Render a form with a button that opens the checkout, or nothing when there is nothing this visitor may pay.

    ``label`` defaults to "Pay" and the amount. Needs the request in the context.
    """
    request = context.get("request")
    chosen = currency or None
    if request is None or not payable.can_be_paid_by(request):
        return {}
    if not checkout_possible(payable, purpose=purpose, currency=chosen):
        return {}
    payable_type = get_payable_type(payable)
    amount = price_of(payable, purpose, chosen, get_settings().DEFAULT_CURRENCY)
    return {
        "payable_type": payable_type.name,
        "payable_id": payable_type.identify(payable),
        "label": label or _("Pay %(amount)s") % {"amount": amount},
        "purpose": purpose,
        "currency": currency,
        "css_class": css_class,
        "csrf_token": context.get("csrf_token"),
    }
