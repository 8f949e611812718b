"""The operations that the sandbox simulates, one module per kind of object."""

from __future__ import annotations

from django_generic_payments.sandbox.routing import Route

from . import (
    balance_transactions,
    billing_portal_sessions,
    charges,
    checkout_sessions,
    customers,
    disputes,
    events,
    payment_intents,
    refunds,
    webhook_endpoints,
)

__all__ = ["ROUTES"]

ROUTES: list[Route] = [
    *customers.ROUTES,
    *checkout_sessions.ROUTES,
    *payment_intents.ROUTES,
    *charges.ROUTES,
    *refunds.ROUTES,
    *disputes.ROUTES,
    *balance_transactions.ROUTES,
    *billing_portal_sessions.ROUTES,
    *events.ROUTES,
    *webhook_endpoints.ROUTES,
]
