"""A process dies, or its database or the way to Stripe does, at every point of sending money back."""

from __future__ import annotations

import copy

import pytest

from tests.crash.mutants import OF_REFUNDS
from tests.crash.workshop import PATIENCE, PRICE, Report, strike
from tests.thoroughness import IS_THOROUGH

pytestmark = pytest.mark.crash

PART = 3_00
#: Where the points of a path are all passed in another mode, or on another database or machine, some will do.
SOME = 3
EACH = 1 if IS_THOROUGH else SOME
MODES = [("kill", EACH), ("raise", SOME)]
#: Points that each path has at least, whatever the database: fewer would be a loss of coverage.
LEAST = {"receiver": 100, "person": 74, "dashboard": 52, "duplicate": 88}
LISTENERS = ["hears of the refund", "hears of it too"]
#: What Stripe tells of a refund, in an order in which it may arrive.
NEWS = ("refund.updated", "charge.refunded")


def everywhere(workshop, crash, *, mode="kill", mutant="", stride=1):
    """
    Crash at each point in turn, or at some of them, with a mutant until it shows.

    ``crash`` returns what became of the job, and what is not as it must be.
    """
    report = Report()
    for at, place in enumerate(workshop.places(opened=True)):
        fault = {"at": 1 + at * stride, "mode": mode, **({"mutant": mutant} if mutant else {})}
        (struck, result), wrong = crash(place, **fault)
        report.violations += [f"{mode} at {fault['at']}: {each}" for each in wrong]
        report.names = result.get("points", [])
        if not struck or (mutant and wrong):
            return report
        report.points += 1
    raise AssertionError("The places are over.")


def settle(workshop, place, event, *, acknowledged=False, **job):
    """Deliver until it is acknowledged, then all that Stripe tells of the refund; return what there is then."""
    statuses, unsent = [], 0
    if not acknowledged:
        found = workshop.settle(event, place["booking"], times=PATIENCE, **job)
        statuses, unsent = found["statuses"], found["unsent"]
    later = workshop.events(place["checkout"], *NEWS)
    found = workshop.settle(event, place["booking"], times=0, later=later, **job)
    return {**found, "statuses": statuses, "unsent": unsent}


def violations(workshop, place, found, *, told, amount=PRICE, status="refunded"):
    """Return what is not as it must be once everything is delivered."""
    expected = {
        "payments": [PRICE],
        "refunds": [["succeeded", amount]],
        "sent back": [-amount],
        "owed": 0,
        "unsent": 0,
        "told": dict.fromkeys(told, 1),
    }
    wrong = [f"{key} is {found[key]}, not {value}" for key, value in expected.items() if found[key] != value]
    if workshop.refunds(place["checkout"]) != [amount]:
        wrong.append(f"at Stripe, {workshop.refunds(place['checkout'])} was sent back")
    session = next(each for each in found["sessions"] if each["id"] == place["session"])
    if not session["coherent"] or session["status"] != status:
        wrong.append(f"the session is {session}")
    if 200 not in found["statuses"] or {*found["afterwards"]} != {200}:
        wrong.append(f"the answers were {found['statuses']}, and {found['afterwards']} afterwards")
    return wrong


def deliver(workshop, place, event, *, at, mode, told, **job):
    """Deliver an event with a fault in it, and then until everything is told."""
    struck, result = strike(workshop.deliver, event, at=at, mode=mode, **job)
    found = settle(workshop, place, event, acknowledged=result.get("status") == 200, **job)
    found["unsent"] += result.get("unsent", 0)
    found["statuses"].append(result.get("status"))
    return (struck, result), violations(workshop, place, found, told=told)


# A receiver that sends the money back.


def refund_by_receiver(workshop):
    receivers = ["refunds", *LISTENERS]

    def crash(place, **fault):
        event = workshop.pay(place["checkout"])
        return deliver(workshop, place, event, receivers=receivers, told=receivers, **fault)

    return crash


@pytest.mark.parametrize(("mode", "stride"), MODES)
def test_a_receiver_sends_money_back_once_wherever_it_breaks(workshop, record, mode, stride):
    report = everywhere(workshop, refund_by_receiver(workshop), mode=mode, stride=stride)

    record(f"refund by a receiver, {mode}", report)
    assert report.violations == []
    assert len(report.names) >= LEAST["receiver"]


# A person who sends the money back.


def refund_by_person(workshop, *, webhook_first=False):
    def crash(place, *, at, mode, mutant=""):
        event = workshop.pay(place["checkout"])
        workshop.settle(event, place["booking"], LISTENERS, times=1)
        (later,) = workshop.events(place["checkout"], "payment_intent.succeeded")
        job = {
            "session": place["session"],
            "amount": PART,
            "key": "k",
            "receivers": LISTENERS,
            "mutant": mutant,
        }
        outcome = strike(workshop.do, "refund", at=at, mode=mode, **job)
        if webhook_first:
            settle(workshop, place, later, receivers=LISTENERS, mutant=mutant)
        again = workshop.do("refund", **job)
        found = settle(workshop, place, later, receivers=LISTENERS, mutant=mutant)
        wrong = violations(workshop, place, found, told=LISTENERS, amount=PART, status="partially_refunded")
        if again.get("status") != "succeeded":
            wrong.append(f"asked for again, it is {again}")
        return outcome, wrong

    return crash


@pytest.mark.parametrize(("mode", "stride"), MODES)
def test_a_person_sends_money_back_once_who_asks_again_wherever_it_breaks(workshop, record, mode, stride):
    report = everywhere(workshop, refund_by_person(workshop), mode=mode, stride=stride)

    record(f"refund by a person who asks again, {mode}", report)
    assert report.violations == []
    assert len(report.names) >= LEAST["person"]


def test_what_a_person_sends_back_is_sent_by_the_next_webhook_wherever_it_breaks(workshop, record):
    report = everywhere(workshop, refund_by_person(workshop, webhook_first=True), stride=SOME)

    record("refund by a person, then a webhook, kill", report)
    assert report.violations == []
    assert len(report.names) >= LEAST["person"]


@pytest.mark.parametrize("mutant", sorted(OF_REFUNDS))
def test_the_harness_sees_what_is_wrong_in(workshop, record, mutant):
    report = everywhere(workshop, refund_by_person(workshop), mutant=mutant)

    record(f"mutant {mutant}, kill", report)
    assert any("at Stripe" in each for each in report.violations)


# A refund that Stripe tells of.


def refund_in_the_dashboard(workshop):
    def crash(place, **fault):
        event = workshop.pay(place["checkout"])
        workshop.settle(event, place["booking"], LISTENERS, times=1)
        workshop.sandbox.refund(place["checkout"])
        (news,) = workshop.events(place["checkout"], "refund.updated")
        return deliver(workshop, place, news, receivers=LISTENERS, told=LISTENERS, **fault)

    return crash


@pytest.mark.parametrize(("mode", "stride"), MODES)
def test_a_refund_is_booked_and_told_once_wherever_its_webhook_breaks(workshop, record, mode, stride):
    report = everywhere(workshop, refund_in_the_dashboard(workshop), mode=mode, stride=stride)

    record(f"webhook of a refund, {mode}", report)
    assert report.violations == []
    assert len(report.names) >= LEAST["dashboard"]


# Money that came twice, and goes back by itself.


def refund_of_a_duplicate(workshop):
    receivers = ["hears of the duplicate", *LISTENERS]

    def crash(place, **fault):
        event = workshop.pay(place["checkout"])
        expired = copy.deepcopy({**event, "id": f"{event['id']}X", "type": "checkout.session.expired"})
        expired["data"]["object"].update(status="expired", payment_status="unpaid", payment_intent=None)
        workshop.settle(expired, place["booking"], [], times=1)
        workshop.do("start", booking=place["booking"], price=PRICE)
        job = {"receivers": receivers, "settings": {"DUPLICATES": "refund"}}
        return deliver(workshop, place, event, told=receivers, **job, **fault)

    return crash


def test_a_duplicate_is_sent_back_once_wherever_it_breaks(workshop, record):
    report = everywhere(workshop, refund_of_a_duplicate(workshop), stride=2)

    record("refund of a duplicate, kill", report)
    assert report.violations == []
    assert len(report.names) >= LEAST["duplicate"]
