"""The sandbox as its users see it: an account at a small Stripe."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import ClassVar

from . import balance, cards, disputes, payments, refunds
from .api import Api
from .clock import Clock
from .errors import ApiError
from .events import acknowledge, encode
from .exchange import is_exchanged
from .json_object import JsonObject, snapshot
from .records import ApiRequest, Delivery, Observer, Outcome, Payer, Response, SandboxError
from .schedule import catch_up
from .signing import signature_header
from .state import State
from .unconfirmed import Unconfirmed

__all__ = ["Sandbox"]

Post = Callable[[bytes, dict[str, str]], int]


class Sandbox:
    """Simulate one Stripe account: its API, its payers, its clock and its webhooks.

    Args:
        secret_key: the only key that the API accepts; a live one makes every object a live one.
        webhook_secret: signs the webhooks.
        checkout_base: where the hosted page is, without a slash at the end.
        clock: the time; without one it is real time, until it is advanced.
        seed: makes the ids of one run those of the next.
        balance_after: seconds until a sale is booked, and until the refund of a test card that is known for it
            arrives or fails; 60, or 2 in a sandbox that is served.
        settlement_currency: what the account's balance is kept in; without one each sale stays in its currency.
        unconfirmed: what Stripe does where it does not say what it does.

    Raises:
        SandboxError: for a settlement currency without exchange rates.
    """

    observers: ClassVar[list[Observer]] = []

    def __init__(
        self,
        *,
        secret_key: str = "sk_test_sandbox",  # noqa: S107
        webhook_secret: str = "whsec_sandbox",  # noqa: S107
        checkout_base: str = "https://checkout.sandbox.invalid",
        clock: Clock | None = None,
        seed: int | None = None,
        balance_after: int | None = None,
        settlement_currency: str | None = None,
        unconfirmed: Unconfirmed = Unconfirmed(),  # noqa: B008 (it is frozen)
    ) -> None:
        if settlement_currency and not is_exchanged(settlement_currency):
            raise SandboxError(f"The sandbox has no exchange rate for {settlement_currency!r}.")
        self.secret_key = secret_key
        self.webhook_secret = webhook_secret
        self.clock = clock or Clock()
        self.state = State(
            clock=self.clock,
            seed=seed,
            livemode=secret_key.startswith(("sk_live_", "rk_live_")),
            checkout_base=checkout_base,
            balance_after=balance_after,
            settlement_currency=settlement_currency,
            unconfirmed=unconfirmed,
            observers=self.observers,
        )
        self._api = Api(self.state, secret_key)

    @property
    def checkout_base(self) -> str:
        """The address of the hosted page in front of `/c/pay/...`."""
        return self.state.checkout_base

    @checkout_base.setter
    def checkout_base(self, address: str) -> None:
        self.state.checkout_base = address.rstrip("/")

    @property
    def events(self) -> list[JsonObject]:
        """Everything that happened, oldest first."""
        return list(self.state.tables.get("event", {}).values())

    @property
    def pending(self) -> list[JsonObject]:
        """What the endpoint has not acknowledged yet, oldest first."""
        return self.state.pending

    @property
    def requests(self) -> list[ApiRequest]:
        """Every call of the API, oldest first."""
        return self._api.requests

    def checkout_session(self, identifier: str) -> JsonObject:
        """Return a copy of a checkout session."""
        return self._copy("checkout.session", identifier)

    def customer(self, identifier: str) -> JsonObject:
        """Return a copy of a customer."""
        return self._copy("customer", identifier)

    def payment_intent(self, identifier: str) -> JsonObject:
        """Return a copy of a payment intent."""
        return self._copy("payment_intent", identifier)

    def line_items(self, checkout_session: str) -> list[JsonObject]:
        """Return copies of what a checkout session is for."""
        with self.state.lock:
            known = self.state.backstage.get(checkout_session)
            return list(snapshot(known.line_items)) if known else []

    def refunds(self, checkout_session: str) -> list[JsonObject]:
        """Return copies of the refunds of a session's payment, oldest first."""
        return self._copies("refund", checkout_session)

    def disputes(self, checkout_session: str) -> list[JsonObject]:
        """Return copies of the disputes over a session's payment, oldest first."""
        return self._copies("dispute", checkout_session)

    def balance_transactions(self) -> list[JsonObject]:
        """Return a copy of the ledger, oldest first."""
        with self.state.lock:
            return list(snapshot(list(self.state.tables.get("balance_transaction", {}).values())))

    def handle(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | str | None = None
    ) -> Response:
        """Answer a request to the API; `url` is a path or absolute, with the parameters of a GET.

        Raises:
            ConnectionResetError: if that failure was ordered with `fail_next`.
        """
        return self._api.handle(method, url, headers, body)

    def fail_next(
        self, kind: str, *, method: str = "POST", path: str = "/v1/checkout/sessions", times: int = 1
    ) -> None:
        """Let the next requests fail.

        Args:
            kind: "connection_lost_before" (Stripe never saw the request), "connection_lost_after" (it was
                executed and the answer lost), "500" (kept under the idempotency key, like any answer),
                "503", "429" or "409" (not executed, nothing kept).
            path: the path that fails; `{id}` in it stands for any id.
        """
        self._api.faults.order(kind, method, path, times)

    def pay(
        self,
        checkout_session: str,
        *,
        card: str = "4242424242424242",
        email: str = "payer@example.com",
        name: str | None = "Pat Payer",
        phone: str | None = None,
        iban: str | None = None,
    ) -> Outcome:
        """Send the form on the hosted page, with a card or with a bank account for SEPA Direct Debit.

        Raises:
            SandboxError: if the session is not open or does not offer this.
        """
        means = cards.card(card) if iban is None else cards.bank_account(iban)
        with self.state.lock:
            catch_up(self.state)
            return payments.pay(self.state, checkout_session, means, Payer(email, name, phone))

    def authenticate(self, checkout_session: str, *, success: bool = True) -> Outcome:
        """Finish 3D Secure, or fail it."""
        with self.state.lock:
            catch_up(self.state)
            return payments.authenticate(self.state, checkout_session, success=success)

    def alter_next_payment(self, amount: int | None = None, currency: str | None = None) -> None:
        """Let the next payment be over another total or currency than the session was created with."""
        self.state.alteration = {"amount": amount, "currency": currency}

    def settle(self, checkout_session: str, *, success: bool | None = None) -> Outcome:
        """Let the bank answer a delayed payment; unless told, it answers what its IBAN stands for."""
        with self.state.lock:
            return payments.settle(self.state, checkout_session, success=success)

    def expire(self, checkout_session: str) -> None:
        """Expire a session, as if its time had come."""
        with self.state.lock:
            payments.expire(self.state, checkout_session)

    def advance(self, seconds: int) -> None:
        """Move the clock, and do what has become due."""
        self.clock.advance(seconds)
        with self.state.lock:
            catch_up(self.state)

    def book_balance(self) -> None:
        """Book every sale that waits for it."""
        with self.state.lock:
            balance.book_all(self.state)

    def refund(self, checkout_session: str, amount: int | None = None, *, reason: str | None = None) -> str:
        """Refund a session's payment from the dashboard, in full unless told, and return the refund's id.

        Raises:
            SandboxError: if there is nothing to refund, or not so much.
        """
        asked = {"amount": amount, "reason": reason}
        with self.state.lock:
            catch_up(self.state)
            charge = self._charge_of(checkout_session)
            given = {name: value for name, value in asked.items() if value is not None}
            try:
                return str(refunds.create(self.state, charge, given)["id"])
            except ApiError as error:
                raise SandboxError(error.message) from error

    def settle_refund(self, refund: str, *, success: bool = True) -> None:
        """Let a pending refund arrive, or fail."""
        with self.state.lock:
            made = self._find("refund", refund)
            if success:
                refunds.settle(self.state, made)
            else:
                refunds.fail(self.state, made, "declined")

    def fail_refund(self, refund: str, *, reason: str = "lost_or_stolen_card") -> None:
        """Let a refund fail that is pending, or one that had succeeded."""
        with self.state.lock:
            refunds.fail(self.state, self._find("refund", refund), reason)

    def dispute(
        self,
        checkout_session: str,
        *,
        amount: int | None = None,
        reason: str = "fraudulent",
        inquiry: bool = False,
    ) -> str:
        """Let the payer's bank take back a session's payment, or ask about it, and return the dispute's id.

        Raises:
            SandboxError: if there is no payment, or no such reason.
        """
        with self.state.lock:
            charge = self._charge_of(checkout_session)
            made = disputes.create(self.state, charge, amount=amount, reason=reason, inquiry=inquiry)
            return str(made["id"])

    def escalate_dispute(self, dispute: str) -> None:
        """Turn an inquiry into a dispute, which withdraws the money."""
        with self.state.lock:
            disputes.escalate(self.state, self._find("dispute", dispute))

    def close_dispute(self, dispute: str, status: str) -> None:
        """Let a dispute end as "won", "lost", "warning_closed" or "prevented"."""
        with self.state.lock:
            disputes.close(self.state, self._find("dispute", dispute), status)

    def appeal_dispute(self, dispute: str, *, submit: bool = False) -> None:
        """Open a lost dispute once more, and answer the bank if `submit`."""
        with self.state.lock:
            disputes.appeal(self.state, self._find("dispute", dispute), submit=submit)

    def sign(self, body: bytes, *, secret: str | None = None, timestamp: int | None = None) -> str:
        """Return the `Stripe-Signature` of a body; without a timestamp it is signed now, in real time."""
        secret = self.webhook_secret if secret is None else secret
        return signature_header(body, secret, timestamp, livemode=self.state.livemode)

    def message(
        self, event: JsonObject, *, secret: str | None = None, timestamp: int | None = None
    ) -> tuple[bytes, dict[str, str]]:
        """Return an event as Stripe posts it: the body and the headers."""
        body = encode(event)
        headers = {
            "Accept": "*/*; q=0.5, application/xml",
            "Cache-Control": "no-cache",
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": self.sign(body, secret=secret, timestamp=timestamp),
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        }
        return body, headers

    def deliver(
        self,
        post: Post,
        *,
        times: int = 1,
        order: Callable[[list[JsonObject]], list[JsonObject]] | None = None,
        drop: Collection[str] = (),
    ) -> list[Delivery]:
        """Post every pending event; a 2xx acknowledges it, and anything else leaves it pending.

        Args:
            post: takes body and headers, returns the status.
            times: how often each event is posted.
            order: returns the events in the order to post them in, some perhaps left out or repeated.
            drop: types of events that get lost for good.
        """
        waiting = list(self.state.pending)
        for event in waiting:
            if event["type"] in drop:
                acknowledge(self.state, event, received=False)
        kept = [event for event in waiting if event["type"] not in drop]
        attempts = []
        for event in order(kept) if order else kept:
            attempts += [self._attempt(event, post) for _ in range(times)]
        return attempts

    def _attempt(self, event: JsonObject, post: Post) -> Delivery:
        # Without the lock: the endpoint may well call the API before it answers.
        status = post(*self.message(event))
        if 200 <= status < 300:
            acknowledge(self.state, event, received=True)
        return Delivery(event["id"], event["type"], status)

    def _copy(self, kind: str, identifier: str) -> JsonObject:
        with self.state.lock:
            return dict(snapshot(self._find(kind, identifier)))

    def _copies(self, kind: str, checkout_session: str) -> list[JsonObject]:
        with self.state.lock:
            intent = self._find("checkout.session", checkout_session)["payment_intent"]
            made = self.state.tables.get(kind, {}).values()
            return [snapshot(obj) for obj in made if obj["payment_intent"] == intent]

    def _find(self, kind: str, identifier: str) -> JsonObject:
        found = self.state.get(kind, identifier)
        if found is None:
            raise SandboxError(f"There is no {kind} {identifier}.")
        return found

    def _charge_of(self, checkout_session: str) -> JsonObject:
        session = self._find("checkout.session", checkout_session)
        intent = self.state.get("payment_intent", session["payment_intent"]) or {}
        charge = self.state.get("charge", intent.get("latest_charge"))
        if charge is None or charge["status"] != "succeeded":
            raise SandboxError(f"{checkout_session} has not been paid.")
        return charge
