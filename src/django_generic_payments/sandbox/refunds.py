"""What happens when money goes back to the payer, at once, later or not at all.

https://docs.stripe.com/refunds
"""

from __future__ import annotations

from .balance import Movement, book
from .cards import Card
from .changes import change
from .currencies import STEP, money, step
from .errors import ApiError, invalid
from .events import Cause, emit
from .json_object import JsonObject
from .objects.refund import refund
from .records import SandboxError
from .state import State

__all__ = ["cancel", "create", "fail", "fail_if_succeeded", "settle", "settle_if_pending"]

#: What can still fail: a refund that succeeded may come back from a closed account.
UNSETTLED = ("pending", "requires_action")


def create(state: State, charge: JsonObject, params: JsonObject, cause: Cause | None = None) -> JsonObject:
    """Refund a charge, in full unless `params` has an amount.

    Args:
        params: what was asked for: `amount`, `reason`, `metadata`, `instructions_email`.

    Raises:
        ApiError: if the charge cannot be refunded, or not by so much.
    """
    rest = charge["amount_captured"] - charge["amount_refunded"]
    amount = params.get("amount", rest)
    refuse(state, charge, amount, rest)
    means = state.means[charge["id"]]
    behaviour = means.refunds if isinstance(means, Card) else "succeed"
    status = "pending" if behaviour == "settle" else "succeeded"
    if "instructions_email" in params:
        # At Stripe only what cannot take money back asks the payer where to send it, and no card is like that.
        status = "requires_action"
    made = state.add(refund(state, charge, params, amount=amount, status=status))
    refunded = charge["amount_refunded"] + amount
    previous = change(charge, amount_refunded=refunded, refunded=refunded == charge["amount_captured"])
    made["balance_transaction"] = book_refund(state, charge, made)
    emit(state, "refund.created", made, cause)
    emit(state, "charge.refunded", charge, cause, previous)
    if status == "succeeded":
        tell(state, made, take_reference(state, made), cause)
    if status == "pending":
        state.remind_of_bank("settle_refund", made["id"])
    elif behaviour == "fail":
        state.remind_of_bank("fail_refund", made["id"])
    return made


def settle(state: State, made: JsonObject) -> None:
    """Let a refund arrive that waits.

    Raises:
        SandboxError: if it does not wait.
    """
    if made["status"] not in UNSETTLED:
        raise SandboxError(f"{made['id']} is {made['status']} and waits for nothing.")
    stop_waiting(made)
    tell(state, made, change(made, status="succeeded") | take_reference(state, made))


def fail(state: State, made: JsonObject, reason: str, cause: Cause | None = None) -> None:
    """Let a refund fail, even one that succeeded: the money comes back to the account.

    Raises:
        SandboxError: if it has failed or was canceled.
    """
    if made["status"] not in (*UNSETTLED, "succeeded"):
        raise SandboxError(f"{made['id']} is {made['status']} and cannot fail any more.")
    previous = return_money(state, made, "failed") | change(made, failure_reason=reason)
    emit(state, "refund.failed", made, cause, previous)
    emit(state, "charge.refund.updated", made, cause, previous)
    tell_of_charge(state, made)


def cancel(state: State, made: JsonObject, cause: Cause) -> None:
    """Call a refund back whose payer has not said yet where it shall go."""
    tell(state, made, return_money(state, made, "canceled"), cause)


def settle_if_pending(state: State, identifier: str) -> None:
    """Let a refund arrive, unless a test was faster."""
    made = state.tables["refund"][identifier]
    if made["status"] == "pending":
        settle(state, made)


def fail_if_succeeded(state: State, identifier: str) -> None:
    """Let a refund fail, unless a test was faster."""
    made = state.tables["refund"][identifier]
    if made["status"] == "succeeded":
        fail(state, made, "expired_or_canceled_card")


def refuse(state: State, charge: JsonObject, amount: int, rest: int) -> None:
    identifier, currency = charge["id"], charge["currency"]
    if charge["status"] != "succeeded":
        raise ApiError(f"Charge {identifier} is {charge['status']} and cannot be refunded.")
    if not charge["captured"]:
        message = (
            f"This charge ({identifier}) has not been captured, so there is nothing to refund: cancel its "
            "PaymentIntent instead."
        )
        raise ApiError(message)
    if any(
        dispute["charge"] == identifier and not dispute["is_charge_refundable"]
        for dispute in state.tables.get("dispute", {}).values()
    ):
        message = f"Charge {identifier} has been charged back; cannot issue a refund."
        raise ApiError(message, code="charge_disputed")
    if not rest:
        message = f"Charge {identifier} has already been refunded."
        raise ApiError(message, code="charge_already_refunded")
    if amount > rest:
        message = (
            f"Refund amount ({money(amount, currency)}) is greater than unrefunded amount on charge "
            f"({money(rest, currency)})"
        )
        raise invalid(message, "amount")
    if amount % step(currency, rounds=state.unconfirmed.rounds_three_decimals):
        message = f"Invalid amount: amounts in {currency} must be a multiple of {STEP[currency]}."
        raise invalid(message, "amount")


def tell(state: State, made: JsonObject, previous: JsonObject, cause: Cause | None = None) -> None:
    emit(state, "refund.updated", made, cause, previous)
    emit(state, "charge.refund.updated", made, cause, previous)


def take_reference(state: State, made: JsonObject) -> JsonObject:
    """Note what the payer's bank can find the refund by, and return what was known before."""
    before = made["destination_details"]
    kind = before["type"]
    reference = {"reference": state.token(23).upper(), "reference_status": "available"}
    return change(made, destination_details={**before, kind: {**before[kind], **reference}})


def stop_waiting(made: JsonObject) -> None:
    for name in ("next_action", "pending_reason"):
        made.pop(name, None)


def return_money(state: State, made: JsonObject, status: str) -> JsonObject:
    charge = state.tables["charge"][made["charge"]]
    stop_waiting(made)
    if state.unconfirmed.lowers_refunded_on_failure:
        charge["amount_refunded"] -= made["amount"]
        charge["refunded"] = False
    returned = book_refund(state, charge, made, failed=True)
    return change(made, status=status, failure_balance_transaction=returned)


def tell_of_charge(state: State, made: JsonObject) -> None:
    """Tell that the charge is less refunded again, if Stripe does."""
    unconfirmed = state.unconfirmed
    if unconfirmed.lowers_refunded_on_failure and unconfirmed.updates_charge_on_refund_failure:
        charge = state.tables["charge"][made["charge"]]
        before = {"amount_refunded": charge["amount_refunded"] + made["amount"]}
        if before["amount_refunded"] == charge["amount_captured"]:
            before["refunded"] = True
        emit(state, "charge.updated", charge, previous=before)


def book_refund(state: State, charge: JsonObject, made: JsonObject, *, failed: bool = False) -> str:
    kind = "refund" if made["id"].startswith("re_") else "payment_refund"
    what = f" ({charge['description']})" if charge["description"] else ""
    if failed:
        movement = Movement(
            "refund_failure", "refund_failure", made["amount"], made["currency"], f"REFUND FAILURE{what}"
        )
    else:
        movement = Movement(kind, "refund", -made["amount"], made["currency"], f"REFUND FOR CHARGE{what}")
    return str(book(state, made, movement)["id"])
