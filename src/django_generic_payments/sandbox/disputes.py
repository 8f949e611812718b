"""What happens when a payer's bank takes back, or asks about, what was paid.

https://docs.stripe.com/disputes/how-disputes-work
"""

from __future__ import annotations

from .balance import Movement, book, dispute_fee
from .cards import Card
from .changes import change
from .currencies import STEP
from .events import Cause, emit
from .json_object import JsonObject, snapshot
from .objects.dispute import dispute
from .records import SandboxError
from .state import State

__all__ = [
    "ENDINGS",
    "REASONS",
    "SUBMITTED",
    "appeal",
    "close",
    "create",
    "create_for_card",
    "decide",
    "escalate",
    "submit_evidence",
]

REASONS = frozenset(
    (
        "bank_cannot_process check_returned credit_not_processed customer_initiated debit_not_authorized "
        "duplicate fraudulent general incorrect_account_details insufficient_funds noncompliant "
        "product_not_received product_unacceptable subscription_canceled unrecognized"
    ).split()
)

#: What becomes of a dispute that waits for an answer once it has one.
SUBMITTED = {
    "appeal_needs_response": "appeal_under_review",
    "needs_response": "under_review",
    "warning_needs_response": "warning_under_review",
}

INQUIRY = ("warning_needs_response", "warning_under_review")
CHARGEBACK = ("needs_response", "under_review", "appeal_needs_response", "appeal_under_review")

#: How a dispute can end, and from where.
ENDINGS = {
    "lost": CHARGEBACK,
    "prevented": ("needs_response", "warning_needs_response"),
    "warning_closed": INQUIRY,
    "won": CHARGEBACK,
}

WINNING, LOSING, ESCALATING = "winning_evidence", "losing_evidence", "escalate_inquiry_evidence"


def create(
    state: State, charge: JsonObject, *, amount: int | None = None, reason: str, inquiry: bool = False
) -> JsonObject:
    """Dispute a charge; the money is withdrawn unless the bank only asks.

    Raises:
        SandboxError: for a reason that does not exist, or no amount.
    """
    if reason not in REASONS:
        raise SandboxError(f"There is no dispute reason {reason!r}; there are {', '.join(sorted(REASONS))}.")
    amount = charge["amount_captured"] if amount is None else amount
    if amount <= 0:
        raise SandboxError(f"A dispute is over a positive amount, not over {amount}.")
    made = state.add(dispute(state, charge, amount=amount, reason=reason, inquiry=inquiry))
    was_disputed, charge["disputed"] = charge["disputed"], True
    emit(state, "charge.dispute.created", made)
    if state.unconfirmed.updates_charge_on_dispute and not was_disputed:
        emit(state, "charge.updated", charge, previous={"disputed": False})
    if not inquiry:
        withdraw(state, made)
    return made


def create_for_card(state: State, charge: JsonObject, card: Card) -> None:
    """Dispute a charge as its test card stands for; several disputes share the amount."""
    rest, step = charge["amount_captured"], STEP.get(charge["currency"], 1)
    for index, reason in enumerate(card.disputes):
        amount = rest // (len(card.disputes) - index) // step * step
        # The smallest amount of all cannot be shared.
        if amount:
            create(state, charge, amount=amount, reason=reason, inquiry=card.inquiry)
        rest -= amount


def escalate(state: State, made: JsonObject) -> None:
    """Turn an inquiry into a dispute, which withdraws the money.

    Raises:
        SandboxError: if it is no inquiry, or one that is closed.
    """
    expect(made, INQUIRY, "escalated")
    details = made.get("payment_method_details")
    changes: JsonObject = {"status": "needs_response", "is_charge_refundable": False}
    if details:
        changes["payment_method_details"] = {
            **details,
            "card": {**details["card"], "case_type": "chargeback"},
        }
    emit(state, "charge.dispute.updated", made, previous=change(made, **changes))
    withdraw(state, made)


def close(state: State, made: JsonObject, status: str, cause: Cause | None = None) -> None:
    """End a dispute; what was won comes back.

    Raises:
        SandboxError: for an ending that does not exist, or not from here.
    """
    if status not in ENDINGS:
        raise SandboxError(f"No dispute ends as {status!r}; it ends as {', '.join(ENDINGS)}.")
    expect(made, ENDINGS[status], f"closed as {status}")
    refundable = status in ("warning_closed", "won") or made["is_charge_refundable"]
    previous = change(made, status=status, is_charge_refundable=refundable)
    # Stripe says of the closing event that it tells of three endings, and this is not one of them.
    kind = "charge.dispute.updated" if status == "prevented" else "charge.dispute.closed"
    emit(state, kind, made, cause, previous)
    if status == "won":
        reinstate(state, made)


def appeal(state: State, made: JsonObject, *, submit: bool = False) -> None:
    """Open a dispute that was lost once more, and answer the bank if `submit`.

    Raises:
        SandboxError: if it was not lost.
    """
    expect(made, ("lost",), "appealed")
    emit(state, "charge.dispute.updated", made, previous=change(made, status="appeal_needs_response"))
    if submit:
        emit(state, "charge.dispute.updated", made, previous=submit_evidence(made))


def submit_evidence(made: JsonObject) -> JsonObject:
    """Send the evidence to the bank, and return what was.

    Raises:
        SandboxError: if the bank expects no answer.
    """
    expect(made, tuple(SUBMITTED), "answered")
    details = made["evidence_details"]
    sent = {
        "has_evidence": True,
        "submission_count": details["submission_count"] + 1,
        "submission_method": "manual",
    }
    return change(made, status=SUBMITTED[made["status"]], evidence_details={**details, **sent})


def decide(state: State, made: JsonObject) -> None:
    """Let the bank answer as the words in the evidence stand for; other words leave it to a test."""
    words, inquiry = made["evidence"]["uncategorized_text"], made["status"] in INQUIRY
    if words == ESCALATING and inquiry:
        escalate(state, made)
    elif words in (WINNING, LOSING) and inquiry:
        close(state, made, "warning_closed")
    elif words in (WINNING, LOSING):
        close(state, made, "won" if words == WINNING else "lost")


def withdraw(state: State, made: JsonObject) -> None:
    what = f"Chargeback withdrawal for {made['charge']}"
    movement = Movement("adjustment", "dispute", -made["amount"], made["currency"], what)
    line = book(state, made, movement, dispute_fee(state, made["currency"]))
    emit(state, "charge.dispute.funds_withdrawn", made, previous=note(made, line))


def reinstate(state: State, made: JsonObject) -> None:
    what = f"Chargeback reversal for {made['charge']}"
    line = book(
        state, made, Movement("adjustment", "dispute_reversal", made["amount"], made["currency"], what)
    )
    emit(state, "charge.dispute.funds_reinstated", made, previous=note(made, line))


def note(made: JsonObject, line: JsonObject) -> JsonObject:
    """Put a line of the ledger into the dispute, which holds them in full."""
    return change(made, balance_transactions=[*made["balance_transactions"], snapshot(line)])


def expect(made: JsonObject, statuses: tuple[str, ...], what: str) -> None:
    if made["status"] not in statuses:
        raise SandboxError(
            f"{made['id']} is {made['status']} and cannot be {what}; only {', '.join(statuses)} can."
        )
