"""
The admin: everything can be looked at, and nothing can be written by hand.

Two buttons have the work of the package done at once: *Ask Stripe* what became of a payment, and *Try again* what
failed. Both need the permission to change that table, which opens no page.

What a page shows is decided here, column by column: no secret, no address at which somebody can pay, and of a payer
only as much as lets staff recognise the one they looked for.

Django imports this if the host has its admin; nothing else does. A host with a theme combines the two, as in
``class Sessions(PaymentSessionAdmin, theme.ModelAdmin)``, and registers that in place of ours.
"""

from __future__ import annotations

from django_generic_payments.admin.buttons import Button, ButtonsMixin
from django_generic_payments.admin.customers import CustomerAdmin
from django_generic_payments.admin.events import PaymentEventAdmin, WebhookEventAdmin
from django_generic_payments.admin.ledger import DisputeAdmin, RefundAdmin, TransactionAdmin
from django_generic_payments.admin.read_only import ReadOnlyAdmin, ReadOnlyInline
from django_generic_payments.admin.sessions import PaymentSessionAdmin

__all__ = [
    "Button",
    "ButtonsMixin",
    "CustomerAdmin",
    "DisputeAdmin",
    "PaymentEventAdmin",
    "PaymentSessionAdmin",
    "ReadOnlyAdmin",
    "ReadOnlyInline",
    "RefundAdmin",
    "TransactionAdmin",
    "WebhookEventAdmin",
]
