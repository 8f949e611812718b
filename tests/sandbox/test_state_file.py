from __future__ import annotations

import json
import os
import shutil
import stat
import sys
import threading
from collections.abc import ItemsView
from pathlib import Path
from typing import Any

import pytest

from django_generic_payments.sandbox import Clock, Sandbox, SandboxError
from django_generic_payments.sandbox.state_file import StateFile

from .client import Api, session_params
from .endpoint import Endpoint

SESSIONS = "/v1/checkout/sessions"


def restarted(sandbox: Sandbox) -> Sandbox:
    """Return another sandbox that has come back from what the first one wrote."""
    other = Sandbox(clock=Clock(start=1_800_000_000))
    # Through text, as in a file.
    other.restore(json.loads(json.dumps(sandbox.dump())))
    return other


def test_everything_comes_back(api: Api, sandbox: Sandbox) -> None:
    customer = api.post("/v1/customers", {"name": "Ada"}).obj["id"]
    paid = api.create_session(customer=customer)["id"]
    sandbox.pay(paid)
    sandbox.refund(paid, 500)
    sandbox.dispute(paid)
    sandbox.advance(60)

    other = restarted(sandbox)

    assert other.dump() == {**sandbox.dump(), "restarts": 1}
    assert Api(other).get(f"{SESSIONS}/{paid}", {"expand": ["payment_intent.latest_charge"]}).obj == (
        api.get(f"{SESSIONS}/{paid}", {"expand": ["payment_intent.latest_charge"]}).obj
    )
    assert other.clock.now() == sandbox.clock.now()


def test_what_waits_for_3d_secure_goes_on(api: Api, sandbox: Sandbox) -> None:
    session = api.create_session()["id"]
    sandbox.pay(session, card="4000002760003184", email="ada@example.com")

    other = restarted(sandbox)
    outcome = other.authenticate(session)

    assert outcome.status == "succeeded"
    assert other.checkout_session(session)["customer_details"]["email"] == "ada@example.com"


def test_an_attempt_comes_back_as_it_was(api: Api, sandbox: Sandbox) -> None:
    params = {
        "amount": 5000,
        "currency": "eur",
        "payment_method": "pm_card_authenticationRequired",
        "confirm": True,
        "return_url": "https://shop.example/back/",
        "automatic_payment_methods": {"enabled": True},
    }
    intent = api.post("/v1/payment_intents", params).obj
    assert intent["status"] == "requires_action"

    other = restarted(sandbox)

    assert other.state.awaiting == sandbox.state.awaiting
    assert other.authenticate(intent["id"]).status == "succeeded"


def test_what_waits_for_a_bank_goes_on(api: Api, sandbox: Sandbox) -> None:
    session = api.create_session()["id"]
    sandbox.pay(session, iban="AT861904300235473202")

    other = restarted(sandbox)

    assert other.settle(session).status == "declined"


def test_what_is_held_can_be_captured(api: Api, sandbox: Sandbox) -> None:
    session = api.create_session(payment_intent_data={"capture_method": "manual"})["id"]
    sandbox.pay(session)

    other = restarted(sandbox)
    other.capture(session)

    assert other.checkout_session(session)["payment_status"] == "paid"


def test_an_open_session_is_paid_for_the_same_lines(api: Api, sandbox: Sandbox) -> None:
    session = api.create_session(payment_intent_data={"metadata": {"row": "7"}})["id"]

    other = restarted(sandbox)
    outcome = other.pay(session)

    assert other.line_items(session) == sandbox.line_items(session)
    assert other.payment_intent(outcome.payment_intent)["metadata"] == {"row": "7"}


def test_what_was_due_is_done(api: Api, sandbox: Sandbox) -> None:
    expiring, paid = api.create_session()["id"], api.create_session()["id"]
    sandbox.pay(paid, card="4000000000007726")
    refund = sandbox.refund(paid)

    other = restarted(sandbox)
    other.advance(24 * 60 * 60)

    assert other.checkout_session(expiring)["status"] == "expired"
    assert len(other.balance_transactions()) == 2
    assert Api(other).get(f"/v1/refunds/{refund}").obj["status"] == "succeeded"


def test_refunds_behave_as_the_card_does_that_was_used(api: Api, sandbox: Sandbox) -> None:
    session = api.create_session()["id"]
    sandbox.pay(session, card="4000000000005126")

    other = restarted(sandbox)
    refund = other.refund(session)
    other.advance(60)

    assert Api(other).get(f"/v1/refunds/{refund}").obj["status"] == "failed"


def test_what_was_not_delivered_still_waits_and_is_told_once(api: Api, sandbox: Sandbox) -> None:
    made = api.post("/v1/webhook_endpoints", {"url": "https://a.example/", "enabled_events": ["*"]}).obj
    sandbox.roll_secret("whsec_second", endpoint=made["id"])
    api.post("/v1/customers", {"name": "Ada"})
    sandbox.deliver(Endpoint(503))

    other, first, second = restarted(sandbox), Endpoint(), Endpoint()
    other.deliver(first)
    other.deliver(second, endpoint=made["id"])

    assert first.types == second.types == ["customer.created"]
    assert second.headers[0]["Stripe-Signature"].count("v1=") == 2
    assert other.events[0]["pending_webhooks"] == 0
    assert other.deliver(Endpoint()) == other.deliver(Endpoint(), endpoint=made["id"]) == []
    assert [each.status for each in other.deliveries] == [503, 200, 200]


def test_a_secret_that_was_rolled_comes_back(sandbox: Sandbox) -> None:
    sandbox.roll_secret("whsec_rolled", overlap=60)

    other = restarted(sandbox)

    assert other.webhook_secret == "whsec_rolled"
    assert other.sign(b"{}", timestamp=1) == sandbox.sign(b"{}", timestamp=1)
    other.advance(60)
    assert other.sign(b"{}", timestamp=1) == other.sign(b"{}", secret="whsec_rolled", timestamp=1)


def test_another_secret_takes_the_place_of_the_old_one(sandbox: Sandbox) -> None:
    other = Sandbox(webhook_secret="whsec_other")
    other.restore(sandbox.dump())

    assert other.webhook_secret == "whsec_other"
    assert other.sign(b"{}", timestamp=1) == other.sign(b"{}", secret="whsec_other", timestamp=1)


def test_what_waits_for_an_endpoint_that_is_gone_waits_no_more(api: Api, sandbox: Sandbox) -> None:
    api.post("/v1/customers", {"name": "Ada"})

    other = Sandbox(webhook_secret="")
    other.restore(sandbox.dump())

    assert other.pending == []
    assert len(other.events) == 1


def test_one_seed_does_not_make_up_the_same_ids_after_a_restart() -> None:
    written, made = None, []
    for _ in range(3):
        sandbox = Sandbox(seed=7)
        if written:
            sandbox.restore(written)
        made.append(Api(sandbox).post("/v1/customers").obj["id"])
        written = sandbox.dump()

    assert len(set(made)) == 3
    assert [customer["id"] for customer in Api(sandbox).get("/v1/customers").obj["data"]] == made[::-1]


def test_a_key_keeps_its_answer(api: Api, sandbox: Sandbox) -> None:
    first = api.post(SESSIONS, session_params(), key="k")

    again = Api(restarted(sandbox)).post(SESSIONS, session_params(), key="k")

    assert again.obj == first.obj
    assert again.headers["Idempotent-Replayed"] == "true"


def test_an_answer_that_has_expired_is_not_written(api: Api, sandbox: Sandbox) -> None:
    api.post(SESSIONS, session_params(), key="old")
    sandbox.advance(24 * 60 * 60)
    api.post(SESSIONS, session_params(), key="new")

    assert list(sandbox.dump()["idempotency_keys"]) == ["new"]


def test_a_file_is_written_whole_and_for_its_owner_alone(tmp_path: Path, api: Api, sandbox: Sandbox) -> None:
    path = tmp_path / "state.json"
    file = StateFile(path, sandbox)
    session = api.create_session()["id"]
    file.save()
    written = path.stat().st_mtime_ns
    file.save()
    file.close()

    other = Sandbox()
    StateFile(path, other).close()

    assert other.checkout_session(session)["status"] == "open"
    assert path.stat().st_mtime_ns == written
    assert sorted(each.name for each in tmp_path.iterdir()) == ["state.json", "state.json.lock"]
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda written: "{", "is damaged, or no state of a sandbox"),
        (lambda written: "[]", "is damaged, or no state of a sandbox"),
        (lambda written: json.dumps({"format": 1}), "is damaged, or no state of a sandbox"),
        (
            lambda written: json.dumps({**written, "format": 99}),
            "has the format 99, and this version reads 1",
        ),
        (
            lambda written: json.dumps({**written, "account": "x"}),
            "belongs to an account with another secret key",
        ),
    ],
)
def test_what_cannot_be_read_is_refused_and_left_alone(
    tmp_path: Path, sandbox: Sandbox, change, complaint: str
) -> None:
    path = tmp_path / "state.json"
    path.write_text(change(sandbox.dump()))
    before = path.read_text()

    with pytest.raises(SandboxError, match=complaint) as raised:
        StateFile(path, Sandbox())

    assert str(path) in str(raised.value)
    assert path.read_text() == before
    path.unlink()
    StateFile(path, Sandbox()).close()


def test_two_sandboxes_do_not_share_a_file(tmp_path: Path, sandbox: Sandbox) -> None:
    path = tmp_path / "state.json"
    first = StateFile(path, sandbox)

    with pytest.raises(SandboxError, match=r"Another sandbox uses .*state\.json at this moment"):
        StateFile(path, Sandbox())

    first.close()
    StateFile(path, Sandbox()).close()


def test_a_secret_that_is_rolled_is_written(tmp_path: Path, sandbox: Sandbox) -> None:
    path = tmp_path / "state.json"
    file = StateFile(path, sandbox)

    sandbox.roll_secret("whsec_rolled")
    file.close()

    assert "whsec_rolled" in path.read_text()


def test_nothing_changes_while_it_is_written(tmp_path: Path, api: Api, sandbox: Sandbox) -> None:
    lock, free = sandbox.state.lock, []

    def try_lock() -> None:
        free.append(lock.acquire(blocking=False))

    class Watched(dict[str, Any]):
        def items(self) -> ItemsView[str, Any]:
            thread = threading.Thread(target=try_lock)
            thread.start()
            thread.join()
            return super().items()

    customer = api.post("/v1/customers").obj["id"]
    sandbox.state.tables["customer"][customer]["metadata"] = Watched(row="7")

    StateFile(tmp_path / "state.json", sandbox).close()

    assert free == [False]


def test_what_cannot_be_written_at_the_end_is_told(tmp_path: Path, api: Api, sandbox: Sandbox) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    file = StateFile(folder / "state.json", sandbox)
    api.post("/v1/customers")
    shutil.rmtree(folder)

    with pytest.raises(SandboxError, match=r"state\.json cannot be written: No such file or directory"):
        file.close()


def test_a_folder_that_is_not_there_is_told(tmp_path: Path, sandbox: Sandbox) -> None:
    with pytest.raises(SandboxError, match="cannot be written: No such file or directory"):
        StateFile(tmp_path / "nowhere" / "state.json", sandbox)


def test_a_file_holds_no_key(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    StateFile(path, Sandbox(secret_key="sk_test_of_somebody", webhook_secret="whsec_of_somebody")).close()

    assert "sk_test_of_somebody" not in path.read_text()


def test_nothing_is_half_written(tmp_path: Path, api: Api, sandbox: Sandbox, monkeypatch) -> None:
    path = tmp_path / "state.json"
    file = StateFile(path, sandbox)
    before = path.read_text()
    api.post("/v1/customers", {"name": "Ada"})
    monkeypatch.setattr("os.fsync", lambda descriptor: sys.exit("the disk is full"))

    with pytest.raises(SystemExit):
        file.save()
    monkeypatch.undo()

    assert path.read_text() == before
    assert sorted(each.name for each in tmp_path.iterdir()) == ["state.json", "state.json.lock"]
    file.close()
    assert path.read_text() != before
