from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path

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

    assert other.dump() == sandbox.dump()
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


def test_a_key_keeps_its_answer(api: Api, sandbox: Sandbox) -> None:
    first = api.post(SESSIONS, session_params(), key="k")

    again = Api(restarted(sandbox)).post(SESSIONS, session_params(), key="k")

    assert again.obj == first.obj
    assert again.headers["Idempotent-Replayed"] == "true"


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
