"""The sandbox as its users see it: an account at a small Stripe."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import ClassVar

from . import balance, cards, checkout, disputes, refunds
from .api import Api
from .clock import Clock
from .errors import ApiError
from .exchange import is_exchanged
from .json_object import JsonObject, snapshot
from .mishaps import Turbulence
from .objects.webhook_endpoint import webhook_endpoint
from .persistence import Account, dump, restore
from .records import ApiRequest, Observer, Outcome, Payer, Response, SandboxError
from .schedule import catch_up
from .state import State
from .unconfirmed import Unconfirmed
from .webhook_endpoint import FIRST, Secret, WebhookEndpoint
from .webhooks import Webhooks

__all__ = ["Sandbox"]


class Sandbox(Webhooks):
    """Simulate one Stripe account: its API, its payers, its clock and its webhooks.

    Args:
        secret_key: the only key that the API accepts; a live one makes every object a live one.
        webhook_secret: signs the webhooks of the endpoint that the account has from the start; an empty one
            means that there is no such endpoint, only those that are created through the API.
        checkout_base: where the hosted page is, without a slash at the end.
        clock: the time; without one it is real time, until it is advanced.
        seed: makes one run like the next: its ids, and what goes wrong by chance.
        balance_after: seconds until a sale is booked, and until the refund of a test card that is known for it
            arrives or fails; 60, or 2 in a sandbox that is served.
        settle_after: seconds until a delayed payment settles; without it most wait until they are told to.
        settlement_currency: what the account's balance is kept in; without one each sale stays in its currency.
        unconfirmed: what Stripe does where it does not say what it does.
        turbulence: what goes wrong by chance.

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
        settle_after: int | None = None,
        settlement_currency: str | None = None,
        unconfirmed: Unconfirmed = Unconfirmed(),  # noqa: B008 (it is frozen)
        turbulence: Turbulence = Turbulence(),  # noqa: B008 (it is frozen)
    ) -> None:
        if settlement_currency and not is_exchanged(settlement_currency):
            raise SandboxError(f"The sandbox has no exchange rate for {settlement_currency!r}.")
        self.secret_key = secret_key
        self.clock = clock or Clock()
        self.state = State(
            clock=self.clock,
            seed=seed,
            livemode=secret_key.startswith(("sk_live_", "rk_live_")),
            checkout_base=checkout_base,
            balance_after=balance_after,
            settle_after=settle_after,
            settlement_currency=settlement_currency,
            unconfirmed=unconfirmed,
            observers=self.observers,
            turbulence=turbulence,
        )
        if webhook_secret:
            self.state.webhook_endpoints[FIRST] = WebhookEndpoint(
                webhook_endpoint(FIRST, created=self.clock.now(), livemode=self.state.livemode, url=""),
                [Secret(webhook_secret)],
            )
        self._api = Api(self.state, secret_key)
        self._account = Account(self.state, self._api.keys, secret_key)

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
    def requests(self) -> list[ApiRequest]:
        """Every call of the API, oldest first."""
        return list(self._api.requests)

    def keep_requests(self, most: int) -> None:
        """Remember only so many calls of the API: for a sandbox that runs for days."""
        self._api.requests = deque(self._api.requests, most)

    def dump(self) -> JsonObject:
        """Write everything down, as JSON."""
        return dump(self._account)

    def restore(self, written: JsonObject) -> None:
        """Bring back what was written down, into a sandbox in which nothing has happened yet.

        Raises:
            SandboxError: for what was written by another version, or is another account's.
        """
        restore(self._account, written)

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
            ConnectionResetError, TimeoutError: if that failure was ordered with `fail_next`.
        """
        return self._api.handle(method, url, headers, body)

    def fail_next(
        self,
        kind: str,
        *,
        method: str = "POST",
        path: str = "/v1/checkout/sessions",
        times: int = 1,
        seconds: float = 1,
    ) -> None:
        """Let the next requests fail.

        Args:
            kind: "connection_lost_before" or "timeout_before" (Stripe never saw the request),
                "connection_lost_after" or "timeout_after" (it was executed and the answer lost), "slow" (it is
                executed after some real seconds, while which its idempotency key is in use), "500" (not
                executed, but kept under the idempotency key, like any answer), "500_after" (executed, and kept),
                "500_not_kept", "503", "429" or "409" (not executed, nothing kept).
            path: the path that fails; `{id}` in it stands for any id.
            seconds: how long a slow request takes.
        """
        self._api.faults.order(kind, method, path, times, seconds)

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
            return checkout.pay(self.state, checkout_session, means, Payer(email, name, phone))

    def authenticate(self, checkout_session: str, *, success: bool = True) -> Outcome:
        """Finish 3D Secure, or fail it; the id may be that of a payment intent without a session."""
        with self.state.lock:
            catch_up(self.state)
            return checkout.authenticate(self.state, checkout_session, success=success)

    def alter_next_payment(self, amount: int | None = None, currency: str | None = None) -> None:
        """Let the next payment be over another total or currency than the session was created with."""
        self.state.alteration = {"amount": amount, "currency": currency}

    def settle(self, checkout_session: str, *, success: bool | None = None) -> Outcome:
        """Let the bank answer a delayed payment, of a session or an intent.

        Unless told, it answers what its IBAN stands for.
        """
        with self.state.lock:
            return checkout.settle(self.state, checkout_session, success=success)

    def capture(self, checkout_session: str, amount: int | None = None) -> None:
        """Take money that is held for a session or an intent, all of it unless told, as from the dashboard."""
        with self.state.lock:
            catch_up(self.state)
            checkout.capture(self.state, checkout_session, amount)

    def cancel(self, payment_intent: str) -> None:
        """Cancel a payment that is held, or was never made, from the dashboard.

        Raises:
            SandboxError: if it is over, or its session can still be paid.
        """
        with self.state.lock:
            catch_up(self.state)
            checkout.cancel(self.state, payment_intent)

    def expire(self, checkout_session: str) -> None:
        """Expire a session, as if its time had come."""
        with self.state.lock:
            checkout.expire(self.state, checkout_session)

    def advance(self, seconds: int) -> None:
        """Move the clock, and do what has become due."""
        self.clock.advance(seconds)
        self.state.changes += bool(seconds)
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

    def _copy(self, kind: str, identifier: str) -> JsonObject:
        with self.state.lock:
            return dict(snapshot(self._find(kind, identifier)))

    def _copies(self, kind: str, checkout_session: str) -> list[JsonObject]:
        with self.state.lock:
            intent = checkout.find_intent(self.state, checkout_session)
            made = self.state.tables.get(kind, {}).values()
            return [snapshot(obj) for obj in made if intent and obj["payment_intent"] == intent["id"]]

    def _find(self, kind: str, identifier: str) -> JsonObject:
        found = self.state.get(kind, identifier)
        if found is None:
            raise SandboxError(f"There is no {kind} {identifier}.")
        return found

    def _charge_of(self, checkout_session: str) -> JsonObject:
        intent = checkout.find_intent(self.state, checkout_session) or {}
        charge = self.state.get("charge", intent.get("latest_charge"))
        if charge is None or charge["status"] != "succeeded" or not charge["captured"]:
            raise SandboxError(f"{checkout_session} has not been paid.")
        return charge
