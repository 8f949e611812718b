"""The dashboard: what happened in the account, and buttons for what else can happen.

https://docs.stripe.com/dashboard/basics
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from . import dashboard_pages as pages
from .currencies import parse_amount
from .engine import Sandbox
from .hosted_page import PageAnswer
from .json_object import JsonObject
from .records import SandboxError
from .webhook_sender import WebhookSender

__all__ = ["PATH", "is_foreign", "respond"]

PATH = "/dashboard/"

#: What there is on a page.
PAGE = 25

#: How far the clock can be moved at once: a slip of the hand would be remembered for ever.
LONGEST_JUMP = 366 * 24 * 60 * 60


class Desk(NamedTuple):
    """Where a button is pressed: the account, its postman, and what was filled in."""

    sandbox: Sandbox
    sender: WebhookSender
    form: Mapping[str, str]

    @property
    def id(self) -> str:
        """The object that the button is for."""
        return self.form.get("id", "")

    @property
    def amount(self) -> int | None:
        """The amount that was typed, in minor units, or None for all of it."""
        typed = self.form.get("amount", "").strip()
        return parse_amount(typed, self.form.get("currency", "")) if typed else None


def advance(desk: Desk) -> None:
    seconds = int(desk.form.get("seconds", "0"))
    if seconds > LONGEST_JUMP:
        raise SandboxError("The clock moves by a year at most.")
    desk.sandbox.advance(seconds)


def roll(desk: Desk) -> None:
    desk.sandbox.roll_secret(f"whsec_{desk.sandbox.state.token(32)}", endpoint=desk.id)


ACTIONS: dict[str, Callable[[Desk], object]] = {
    "advance": advance,
    "appeal": lambda desk: desk.sandbox.appeal_dispute(desk.id, submit=True),
    "authenticate": lambda desk: desk.sandbox.authenticate(desk.id, success=True),
    "book": lambda desk: desk.sandbox.book_balance(),
    "cancel": lambda desk: desk.sandbox.cancel(desk.id),
    "capture": lambda desk: desk.sandbox.capture(desk.id, desk.amount),
    "close_lost": lambda desk: desk.sandbox.close_dispute(desk.id, "lost"),
    "close_warning": lambda desk: desk.sandbox.close_dispute(desk.id, "warning_closed"),
    "close_won": lambda desk: desk.sandbox.close_dispute(desk.id, "won"),
    "deliver": lambda desk: desk.sender.deliver_now(desk.id),
    "dispute": lambda desk: desk.sandbox.dispute(
        desk.id, amount=desk.amount, reason=desk.form.get("reason", ""), inquiry="inquiry" in desk.form
    ),
    "escalate": lambda desk: desk.sandbox.escalate_dispute(desk.id),
    "expire": lambda desk: desk.sandbox.expire(desk.id),
    "fail": lambda desk: desk.sandbox.settle(desk.id, success=False),
    "fail_authentication": lambda desk: desk.sandbox.authenticate(desk.id, success=False),
    "fail_refund": lambda desk: desk.sandbox.fail_refund(desk.id),
    "refund": lambda desk: desk.sandbox.refund(desk.id, desk.amount, reason=desk.form.get("reason") or None),
    "resend": lambda desk: desk.sender.resend(desk.id, desk.form.get("endpoint", "")),
    "roll": roll,
    "settle": lambda desk: desk.sandbox.settle(desk.id, success=True),
    "settle_refund": lambda desk: desk.sandbox.settle_refund(desk.id),
}


def respond(
    sandbox: Sandbox, sender: WebhookSender, method: str, path: str, form: Mapping[str, str]
) -> PageAnswer:
    """Answer the browser, for "/" and every path that begins with `PATH`; `form` is also the query of a GET."""
    sandbox.advance(0)
    section, _, rest = path.removeprefix(PATH).partition("/")
    if method == "POST":
        return act(Desk(sandbox, sender, form), section, rest)
    if path in ("/", PATH):
        return PageAnswer(200, pages.overview(sandbox, *cut(pages.payments(sandbox), form)))
    if section == "objects":
        return show(sandbox, rest)
    if section == "events" and not rest:
        return PageAnswer(200, list_events(sandbox, form))
    if section == "endpoints" and not rest:
        return PageAnswer(200, pages.endpoints(sandbox))
    if section == "requests" and not rest:
        return PageAnswer(200, pages.requests(sandbox, sandbox.requests[::-1][:100]))
    return PageAnswer(404, pages.missing("There is nothing here."))


def act(desk: Desk, section: str, name: str) -> PageAnswer:
    if section != "actions" or name not in ACTIONS:
        return PageAnswer(404, pages.missing("There is no such button."))
    try:
        ACTIONS[name](desk)
    except (SandboxError, ValueError) as error:
        return PageAnswer(409, pages.missing(f"That did not work: {error}", back=back_of(desk.form)))
    return PageAnswer(303, location=back_of(desk.form))


def back_of(form: Mapping[str, str]) -> str:
    back = form.get("back", "/")
    # A path of our own, and never `//somewhere.else`.
    return back if back.startswith("/") and not back.startswith(("//", "/\\")) else "/"


def show(sandbox: Sandbox, identifier: str) -> PageAnswer:
    with sandbox.state.lock:
        obj = sandbox.state.get_any(identifier)
        if obj is None:
            return PageAnswer(404, pages.missing(f"There is no object {identifier}."))
        return PageAnswer(200, pages.object_page(sandbox, obj))


def list_events(sandbox: Sandbox, query: Mapping[str, str]) -> str:
    kind = query.get("type", "").strip()
    found = [event for event in reversed(sandbox.events) if kind in event["type"]]
    shown, newer, older = cut(found, query)
    return pages.events(sandbox, shown, newer, older, kind)


def cut(found: list[JsonObject], query: Mapping[str, str]) -> tuple[list[JsonObject], int | None, int | None]:
    """Return a page of what was found, and where the pages before and after it begin."""
    given = query.get("start", "0")
    start = min(int(given) if given.isdecimal() and len(given) < 10 else 0, max(0, len(found) - 1))
    newer = max(0, start - PAGE) if start else None
    older = start + PAGE if start + PAGE < len(found) else None
    return found[start : start + PAGE], newer, older


def is_foreign(headers: Mapping[str, str]) -> bool:
    """Tell whether a form was sent by a page of another site, which must not press our buttons."""
    origin, site = headers.get("Origin"), headers.get("Sec-Fetch-Site")
    if site is not None:
        return site not in ("same-origin", "none")
    return origin is not None and origin.partition("://")[2] != headers.get("Host", "")
