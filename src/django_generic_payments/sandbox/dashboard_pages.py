"""The pages of the dashboard. They work without JavaScript, and escape everything that comes from outside."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from string import Template

from .dashboard_buttons import buttons_for
from .dashboard_elements import (
    BUTTONS,
    FILTER,
    HIDDEN,
    JSON,
    LINK,
    PAY,
    SOFT,
    TEXT,
    Button,
    address_of,
    draw,
    empty,
    link_to,
    moment,
    money_of,
    pager,
    plain_moment,
    section,
    short,
    status,
    table,
    text,
)
from .engine import Sandbox
from .hosted_page import PATH as PAYER_PATH
from .json_object import JsonObject
from .markup import NOTHING, Markup, fill, join, template
from .pages import facts, page
from .records import ApiRequest, Delivery
from .webhook_endpoint import WebhookEndpoint

__all__ = ["endpoints", "events", "missing", "object_page", "overview", "payments", "requests"]

BOARD = template("dashboard.html")

IDENTIFIER = re.compile(r"&quot;([a-z]+_[A-Za-z0-9_]+)&quot;")

SECTIONS = {"/": "Payments", "/dashboard/events": "Events", "/dashboard/endpoints": "Webhooks"} | {
    "/dashboard/requests": "Requests"
}
JUMPS = {"1 minute": 60, "1 hour": 3600, "1 day": 86_400, "7 days": 604_800}


def payments(sandbox: Sandbox) -> list[JsonObject]:
    """Return the sessions, and the intents without one, newest first."""
    state = sandbox.state
    with state.lock:
        alone = [
            intent
            for intent in state.newest_first("payment_intent")
            if intent["id"] not in state.session_of_intent
        ]
        found = [*state.newest_first("checkout.session"), *alone]
    return sorted(found, key=lambda obj: int(obj["created"]), reverse=True)


def overview(sandbox: Sandbox, shown: list[JsonObject], newer: int | None, older: int | None) -> str:
    """Show who paid what."""
    rows = [
        (
            link_to(obj["id"], short(obj["id"])),
            money_of(obj),
            status(payment_status(sandbox, obj)),
            payer_of(sandbox, obj),
            moment(obj["created"]),
        )
        for obj in shown
    ]
    heads = ("Payment", "Amount", "Status", "Payer", "Created")
    content = table("Payments", heads, rows) if rows else empty("Nothing has happened yet.")
    return board("/", "Payments", join([content, pager("/", newer, older), clock(sandbox)]))


def object_page(sandbox: Sandbox, obj: JsonObject) -> str:
    """Show an object, what can be done with it, and what was told of it."""
    parts = [heading(sandbox, obj)]
    here = address_of(obj["id"])
    buttons = [draw(button, obj["id"], here) for button in buttons_for(sandbox, obj)]
    if obj["object"] == "checkout.session" and obj["status"] == "open":
        # Not by its url: the server may have had another port when the session was made.
        buttons.insert(0, fill(PAY, address=f"{PAYER_PATH}{obj['id']}"))
    if buttons:
        parts.append(fill(BUTTONS, buttons=join(buttons)))
    if obj["object"] == "event":
        parts.append(section("Deliveries", deliveries_of(sandbox, obj)))
    else:
        parts.append(section("What it leads to", relatives(sandbox, obj)))
        parts.append(section("What happened", timeline(sandbox, obj)))
    parts.append(fill(JSON, text=linked(sandbox, obj)))
    kind = re.sub("[._]", " ", obj["object"]).capitalize()
    return board("", f"{kind} {short(obj['id'])}", join(parts))


def last_answers(sandbox: Sandbox) -> dict[str, dict[str, int]]:
    """Return the last answer of each endpoint to each event."""
    found: dict[str, dict[str, int]] = {}
    for made in sandbox.deliveries:
        found.setdefault(made.event_id, {})[made.endpoint] = made.status
    return found


def events(sandbox: Sandbox, shown: list[JsonObject], newer: int | None, older: int | None, kind: str) -> str:
    """Show what was told, and how it was received."""
    answered = last_answers(sandbox)
    rows = [
        (
            link_to(event["id"], event["type"]),
            link_to(event["data"]["object"].get("id", ""), short(event["data"]["object"].get("id", ""))),
            answers(event, answered.get(event["id"], {})),
            moment(event["created"]),
        )
        for event in shown
    ]
    content = (
        table("Events", ("Event", "Object", "Answers", "Created"), rows) if rows else empty("No events.")
    )
    more = pager("/dashboard/events", newer, older, type=kind)
    return board("/dashboard/events", "Events", join([fill(FILTER, kind=kind), content, more]))


def endpoints(sandbox: Sandbox) -> str:
    """Show where webhooks go, and with which secrets."""
    with sandbox.state.lock:
        known = dict(sandbox.state.webhook_endpoints)
    parts = [endpoint_section(sandbox, identifier, each) for identifier, each in known.items()]
    content = join(parts) if parts else empty("Create one at /v1/webhook_endpoints.")
    recent = [delivery_row(sandbox, made, with_event=True) for made in sandbox.deliveries[::-1][:50]]
    heads = ("Event", "Endpoint", "Answer", "Time")
    log = table("Deliveries", heads, recent) if recent else empty("Nothing was delivered yet.")
    return board("/dashboard/endpoints", "Webhooks", join([content, section("Last deliveries", log)]))


def endpoint_section(sandbox: Sandbox, identifier: str, endpoint: WebhookEndpoint) -> Markup:
    known = [
        ("Address", endpoint.url or "none: a test posts by itself"),
        ("Hears of", ", ".join(endpoint.obj["enabled_events"]).replace("*", "everything")),
        ("Version", endpoint.obj["api_version"] or "the account's"),
        ("Status", endpoint.obj["status"]),
        ("Events that wait", str(len(endpoint.pending))),
        ("Last answer", last_answer(sandbox, identifier)),
        ("Signed with", ", ".join(endpoint.valid_secrets(sandbox.clock.now()))),
    ]
    buttons = [Button("Deliver what waits", "deliver"), Button("Roll the secret", "roll")]
    drawn = join(draw(button, identifier, "/dashboard/endpoints") for button in buttons)
    content = [facts(known, ""), fill(BUTTONS, buttons=drawn)]
    return section(identifier or "The endpoint of the command line", join(content))


def last_answer(sandbox: Sandbox, endpoint: str) -> str:
    made = next((each for each in sandbox.deliveries[::-1] if each.endpoint == endpoint), None)
    return f"{made.status or 'none'}, {plain_moment(made.at)}" if made else "–"


def requests(sandbox: Sandbox, shown: list[ApiRequest]) -> str:
    """Show the last calls of the API."""
    rows = [
        (
            text(f"{call.method} {call.path}"),
            status(str(call.status or "lost"), bad=not 200 <= call.status < 300),
            text(call.idempotency_key or ""),
        )
        for call in shown
    ]
    content = (
        table("Requests", ("Call", "Status", "Idempotency key"), rows) if rows else empty("No calls yet.")
    )
    return board("/dashboard/requests", "Requests", content)


def missing(message: str, back: str = "/") -> str:
    """Say that something is not there, or did not work."""
    link = fill(LINK, address=back, text="Go back")
    return board("", message, fill(TEXT, text=link))


def board(here: str, title: str, content: Markup) -> str:
    main = fill(BOARD, title=title, navigation=navigation(here), content=content)
    return page(f"{title} · Sandbox", main, kind="dashboard")


def navigation(here: str) -> Markup:
    current = Markup('<li><a href="{}" aria-current="page">{}</a></li>')
    other = Markup('<li><a href="{}">{}</a></li>')
    return join(
        Markup((current if address == here else other).format(address, name))
        for address, name in SECTIONS.items()
    )


def clock(sandbox: Sandbox) -> Markup:
    buttons = join(
        draw(
            Button(f"Advance by {name}", "advance", fill(HIDDEN, name="seconds", value=str(seconds))), "", "/"
        )
        for name, seconds in JUMPS.items()
    )
    now = fill(SOFT, text=f"It is {plain_moment(sandbox.clock.now())} at this Stripe.")
    return section("Clock", join([now, fill(BUTTONS, buttons=buttons)]))


def heading(sandbox: Sandbox, obj: JsonObject) -> Markup:
    parts = [money_of(obj)] if "currency" in obj and ("amount" in obj or "amount_total" in obj) else []
    if obj.get("status"):
        parts.append(status(payment_status(sandbox, obj)))
    if obj["object"] == "event":
        parts.append(text(obj["type"]))
    if obj.get("created"):
        parts.append(moment(obj["created"]))
    return Markup(f'<p class="facts">{" ".join(parts)}</p>')


def relatives(sandbox: Sandbox, obj: JsonObject) -> Markup:
    """List the objects that an object names, and those that name it."""
    found: dict[str, JsonObject] = {}
    state = sandbox.state
    for value in obj.values():
        other = state.get_any(value) if isinstance(value, str) and value != obj["id"] else None
        if other:
            found[other["id"]] = other
    family = {obj["id"], obj.get("payment_intent")} - {None}
    for kind in ("checkout.session", "payment_intent", "charge", "refund", "dispute", "balance_transaction"):
        for other in state.tables.get(kind, {}).values():
            names = {
                other.get(name) for name in ("payment_intent", "charge", "source", "latest_charge", "id")
            }
            if names & family and other["id"] != obj["id"]:
                found[other["id"]] = other
    rows = [
        (
            text(other["object"]),
            link_to(other["id"], short(other["id"])),
            money_of(other),
            status(payment_status(sandbox, other)) if other.get("status") else text("–"),
        )
        for other in found.values()
        if "deleted" not in other
    ]
    heads = ("Kind", "Object", "Amount", "Status")
    return table("Related objects", heads, rows) if rows else empty("Nothing yet.")


def timeline(sandbox: Sandbox, obj: JsonObject) -> Markup:
    family = {obj["id"], obj.get("payment_intent") or obj["id"]}
    answered = last_answers(sandbox)
    told = [event for event in sandbox.events if concerns(event["data"]["object"], family)]
    rows = [
        (
            link_to(event["id"], event["type"]),
            answers(event, answered.get(event["id"], {})),
            moment(event["created"]),
        )
        for event in told[::-1][:50]
    ]
    return (
        table("Events", ("Event", "Answers", "Created"), rows) if rows else empty("Nothing was told of it.")
    )


def concerns(obj: JsonObject, family: Collection[str]) -> bool:
    return any(obj.get(name) in family for name in ("id", "payment_intent", "charge", "customer"))


def deliveries_of(sandbox: Sandbox, event: JsonObject) -> Markup:
    made = [each for each in sandbox.deliveries if each.event_id == event["id"]]
    rows = [delivery_row(sandbox, each) for each in made[::-1][:50]]
    here = address_of(event["id"])
    buttons = [
        draw(
            Button(f"Redeliver to {endpoint.url}", "resend", fill(HIDDEN, name="endpoint", value=identifier)),
            event["id"],
            here,
        )
        for identifier, endpoint in sandbox.state.webhook_endpoints.items()
        if endpoint.url
    ]
    shown = (
        table("Deliveries", ("Endpoint", "Answer", "Time"), rows)
        if rows
        else empty("It was not delivered yet.")
    )
    return join([shown, fill(BUTTONS, buttons=join(buttons)) if buttons else NOTHING])


def delivery_row(sandbox: Sandbox, made: Delivery, *, with_event: bool = False) -> tuple[Markup, ...]:
    endpoint = sandbox.state.webhook_endpoints.get(made.endpoint)
    where = endpoint.url if endpoint and endpoint.url else made.endpoint or "a test"
    said = join(
        [status(str(made.status or "no answer"), bad=not 200 <= made.status < 300), text(made.answer[:200])]
    )
    row = (text(where), said, moment(made.at))
    return (link_to(made.event_id, made.event_type), *row) if with_event else row


def answers(event: JsonObject, last: Mapping[str, int]) -> Markup:
    """Say how an event was received: the last answer of each endpoint, or that it still waits for one."""
    shown = [status(str(code or "no answer"), bad=not 200 <= code < 300) for code in last.values()]
    if event["pending_webhooks"] and not last:
        shown.append(status("waiting"))
    return Markup(" ".join(shown)) if shown else text("–")


def payment_status(sandbox: Sandbox, obj: JsonObject) -> str:
    """Name the state of an object as a person would."""
    if obj["object"] == "checkout.session" and obj["status"] == "complete":
        intent = sandbox.state.get("payment_intent", obj["payment_intent"])
        return payment_status(sandbox, intent) if intent else str(obj["payment_status"])
    if obj["object"] != "payment_intent" or obj["status"] != "succeeded":
        return str(obj["status"])
    charge = sandbox.state.get("charge", obj["latest_charge"])
    if charge is None:
        return "paid"
    if charge["disputed"]:
        return "disputed"
    if charge["refunded"]:
        return "refunded"
    return "partly refunded" if charge["amount_refunded"] else "paid"


def payer_of(sandbox: Sandbox, obj: JsonObject) -> Markup:
    details = obj.get("customer_details") or {}
    customer = sandbox.state.get("customer", obj["customer"]) or {}
    return text(details.get("email") or customer.get("email") or "–")


def linked(sandbox: Sandbox, obj: JsonObject) -> Markup:
    """Write an object with its ids as links."""
    escaped = fill(Template("$text"), text=json.dumps(obj, indent=2, ensure_ascii=False))

    def link(found: re.Match[str]) -> str:
        identifier = found.group(1)
        if identifier == obj["id"] or sandbox.state.get_any(identifier) is None:
            return found.group()
        return f'&quot;<a href="{address_of(identifier)}">{identifier}</a>&quot;'

    return Markup(IDENTIFIER.sub(link, escaped))
