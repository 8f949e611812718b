"""A process dies, or its database does, at every point of the way of a paid checkout's webhook."""

from __future__ import annotations

import random

import pytest

from tests.crash.mutants import OF_WEBHOOKS
from tests.crash.workshop import PATIENCE, PRICE, Report, strike

pytestmark = pytest.mark.crash

#: The receivers of each variant.
VARIANTS = {
    "nobody listens": [],
    "one receiver": ["confirm"],
    "two receivers": ["confirm", "writes_down"],
    "one fails once": ["confirm", "stumbles", "writes_down"],
    "one always fails": ["confirm", "broken", "writes_down"],
}
#: Points that each variant has at least, whatever the database: fewer would be a loss of coverage. Not all of them
#: can raise.
LEAST = {
    "nobody listens": 18,
    "one receiver": 32,
    "two receivers": 46,
    "one fails once": 64,
    "one always fails": 64,
}


def crash_everywhere(workshop, receivers, *, mode="kill", mutant="", second=None):
    """
    Crash at each point in turn, with a mutant until it shows.

    ``second`` chooses a point for another crash in the next delivery.
    """
    report = Report()
    job = {"receivers": receivers, "mutant": mutant}
    for place in workshop.places(opened=True):
        event = workshop.pay(place["checkout"])
        at = report.points + 1
        struck, result = strike(workshop.deliver, event, at=at, mode=mode, **job)
        statuses = [result["status"]] if result else []
        if struck and second and not acknowledged(statuses):
            _struck, again = strike(workshop.deliver, event, at=second(at), mode=mode, **job)
            statuses += [again["status"]] if again else []
        wrong = settle_and_check(workshop, event, place, statuses, **job)
        report.violations += [f"{mode} at {at}: {each}" for each in wrong]
        if not struck:
            return report
        report.points = at
        if mutant and report.violations:
            return report


def acknowledged(statuses):
    return any(200 <= status < 300 for status in statuses)


def settle_and_check(workshop, event, place, statuses, *, receivers, **job):
    """Deliver until the event is acknowledged, and return what is then not as it must be."""
    times = 0 if acknowledged(statuses) else PATIENCE
    found = workshop.settle(event, place["booking"], receivers, times=times, **job)
    statuses = [*statuses, *found["statuses"]]
    broken = "broken" in receivers
    expected = {
        "payments": [PRICE],
        "events": 1,
        "owed": int(broken),
        "told": {name: 1 for name in receivers if name != "broken"},
    }
    wrong = [f"{key} is {found[key]}, not {value}" for key, value in expected.items() if found[key] != value]
    (session,) = found["sessions"]
    if not (session["coherent"] and session["holds"] and session["status"] == "succeeded"):
        wrong.append(f"the session is {session}")
    if acknowledged(statuses) == broken:
        wrong.append(f"the answers were {statuses}")
    return wrong


@pytest.mark.parametrize("mode", ["kill", "raise"])
@pytest.mark.parametrize("variant", VARIANTS)
def test_nothing_is_lost_or_doubled_wherever_it_breaks(workshop, record, variant, mode):
    report = crash_everywhere(workshop, VARIANTS[variant], mode=mode)

    record(f"webhook, {variant}, {mode}", report)
    assert report.violations == []
    assert report.points >= LEAST[variant] * (1 if mode == "kill" else 0.8)


def test_nothing_is_lost_or_doubled_when_the_recovery_breaks_too(workshop, record):
    dice = random.Random(1)  # noqa: S311

    report = crash_everywhere(workshop, VARIANTS["two receivers"], second=lambda at: dice.randint(1, 40))

    record("webhook, two receivers, kill and kill again", report)
    assert report.violations == []


@pytest.mark.parametrize("mutant", sorted(OF_WEBHOOKS))
def test_the_harness_sees_what_is_wrong_in(workshop, record, mutant):
    report = crash_everywhere(workshop, VARIANTS["two receivers"], mutant=mutant)

    record(f"mutant {mutant}, kill", report)
    assert report.violations != []


def test_a_crash_while_the_return_page_asks_leaves_the_rest_to_the_webhook(workshop, record):
    report = Report()
    receivers = VARIANTS["two receivers"]
    places = workshop.do("prepare", count=60, opened=True)
    for at, place in enumerate(places, start=1):
        event = workshop.pay(place["checkout"])
        struck, _result = strike(workshop.do, "sync", session=place["session"], at=at, receivers=receivers)
        report.violations += settle_and_check(workshop, event, place, [], receivers=receivers)
        if not struck:
            break
        report.points = at

    record("return page, two receivers, kill", report)
    assert report.violations == []
    assert 35 <= report.points < len(places)
