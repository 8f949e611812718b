"""The hosted page: what the payer's browser asks for, and what it gets.

https://docs.stripe.com/payments/checkout
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from . import pages
from .card_list import in_fours
from .cards import BankAccount, find_test_means
from .engine import Sandbox
from .json_object import JsonObject
from .payment_form import Problem
from .records import Outcome, SandboxError

__all__ = ["PATH", "PageAnswer", "respond"]

PATH = "/c/pay/"

#: Where to look after a decline; after any other, at the number.
FIELDS_BY_CODE = {"expired_card": "expiry", "incorrect_cvc": "cvc", "invalid_iban": "iban"}
NO_CHECKOUT = "Perhaps the address is incomplete, or the sandbox was restarted without a file of its state."
NOT_AUTHENTICATED = "This card failed authentication with its bank."


class PageAnswer(NamedTuple):
    """A page, or the address to go to instead."""

    status: int
    html: str = ""
    location: str = ""


def respond(sandbox: Sandbox, method: str, path: str, form: Mapping[str, str]) -> PageAnswer:
    """Answer the browser, for a path that begins with `PATH`."""
    identifier, _, step = path.removeprefix(PATH).partition("/")
    if step not in ("", "authenticate"):
        return PageAnswer(404, pages.notice("There is nothing here."))
    try:
        # Time passes while the page is open: what has become due is done first.
        sandbox.advance(0)
        session = sandbox.checkout_session(identifier)
    except SandboxError:
        return PageAnswer(404, pages.notice("There is no such checkout.", NO_CHECKOUT))
    if session["status"] != "open":
        return PageAnswer(200, pages.closed(session))
    if method == "POST":
        return submit(sandbox, session, step, form)
    if step and waits_for_authentication(sandbox, session):
        return PageAnswer(200, pages.authentication(session))
    return PageAnswer(303, location=f"{PATH}{identifier}") if step else checkout(sandbox, session, {})


def submit(sandbox: Sandbox, session: JsonObject, step: str, form: Mapping[str, str]) -> PageAnswer:
    if not step and "use" in form:
        return checkout(sandbox, session, filled_in(form))
    problem = None if step else find_gap(session, form)
    if problem:
        return checkout(sandbox, session, form, problem)
    try:
        outcome = authenticate(sandbox, session, form) if step else pay(sandbox, session, form)
    except SandboxError as error:
        return checkout(sandbox, session, form, Problem(str(error)))
    if outcome.status == "declined":
        return checkout(sandbox, session, payer_of(sandbox, outcome) if step else form, told(outcome))
    return PageAnswer(303, location=outcome.redirect_url)


def filled_in(form: Mapping[str, str]) -> dict[str, str]:
    """Put a test card or account into the form, beside what is typed already."""
    means = find_test_means(form["use"])
    if means is None:
        return dict(form)
    number = " ".join(in_fours(means.number))
    if isinstance(means, BankAccount):
        return {**form, "method": means.type, "iban": number}
    return {"expiry": "12 / 34", "cvc": "123", **form, "method": means.type, "number": number}


def find_gap(session: JsonObject, form: Mapping[str, str]) -> Problem | None:
    """Find what is missing before anything can be tried."""
    if not email_of(session, form):
        return Problem("Enter your e-mail address.", "email")
    if is_debit(session, form):
        return None if form.get("iban", "").strip() else Problem("Enter your IBAN.", "iban")
    return None if form.get("number", "").strip() else Problem("Enter your card number.", "number")


def pay(sandbox: Sandbox, session: JsonObject, form: Mapping[str, str]) -> Outcome:
    debit = is_debit(session, form)
    number = form["iban" if debit else "number"].strip()
    return sandbox.pay(
        session["id"],
        card=number,
        iban=number if debit else None,
        email=email_of(session, form),
        name=form.get("name", "").strip() or None,
        phone=form.get("phone", "").strip() or None,
    )


def authenticate(sandbox: Sandbox, session: JsonObject, form: Mapping[str, str]) -> Outcome:
    return sandbox.authenticate(session["id"], success=form.get("result") == "complete")


def told(outcome: Outcome) -> Problem:
    """Say it as a payer is told; what the API says of 3D Secure is for programmers."""
    message = NOT_AUTHENTICATED if outcome.code.endswith("authentication_failure") else outcome.message
    return Problem(message, FIELDS_BY_CODE.get(outcome.code, "number"))


def payer_of(sandbox: Sandbox, outcome: Outcome) -> dict[str, str]:
    """Remember who failed 3D Secure: that page has another form."""
    error = sandbox.payment_intent(outcome.payment_intent)["last_payment_error"]
    # Another tab may have begun anew meanwhile, which takes the error away.
    known = error["payment_method"]["billing_details"] if error else {}
    return {name: known[name] for name in ("email", "name", "phone") if known.get(name)}


def checkout(
    sandbox: Sandbox, session: JsonObject, form: Mapping[str, str], problem: Problem | None = None
) -> PageAnswer:
    # It may have been paid in another tab since it was looked up.
    session = sandbox.checkout_session(session["id"])
    if session["status"] != "open":
        return PageAnswer(200, pages.closed(session))
    typed = {**form, "email": email_of(session, form)}
    if problem:
        # As every checkout does: who tries again has the card at hand.
        typed.pop("cvc", None)
    items = sandbox.line_items(session["id"])
    return PageAnswer(402 if problem else 200, pages.checkout(session, items, typed, problem))


def email_of(session: JsonObject, form: Mapping[str, str]) -> str:
    prefilled = str((session["customer_details"] or {}).get("email") or "")
    # Checkout does not let a payer change the address of a known customer.
    return (session["customer"] and prefilled) or form.get("email", "").strip() or prefilled


def is_debit(session: JsonObject, form: Mapping[str, str]) -> bool:
    offered: list[str] = session["payment_method_types"]
    return form.get("method", offered[0]) == "sepa_debit"


def waits_for_authentication(sandbox: Sandbox, session: JsonObject) -> bool:
    identifier = session["payment_intent"]
    return bool(identifier and sandbox.payment_intent(identifier)["status"] == "requires_action")
