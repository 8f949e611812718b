"""The operations that the sandbox simulates, one module per kind of object."""

from __future__ import annotations

from django_generic_payments.sandbox.routing import Route

from . import (
    account,
    balance_transactions,
    billing_portal_sessions,
    charges,
    checkout_sessions,
    customers,
    disputes,
    events,
    payment_intents,
    payment_methods,
    refunds,
    webhook_endpoints,
)

__all__ = ["ROUTES"]

ROUTES: list[Route] = [
    *account.ROUTES,
    *customers.ROUTES,
    *checkout_sessions.ROUTES,
    *payment_intents.ROUTES,
    *payment_methods.ROUTES,
    *charges.ROUTES,
    *refunds.ROUTES,
    *disputes.ROUTES,
    *balance_transactions.ROUTES,
    *billing_portal_sessions.ROUTES,
    *events.ROUTES,
    *webhook_endpoints.ROUTES,
]
