"""A process dies, or its database or the way to Stripe does, at every point of a worker's way."""

from __future__ import annotations

import pytest
from django.db import connection

from tests.crash.workshop import PRICE, Report, strike
from tests.thoroughness import IS_THOROUGH

pytestmark = pytest.mark.crash

TELLS = ["confirm", "writes_down"]
LISTENERS = ["hears of the refund", "hears of it too"]
#: Rounds after the one that broke, in which everything must come home.
ROUNDS = 2
#: Points that each scene has at least: fewer would be a loss of coverage.
LEAST = {"owed": 55, "failed": 70, "refund": 80, "checkout": 36}
if not connection.features.has_select_for_update:
    # Without rows to be locked, a row is taken over without a transaction.
    LEAST = {"owed": 44, "failed": 60, "refund": 70, "checkout": 25}
#: Where the points of a scene are all passed in CI, some will do elsewhere.
STRIDE = 1 if IS_THOROUGH else 3


def leave_owed(workshop, place, lost_at):
    """A payment is booked, and nobody could be told."""
    body, headers = workshop.sandbox.message(workshop.pay(place["checkout"]))
    answer = workshop.do("leave_owed", body=body.decode(), headers=headers, receivers=TELLS)
    assert answer["status"] == 503


def leave_failed(workshop, place, lost_at):
    """The event of a payment is stored, and could not be applied."""
    event = workshop.pay(place["checkout"])
    _struck, result = strike(workshop.deliver, event, at=8, mode="raise", receivers=TELLS)
    found = workshop.do("look", booking=place["booking"])
    assert (result["status"], found["payments"], found["failed"]) == (503, [], 1)


def leave_refund(workshop, place, lost_at):
    """A refund is asked for, and the answer is lost."""
    event = workshop.pay(place["checkout"])
    workshop.settle(event, place["booking"], LISTENERS, times=1)
    job = {"session": place["session"], "amount": PRICE, "key": "k", "receivers": LISTENERS}
    return workshop.do("refund", at=lost_at, mode="raise", **job)["points"]


def leave_checkout(workshop, place, lost_at):
    """A checkout is asked for, and the answer is lost."""
    return workshop.do("start", booking=place["booking"], price=PRICE, at=lost_at, mode="raise")["points"]


#: What is left for a worker, and the receivers that hear of it.
SCENES = {
    "owed": (leave_owed, TELLS),
    "failed": (leave_failed, TELLS),
    "refund": (leave_refund, LISTENERS),
    "checkout": (leave_checkout, []),
}


def crash_everywhere(workshop, scene, *, mode, mutant="", stride=1):
    """Crash at each point in turn, or at some of them, with a mutant until it shows."""
    leave, receivers = SCENES[scene]
    places = workshop.places(opened=scene != "checkout")
    # Without a fault first, to know where the answer comes.
    points = leave(workshop, next(places), 0)
    lost_at = points.index("after Stripe") + 1 if points else 0
    report = Report()
    for number, place in enumerate(places):
        leave(workshop, place, lost_at)
        job = {"booking": place["booking"], "receivers": receivers, "mutant": mutant}
        at = 1 + number * stride
        struck, result = strike(workshop.do, "work", at=at, mode=mode, **job)
        for _ in range(ROUNDS):
            workshop.do("work", **job)
        wrong = violations(workshop, place, scene, receivers, workshop.do("work", **job))
        report.violations += [f"{mode} at {at}: {each}" for each in wrong]
        if not struck or (mutant and wrong):
            report.names = result.get("points", [])
            return report
        report.points += 1


def violations(workshop, place, scene, receivers, last_round):
    """Return what is not as it must be after the last round."""
    found = workshop.do("look", booking=place["booking"])
    is_paid, goes_back = scene != "checkout", scene == "refund"
    expected = {
        "payments": [PRICE] * is_paid,
        "events": int(is_paid),
        "refunds": [["succeeded", PRICE]] * goes_back,
        "sent back": [-PRICE] * goes_back,
        "owed": 0,
        "told": dict.fromkeys(receivers, 1),
        "failed": 0,
    }
    wrong = [f"{key} is {found[key]}, not {value}" for key, value in expected.items() if found[key] != value]
    (session,) = found["sessions"]
    status = {"checkout": "pending", "refund": "refunded"}.get(scene, "succeeded")
    if not session["coherent"] or (session["status"], session["holds"]) != (status, not goes_back):
        wrong.append(f"the session is {session}")
    if last_round["done"]:
        wrong.append(f"in the last round, {last_round['done']} was done once more")
    if is_paid and workshop.refunds(session["checkout"]) != [PRICE] * goes_back:
        wrong.append(f"at Stripe, {workshop.refunds(session['checkout'])} was sent back")
    if not is_paid and workshop.open_checkouts(place["booking"]) != [session["checkout"]]:
        wrong.append(f"at Stripe, {workshop.open_checkouts(place['booking'])} can be paid")
    return wrong


@pytest.mark.parametrize("mode", ["kill", "raise"])
@pytest.mark.parametrize("scene", SCENES)
def test_a_worker_does_what_waits_once_wherever_it_breaks(workshop, record, scene, mode):
    report = crash_everywhere(workshop, scene, mode=mode, stride=STRIDE)

    record(f"worker, {scene}, {mode}", report)
    assert report.violations == []
    assert len(report.names) >= LEAST[scene] * (1 if mode == "kill" else 0.8)


@pytest.mark.parametrize(
    ("scene", "mutant"),
    [
        ("owed", "mark_before_the_receiver"),
        ("owed", "mark_after_the_receiver"),
        ("failed", "inbox_before_the_money"),
        ("refund", "a_new_key_at_each_attempt"),
    ],
)
def test_the_harness_sees_what_is_wrong_in(workshop, record, scene, mutant):
    report = crash_everywhere(workshop, scene, mode="kill", mutant=mutant)

    record(f"worker, mutant {mutant}, kill", report)
    assert report.violations != []
