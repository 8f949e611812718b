"""A process dies, or the way to Stripe does, at every point of opening and replacing a checkout."""

from __future__ import annotations

import pytest

from tests.crash.workshop import PRICE, Report, strike

pytestmark = pytest.mark.crash

HIGHER_PRICE = 20_00


def crash_everywhere(workshop, *, price, mode, **preparation):
    report = Report()
    places = iter(())
    while True:
        place = next(places, None)
        if place is None:
            places = iter(workshop.do("prepare", count=20, **preparation))
            place = next(places)
        at = report.points + 1
        struck, first = strike(workshop.do, "start", booking=place["booking"], price=price, at=at, mode=mode)
        again = workshop.do("start", booking=place["booking"], price=price)
        wrong = violations(workshop, place, again)
        if "session" in first and first["session"] != again["session"]:
            wrong.append("the same call returned another session")
        report.violations += [f"{mode} at {at}: {each}" for each in wrong]
        if not struck:
            report.names = first["points"]
            return report
        report.points = at


def violations(workshop, place, again):
    """Return what is not as it must be after the same call was made again."""
    sessions = workshop.do("look", booking=place["booking"])["sessions"]
    holders = [session for session in sessions if session["holds"]]
    at_stripe = workshop.open_checkouts(place["booking"])
    wrong = []
    if "session" not in again or [session["id"] for session in holders] != [again["session"]]:
        wrong.append(f"{again} does not hold the slot: {sessions}")
    if at_stripe != [again.get("checkout")]:
        wrong.append(f"{at_stripe} can be paid, not {again}")
    if len(sessions) != (2 if place["session"] else 1):
        wrong.append(f"there are {len(sessions)} sessions")
    if not all(session["coherent"] for session in sessions):
        wrong.append(f"the sessions are {sessions}")
    return wrong


@pytest.mark.parametrize("mode", ["kill", "raise"])
def test_a_guest_gets_one_checkout_wherever_opening_it_breaks(workshop, record, mode):
    report = crash_everywhere(workshop, price=PRICE, mode=mode, opened=False)

    record(f"checkout of a guest, {mode}", report)
    assert report.violations == []
    assert {"before Stripe", "after Stripe"} <= set(report.names)
    assert report.points >= (17 if mode == "kill" else 12)


@pytest.mark.parametrize("mode", ["kill", "raise"])
def test_a_user_gets_one_checkout_and_one_customer_wherever_opening_it_breaks(workshop, record, mode):
    def customers():
        return len(workshop.sandbox.state.tables.get("customer", {}))

    before = customers()

    report = crash_everywhere(workshop, price=PRICE, mode=mode, opened=False, owned=True)

    record(f"checkout of a user, {mode}", report)
    assert report.violations == []
    assert customers() - before == report.points + 1
    assert report.names.count("before Stripe") == 2
    assert report.points >= (25 if mode == "kill" else 20)


@pytest.mark.parametrize("mode", ["kill", "raise"])
def test_a_new_price_replaces_the_checkout_wherever_that_breaks(workshop, record, mode):
    report = crash_everywhere(workshop, price=HIGHER_PRICE, mode=mode, opened=True)

    record(f"checkout at another price, {mode}", report)
    assert report.violations == []
    assert report.names.count("before Stripe") == 2
    assert report.points >= (35 if mode == "kill" else 26)
