"""The whole account as JSON, and back: what a sandbox that is served remembers across restarts."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import Any

from . import cards
from .cards import BankAccount, Card
from .events import Cause
from .idempotency import IdempotencyKeys, KeptAnswer
from .json_object import JsonObject
from .payments import Attempt
from .records import Delivery, Payer, SandboxError
from .state import Backstage, State
from .webhook_endpoint import FIRST, Secret, WebhookEndpoint

__all__ = ["Account", "dump", "restore"]

#: Counted up when what is written changes its shape.
FORMAT = 1

#: How many attempts to deliver something are written; all others are forgotten with a restart.
DELIVERIES_KEPT = 1000


@dataclass(frozen=True)
class Account:
    """What there is to remember."""

    state: State
    keys: IdempotencyKeys
    secret_key: str


def dump(account: Account) -> JsonObject:
    """Write an account down."""
    state = account.state
    with state.lock:
        return {
            "format": FORMAT,
            "account": fingerprint(account.secret_key),
            "restarts": state.restarts,
            "advanced": state.clock.advanced,
            "tables": {kind: list(table.values()) for kind, table in state.tables.items()},
            "backstage": {name: asdict(known) for name, known in state.backstage.items()},
            "means": {name: dump_means(means) for name, means in state.means.items()},
            "awaiting": [dump_attempt(attempt) for attempt in state.awaiting.values()],
            "appointments": [[when, what, name] for when, _, what, name in sorted(state.appointments)],
            "webhook_endpoints": {
                name: dump_endpoint(each) for name, each in state.webhook_endpoints.items()
            },
            "alteration": state.alteration,
            "deliveries": [asdict(made) for made in list(state.deliveries)[-DELIVERIES_KEPT:]],
            "idempotency_keys": {
                key: {**asdict(answer), "body": answer.body.decode()} for key, answer in account.keys.kept()
            },
        }


def restore(account: Account, written: JsonObject) -> None:
    """Bring an account back that was written down.

    Raises:
        SandboxError: for what was written by another version, or is another account's.
    """
    state = account.state
    if written.get("format") != FORMAT:
        raise SandboxError(f"it has the format {written.get('format')!r}, and this version reads {FORMAT}")
    if written["account"] != fingerprint(account.secret_key):
        raise SandboxError("it belongs to an account with another secret key")
    with state.lock:
        state.restart(written["restarts"] + 1)
        state.clock.advance(written["advanced"])
        for kind, objects in written["tables"].items():
            state.tables[kind] = {obj["id"]: obj for obj in objects}
        state.backstage.update({name: Backstage(**known) for name, known in written["backstage"].items()})
        state.session_of_intent.update(
            {
                session["payment_intent"]: session["id"]
                for session in state.tables.get("checkout.session", {}).values()
                if session["payment_intent"]
            }
        )
        state.means.update({name: load_means(known) for name, known in written["means"].items()})
        for known in written["awaiting"]:
            state.awaiting[known["intent"]] = load_attempt(state, known)
        for when, what, name in written["appointments"]:
            state.remind(when, what, name)
        for name, known in written["webhook_endpoints"].items():
            load_endpoint(state, name, known)
        state.alteration.update(written["alteration"])
        state.deliveries.extend(Delivery(**made) for made in written["deliveries"])
        account.keys.keep(
            {
                key: KeptAnswer(**{**answer, "body": answer["body"].encode()})
                for key, answer in written["idempotency_keys"].items()
            }
        )


def fingerprint(secret_key: str) -> str:
    """Return what tells accounts apart and is no secret: somebody may use a real test key."""
    return hashlib.sha256(secret_key.encode()).hexdigest()[:16]


def dump_means(means: Card | BankAccount) -> list[str]:
    return [means.type, means.number]


def load_means(known: list[str]) -> Card | BankAccount:
    kind, number = known
    return cards.card(number) if kind == "card" else cards.bank_account(number)


def dump_attempt(attempt: Attempt) -> JsonObject:
    return {
        "intent": attempt.intent["id"],
        "means": dump_means(attempt.means),
        "payer": attempt.payer._asdict(),
        "method": attempt.method["id"],
        "alone": attempt.alone,
        "may_ask": attempt.may_ask,
        "return_url": attempt.return_url,
    }


def load_attempt(state: State, known: JsonObject) -> Attempt:
    return Attempt(
        state.tables["payment_intent"][known["intent"]],
        load_means(known["means"]),
        Payer(**known["payer"]),
        state.tables["payment_method"][known["method"]],
        Cause(),
        alone=known["alone"],
        may_ask=known["may_ask"],
        return_url=known["return_url"],
    )


def dump_endpoint(endpoint: WebhookEndpoint) -> JsonObject:
    return {
        "obj": endpoint.obj,
        "secrets": [list(secret) for secret in endpoint.secrets],
        "pending": [event["id"] for event in endpoint.pending],
    }


def load_endpoint(state: State, name: str, known: JsonObject) -> None:
    """Bring an endpoint back; the first one only if it was given again, with the address that it was given."""
    events: dict[str, Any] = state.tables.get("event", {})
    pending = [events[identifier] for identifier in known["pending"]]
    secrets = [Secret(*secret) for secret in known["secrets"]]
    if name != FIRST:
        obj = state.tables["webhook_endpoint"][name]
        state.webhook_endpoints[name] = WebhookEndpoint(obj, secrets, pending)
        return
    first = state.webhook_endpoints.get(FIRST)
    if first is None:
        return
    first.pending.extend(pending)
    # Given as before, it may have been rolled since; another one is meant to take its place.
    if first.secret in [value for value, _ in secrets]:
        first.secrets = secrets
