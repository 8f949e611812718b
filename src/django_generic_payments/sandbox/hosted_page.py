"""The hosted page: what the payer's browser asks for, and what it gets.

https://docs.stripe.com/payments/checkout
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from . import pages
from .engine import Sandbox
from .json_object import JsonObject
from .records import Outcome, SandboxError

__all__ = ["PATH", "PageAnswer", "respond"]

PATH = "/c/pay/"


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
        return PageAnswer(404, pages.notice("There is no such checkout."))
    if session["status"] != "open":
        return PageAnswer(200, pages.closed(session))
    if method == "POST":
        return submit(sandbox, session, step, form)
    if step and waits_for_authentication(sandbox, session):
        return PageAnswer(200, pages.authentication(session))
    return PageAnswer(303, location=f"{PATH}{identifier}") if step else checkout(sandbox, session)


def submit(sandbox: Sandbox, session: JsonObject, step: str, form: Mapping[str, str]) -> PageAnswer:
    try:
        outcome = authenticate(sandbox, session, form) if step else pay(sandbox, session, form)
    except SandboxError as error:
        return checkout(sandbox, sandbox.checkout_session(session["id"]), str(error), form)
    if outcome.status == "declined":
        return checkout(sandbox, sandbox.checkout_session(session["id"]), outcome.message, form)
    return PageAnswer(303, location=outcome.redirect_url)


def pay(sandbox: Sandbox, session: JsonObject, form: Mapping[str, str]) -> Outcome:
    email = form.get("email", "").strip() or prefilled_email(session)
    if not email:
        raise SandboxError("Enter your e-mail address.")
    debit = form.get("method") == "sepa_debit"
    number = form.get("iban" if debit else "number", "").strip()
    if not number:
        raise SandboxError("Enter your IBAN." if debit else "Enter your card number.")
    return sandbox.pay(
        session["id"],
        card=number,
        iban=number if debit else None,
        email=email,
        name=form.get("name", "").strip() or None,
        phone=form.get("phone", "").strip() or None,
    )


def authenticate(sandbox: Sandbox, session: JsonObject, form: Mapping[str, str]) -> Outcome:
    return sandbox.authenticate(session["id"], success=form.get("result") == "complete")


def checkout(
    sandbox: Sandbox, session: JsonObject, message: str = "", form: Mapping[str, str] | None = None
) -> PageAnswer:
    if session["status"] != "open":
        return PageAnswer(200, pages.closed(session))
    items = sandbox.line_items(session["id"])
    typed = {"email": prefilled_email(session), **(form or {})}
    return PageAnswer(402 if message else 200, pages.checkout(session, items, typed, message))


def prefilled_email(session: JsonObject) -> str:
    return str((session["customer_details"] or {}).get("email") or "")


def waits_for_authentication(sandbox: Sandbox, session: JsonObject) -> bool:
    identifier = session["payment_intent"]
    return bool(identifier and sandbox.payment_intent(identifier)["status"] == "requires_action")
