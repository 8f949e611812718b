"""https://docs.stripe.com/api/disputes"""

from __future__ import annotations

from django_generic_payments.sandbox import disputes
from django_generic_payments.sandbox.changes import change
from django_generic_payments.sandbox.errors import ApiError, missing_object
from django_generic_payments.sandbox.events import emit
from django_generic_payments.sandbox.json_object import JsonObject, snapshot
from django_generic_payments.sandbox.lists import LIST_PARAMETERS, list_of
from django_generic_payments.sandbox.objects.dispute import EVIDENCE_FILES, EVIDENCE_TEXTS
from django_generic_payments.sandbox.parameters import (
    EXPAND_ONLY,
    Kind,
    boolean,
    choice,
    fields,
    metadata,
    text,
    unset,
    unsimulated,
)
from django_generic_payments.sandbox.routing import Call, Route

__all__ = ["ROUTES"]

APPEAL = fields({"reason_for_filing": text(), "supporting_files": unsimulated})
EVIDENCE: dict[str, Kind] = {
    **dict.fromkeys(EVIDENCE_TEXTS.split(), unset(text(20_000))),
    **dict.fromkeys(EVIDENCE_FILES.split(), unsimulated),
    "appeal": unset(fields({"card": APPEAL})),
    "enhanced_evidence": unsimulated,
}
UPDATE: dict[str, Kind] = {
    **EXPAND_ONLY,
    "evidence": fields(EVIDENCE),
    "intended_submission_method": choice(
        "manual", "prefer_manual", "prefer_smart_disputes", "smart_disputes"
    ),
    "metadata": metadata,
    "submit": boolean,
}
PLAIN = ("intended_submission_method", "metadata")
FILTERS = ("charge", "payment_intent")
LIST = {**LIST_PARAMETERS, **dict.fromkeys(FILTERS, text())}


def retrieve(call: Call) -> JsonObject:
    """Find a dispute."""
    found = call.state.get("dispute", call.id)
    if found is None:
        raise missing_object("dispute", call.id, "dispute", 404)
    return found


def update(call: Call) -> JsonObject:
    """Stage evidence, or send it to the bank, which may answer at once."""
    found, params = retrieve(call), call.params
    evidence = params.get("evidence", {})
    submits = params.get("submit", bool(evidence))
    if (evidence or submits) and found["status"] not in disputes.SUBMITTED:
        raise ApiError(f"This dispute is {found['status']} and takes no evidence any more.")
    changes: JsonObject = {name: params[name] for name in PLAIN if name in params}
    if evidence:
        changes["evidence"] = {**found["evidence"], **evidence}
        changes["evidence_details"] = {**found["evidence_details"], "has_evidence": True}
    previous = change(found, **changes)
    if submits:
        # What was staged just now is part of what was not there before.
        previous = disputes.submit_evidence(found) | previous
    if previous:
        emit(call.state, "charge.dispute.updated", found, call.cause, previous)
    # The call is answered before the bank answers.
    answer: JsonObject = snapshot(found)
    if submits:
        disputes.decide(call.state, found)
    return answer


def close(call: Call) -> JsonObject:
    """Accept the loss."""
    found = retrieve(call)
    if found["status"] != "needs_response":
        message = f"This dispute is {found['status']}; only one that is needs_response can be closed."
        raise ApiError(message)
    disputes.close(call.state, found, "lost", call.cause)
    return found


def list_all(call: Call) -> JsonObject:
    """List disputes, newest first."""
    return list_of("dispute", call, *FILTERS)


ALL, ONE = "/v1/disputes", "/v1/disputes/{id}"
ROUTES = [
    Route("GET", ALL, "list of dispute", fields(LIST), list_all),
    Route("GET", ONE, "dispute", fields(EXPAND_ONLY), retrieve),
    Route("POST", ONE, "dispute", fields(UPDATE), update),
    Route("POST", f"{ONE}/close", "dispute", fields(EXPAND_ONLY), close),
]
