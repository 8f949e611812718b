"""The calls to Stripe that this package makes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from functools import lru_cache
from typing import Any, cast

import stripe

from django_generic_payments.conf import get_settings
from django_generic_payments.exceptions import TransactionOpen
from django_generic_payments.gateway.errors import translated_errors
from django_generic_payments.gateway.ledger_records import BalanceTransaction, Refund
from django_generic_payments.gateway.records import CheckoutSession, FieldReader, PaymentIntent
from django_generic_payments.gateway.transport import Handler, InProcessClient
from django_generic_payments.transactions import in_transaction

__all__ = ["API_VERSION", "KEY_IS_KEPT_FOR", "StripeGateway", "get_gateway", "in_process"]

#: Pinned here, so that a newer SDK does not change what is sent. Source: https://docs.stripe.com/api/versioning.
API_VERSION = "2026-10-28.endive"

#: Stripe forgets an idempotency key after 24 hours at the earliest; then the same call would be another one.
#: Source: https://docs.stripe.com/api/idempotent_requests.
KEY_IS_KEPT_FOR = timedelta(hours=23)

# Seconds to connect and to read: the SDK's own 80 seconds would hold a web worker.
_TIMEOUT = (5.0, 20.0)
_SHORT_TIMEOUT = (2.0, 3.0)
_RETRIES = 2
# The most that Stripe hands out at once.
_PAGE = 100


class StripeGateway:
    """
    Stripe, as far as this package needs it.

    Every method raises ``TransactionOpen`` inside a database transaction, ``GatewayUnavailable`` when the outcome is
    unknown, ``GatewayRefused`` when Stripe says no, and ``GatewayMisconfigured`` for a key it does not accept.
    """

    def __init__(self, client: stripe.StripeClient) -> None:
        self._client = client

    def create_customer(self, params: Mapping[str, Any], *, idempotency_key: str) -> str:
        """Create a customer and return its id."""
        with self._call():
            customer = self._client.v1.customers.create(
                cast(Any, params), {"idempotency_key": idempotency_key}
            )
        return FieldReader(_fields(customer), "customer").text("id")

    def create_checkout_session(self, params: Mapping[str, Any], *, idempotency_key: str) -> CheckoutSession:
        """Open a checkout."""
        with self._call():
            answer = self._client.v1.checkout.sessions.create(
                cast(Any, params), {"idempotency_key": idempotency_key}
            )
        return CheckoutSession.from_object(_fields(answer))

    def retrieve_checkout_session(self, checkout_session_id: str) -> CheckoutSession:
        """Return a checkout with its payment intent."""
        with self._call():
            answer = self._client.v1.checkout.sessions.retrieve(
                checkout_session_id, {"expand": ["payment_intent"]}
            )
        return CheckoutSession.from_object(_fields(answer))

    def expire_checkout_session(self, checkout_session_id: str, *, idempotency_key: str) -> CheckoutSession:
        """
        Close an open checkout, so that it cannot be paid.

        Refused by Stripe unless it is open. The event that follows carries the key. Source: https://docs.stripe.com/api/checkout/sessions/expire.
        """
        with self._call():
            answer = self._client.v1.checkout.sessions.expire(
                checkout_session_id, options={"idempotency_key": idempotency_key}
            )
        return CheckoutSession.from_object(_fields(answer))

    def retrieve_payment_intent(self, payment_intent_id: str) -> PaymentIntent:
        """Return a payment intent."""
        with self._call():
            answer = self._client.v1.payment_intents.retrieve(payment_intent_id)
        return PaymentIntent.from_object(_fields(answer))

    def create_refund(self, params: Mapping[str, Any], *, idempotency_key: str) -> Refund:
        """Send money back."""
        with self._call():
            answer = self._client.v1.refunds.create(cast(Any, params), {"idempotency_key": idempotency_key})
        return Refund.from_object(_fields(answer))

    def list_refunds(self, payment_intent_id: str) -> list[Refund]:
        """Return every refund of a payment, whoever started it."""
        pages = self._pages(self._client.v1.refunds.list, {"payment_intent": payment_intent_id})
        return [Refund.from_object(each) for page in pages for each in page]

    def retrieve_balance_transaction(self, balance_transaction_id: str) -> BalanceTransaction:
        """Return a movement of the balance."""
        with self._call():
            answer = self._client.v1.balance_transactions.retrieve(balance_transaction_id)
        return BalanceTransaction.from_object(_fields(answer))

    def list_balance_transactions(
        self, created_from: int, created_to: int
    ) -> Iterator[list[BalanceTransaction]]:
        """
        Return the movements of the balance between two times (seconds since 1970), newest first, a page at a time.

        Each that pays a charge names its payment intent. Source: https://docs.stripe.com/api/balance_transactions/list.
        """
        created = {"gte": created_from, "lte": created_to}
        params = {"created": created, "expand": ["data.source"]}
        for page in self._pages(self._client.v1.balance_transactions.list, params):
            yield [BalanceTransaction.from_object(each) for each in page]

    def create_portal_session(self, customer_id: str, return_url: str) -> str:
        """Return an address at which a customer changes their cards. Source: https://docs.stripe.com/customer-management."""
        with self._call():
            answer = self._client.v1.billing_portal.sessions.create(
                {"customer": customer_id, "return_url": return_url}
            )
        return FieldReader(_fields(answer), "billing_portal.session").text("url")

    def _pages(
        self, fetch: Callable[[Any], object], params: Mapping[str, Any]
    ) -> Iterator[list[Mapping[str, Any]]]:
        params = {**params, "limit": _PAGE}
        while True:
            with self._call():
                answer = fetch(params)
            read = FieldReader(_fields(answer), "list")
            page = read.objects("data")
            yield page
            if not page or not read.flag("has_more"):
                return
            params["starting_after"] = page[-1].get("id")

    @contextmanager
    def _call(self) -> Iterator[None]:
        if in_transaction():
            raise TransactionOpen(
                "Stripe is not called inside a database transaction: it would be held open for the length of the "
                "call, and a rollback could not undo it. Call outside of transaction.atomic(), or in on_commit()."
            )
        with translated_errors():
            yield


def _fields(answer: object) -> Mapping[str, Any]:
    # What answers in Stripe's place, such as a proxy, may send JSON that is no object.
    return answer.to_dict(for_json=True) if isinstance(answer, stripe.StripeObject) else {}


def get_gateway(*, patient: bool = True) -> StripeGateway:
    """
    Return the gateway for the settings as they are now.

    ``patient=False`` gives up after a few seconds and does not retry: for a page that somebody waits for.
    """
    settings = get_settings()
    if _handlers:
        http_client, retries = cast(stripe.HTTPClient, _handlers[-1]), 0
    else:
        http_client, retries = (
            _http_client(_TIMEOUT if patient else _SHORT_TIMEOUT),
            _RETRIES if patient else 0,
        )
    with translated_errors():
        client = stripe.StripeClient(
            settings.STRIPE_SECRET_KEY,
            stripe_version=API_VERSION,
            base_addresses={"api": settings.STRIPE_API_BASE.rstrip("/")},
            http_client=http_client,
            max_network_retries=retries,
        )
    return StripeGateway(client)


@contextmanager
def in_process(handler: Handler) -> Iterator[None]:
    """Let every gateway of this process talk to a function in place of Stripe, for all threads."""
    client = InProcessClient(handler)
    with _handlers_lock:
        _handlers.append(client)
    try:
        yield
    finally:
        with _handlers_lock:
            _handlers.remove(client)


_handlers: list[InProcessClient] = []
_handlers_lock = threading.Lock()


@lru_cache(maxsize=4)
def _http_client(timeout: tuple[float, float]) -> stripe.HTTPClient:
    # Kept for the life of the process: it holds one pool of connections for each thread.
    return stripe.RequestsClient(timeout=timeout)
