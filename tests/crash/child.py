"""
A process that does jobs: it reads one line of JSON for each, and writes one.

Started as ``mortal`` it forks another for each job, which can be killed. It then never opens a connection itself, to
the database or to Stripe, so that it shares nothing with the one that dies. Started as ``survivor`` it does the jobs
itself, which is faster.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Any

import django
import stripe as sdk

django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import OperationalError, connection  # noqa: E402
from django.db.models import Q  # noqa: E402
from django.utils import timezone  # noqa: E402

from django_generic_payments.exceptions import GenericPaymentsError  # noqa: E402
from django_generic_payments.gateway import get_gateway  # noqa: E402
from django_generic_payments.maintenance.work import work_off  # noqa: E402
from django_generic_payments.models import (  # noqa: E402
    PaymentEvent,
    PaymentSession,
    Refund,
    Transaction,
    WebhookEvent,
)
from django_generic_payments.money import Money  # noqa: E402
from django_generic_payments.services import refunds, start_checkout, sync_session  # noqa: E402
from django_generic_payments.services.announcements import SIGNALS  # noqa: E402
from django_generic_payments.signals import (  # noqa: E402
    PaymentSignal,
    payment_duplicated,
    payment_refunded,
    payment_succeeded,
)
from django_generic_payments.testing import PaymentsSandbox, override_payments  # noqa: E402
from tests.crash.faults import Faults  # noqa: E402
from tests.crash.mutants import MUTANTS  # noqa: E402
from tests.shop.models import Booking, Heard  # noqa: E402
from tests.shop.receivers import confirm_booking  # noqa: E402

MEMORY = Path(os.environ["CRASH_MEMORY"])


def create_database() -> None:
    if connection.vendor == "postgresql":
        with connection._nodb_cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {connection.ops.quote_name(connection.settings_dict['NAME'])}")
    call_command("migrate", verbosity=0)


def drop_database() -> None:
    if connection.vendor == "postgresql":
        name = connection.ops.quote_name(connection.settings_dict["NAME"])
        with connection._nodb_cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def prepare(count: int, *, opened: bool, owned: bool = False) -> list[dict[str, Any]]:
    """Make bookings, each with an open checkout or without one."""
    prepared = []
    for _ in range(count):
        user = None
        if owned:
            user = get_user_model().objects.create(username=f"user{get_user_model().objects.count()}")
        booking = Booking.objects.create(owner=user)
        session = start_checkout(booking) if opened else None
        prepared.append(
            {
                "booking": booking.pk,
                "session": session and str(session.pk),
                "checkout": session and session.stripe_checkout_session_id,
            }
        )
    return prepared


def webhook(
    body: str,
    headers: dict[str, str],
    receivers: list[str],
    at: int = 0,
    mode: str = "kill",
    mutant: str = "",
    settings: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Take a delivery, with a fault at one point."""
    faults = Faults(at, mode)
    with MUTANTS[mutant](), override_payments(**settings or {}):
        with _connected(receivers, faults), faults.laid():
            status = PaymentsSandbox(None).post(body.encode(), headers)
            faults.reach("before the answer", None)
        unsent = _unsent_behind(status)
    return {"status": status, "points": faults.points, "struck": faults.struck, "unsent": unsent}


def settle(
    body: str,
    headers: dict[str, str],
    receivers: list[str],
    booking: int,
    times: int,
    mutant: str = "",
    settings: dict[str, Any] | None = None,
    later: Sequence[tuple[str, dict[str, str]]] = (),
) -> dict[str, Any]:
    """Take deliveries until one is acknowledged, and others after it, and count what there is then."""
    statuses: list[int] = []
    unsent = 0
    with MUTANTS[mutant](), override_payments(**settings or {}), _connected(receivers):
        while len(statuses) < times and 200 not in statuses:
            statuses.append(PaymentsSandbox(None).post(body.encode(), headers))
            unsent += _unsent_behind(statuses[-1])
        afterwards = [PaymentsSandbox(None).post(body.encode(), headers) for body, headers in later]
    return {"statuses": statuses, "afterwards": afterwards, "unsent": unsent, **look(booking)}


def _unsent_behind(status: int) -> int:
    """Count the refunds that an acknowledgement has left unsent."""
    return Refund.objects.requested().count() if status == 200 else 0


def refund(
    session: str,
    amount: int,
    key: str,
    receivers: list[str],
    at: int = 0,
    mode: str = "kill",
    mutant: str = "",
) -> dict[str, Any]:
    """Send money back as a person does, with a fault at one point."""
    faults = Faults(at, mode)
    known = PaymentSession.objects.get(pk=session)
    with MUTANTS[mutant](), _connected(receivers, faults), faults.laid():
        try:
            made = refunds.refund_payment(known, Money(amount, known.currency), idempotency_key=key)
            result = {"refund": str(made.pk), "status": made.status}
        except (GenericPaymentsError, OperationalError) as error:
            result = {"error": type(error).__name__}
        faults.reach("before the answer", None)
    return {**result, "points": faults.points, "struck": faults.struck}


def sync(session: str, receivers: list[str], at: int = 0, mode: str = "kill") -> dict[str, Any]:
    """Ask Stripe what became of a session, with a fault at one point."""
    faults = Faults(at, mode)
    known = PaymentSession.objects.get(pk=session)
    result: dict[str, Any] = {}
    with _connected(receivers, faults), faults.laid():
        try:
            sync_session(known)
        except (GenericPaymentsError, OperationalError) as error:
            result["error"] = type(error).__name__
        faults.reach("before the answer", None)
    return {**result, "points": faults.points, "struck": faults.struck}


def leave_owed(body: str, headers: dict[str, str], receivers: list[str]) -> dict[str, Any]:
    """Take a delivery while none of the receivers can be told."""
    with _connected(receivers, Unable()):
        return {"status": PaymentsSandbox(None).post(body.encode(), headers)}


class Unable:
    """In the place of faults: every receiver fails."""

    def receiver(self, receiver: Callable[..., Any]) -> Callable[..., Any]:
        def fails(**kwargs: Any) -> None:
            raise RuntimeError("The receiver fails.")

        return fails


def work(
    booking: int, receivers: list[str], at: int = 0, mode: str = "kill", mutant: str = ""
) -> dict[str, Any]:
    """Let a worker do what waits for a booking, with a fault at one point."""
    faults = Faults(at, mode)
    _make_due(booking)
    done: list[str] = []
    with MUTANTS[mutant](), _connected(receivers, faults), faults.laid():
        try:
            done = [report.name for report in work_off() if report.done]
        except OperationalError as error:
            done = [type(error).__name__]
        faults.reach("before the end", None)
    return {"done": done, "points": faults.points, "struck": faults.struck}


def _make_due(booking: int) -> None:
    """Let what waits for a booking be due, and nothing else, whatever other tests have left."""
    sessions = PaymentSession.objects.for_payable(Booking.objects.get(pk=booking))
    for rows, mine in (
        (WebhookEvent.objects, _about(sessions)),
        (PaymentEvent.objects, Q(session__in=sessions)),
        (Refund.objects, Q(session__in=sessions)),
        (PaymentSession.objects, Q(pk__in=sessions.values("pk"))),
    ):
        waiting = rows.exclude(next_attempt_at=None)
        waiting.update(next_attempt_at=timezone.now() + timedelta(days=1))
        waiting.filter(mine).update(next_attempt_at=timezone.now())


def _about(sessions: Iterable[PaymentSession]) -> Q:
    """Return how events are found that name these sessions."""
    return reduce(or_, [Q(body__contains=str(each.pk)) for each in sessions], Q(pk__in=[]))


def start(booking: int, price: int, at: int = 0, mode: str = "kill") -> dict[str, Any]:
    """Start a checkout, with a fault at one point."""
    faults = Faults(at, mode)
    payable = Booking.objects.select_related("owner").get(pk=booking)
    payable.deposit = price
    with faults.laid():
        try:
            session = start_checkout(payable, user=payable.owner)
            result = {"session": str(session.pk), "checkout": session.stripe_checkout_session_id}
        except (GenericPaymentsError, OperationalError) as error:
            result = {"error": type(error).__name__}
        faults.reach("before the answer", None)
    return {**result, "points": faults.points, "struck": faults.struck}


def look(booking: int) -> dict[str, Any]:
    """Count everything that there may be one of."""
    payable = Booking.objects.get(pk=booking)
    sessions = PaymentSession.objects.for_payable(payable).order_by("created")
    ledger = Transaction.objects.filter(session__in=sessions)
    told = Counter(Heard.objects.filter(payable_id=str(booking)).values_list("receiver", flat=True))
    told["confirm"] += payable.confirmed
    return {
        "payments": list(ledger.payments().values_list("gross", flat=True)),
        "sent back": list(ledger.filter(kind="refund").values_list("gross", flat=True)),
        "refunds": list(Refund.objects.filter(session__in=sessions).values_list("status", "amount")),
        "events": PaymentEvent.objects.filter(session__in=sessions, kind="payment_succeeded").count(),
        "owed": PaymentEvent.objects.owed().filter(session__in=sessions).count(),
        "told": dict(+told),
        "failed": WebhookEvent.objects.filter(_about(sessions), state="failed").count(),
        "sessions": [
            {
                "id": str(each.pk),
                "status": each.status,
                "coherent": each.status == each.derived_status,
                "holds": each.slot is not None,
                "checkout": each.stripe_checkout_session_id,
            }
            for each in sessions
        ],
    }


@contextmanager
def _connected(names: list[str], faults: Faults | Unable | None = None) -> Iterator[None]:
    """Let these receivers hear of payments, with points around each of them."""
    for name in names:
        signal, receiver = RECEIVERS[name]
        receiver = faults.receiver(receiver) if faults else receiver
        signal.connect(receiver, sender=Booking, weak=False, dispatch_uid=name)
    try:
        yield
    finally:
        for name in names:
            RECEIVERS[name][0].disconnect(sender=Booking, dispatch_uid=name)


def _writes_down(name: str) -> Callable[..., Any]:
    def receiver(payable: Booking, event: PaymentEvent, **kwargs: Any) -> None:
        Heard.objects.create(
            receiver=name,
            kind=event.kind,
            event_id=event.pk,
            payable_type="booking",
            payable_id=str(payable.pk),
            had_payable=True,
        )

    return receiver


def _stumbles(payable: Booking, **kwargs: Any) -> None:
    _writes_down("stumbles")(payable=payable, **kwargs)
    # A file, because what is written to the database goes with the failure.
    stumbled = MEMORY / f"stumbled-{payable.pk}"
    if not stumbled.exists():
        stumbled.touch()
        raise RuntimeError("The receiver fails the first time.")


def _broken(payable: Booking, **kwargs: Any) -> None:
    _writes_down("broken")(payable=payable, **kwargs)
    raise RuntimeError("The receiver fails every time.")


def _refunds(payable: Booking, session: PaymentSession, **kwargs: Any) -> None:
    _writes_down("refunds")(payable=payable, **kwargs)
    refunds.refund_payment(session)


RECEIVERS: dict[str, tuple[PaymentSignal, Callable[..., Any]]] = {
    "confirm": (payment_succeeded, confirm_booking),
    "writes_down": (payment_succeeded, _writes_down("writes_down")),
    "stumbles": (payment_succeeded, _stumbles),
    "broken": (payment_succeeded, _broken),
    "refunds": (payment_succeeded, _refunds),
    "hears of the duplicate": (payment_duplicated, _writes_down("hears of the duplicate")),
    "hears of the refund": (payment_refunded, _writes_down("hears of the refund")),
    "hears of it too": (payment_refunded, _writes_down("hears of it too")),
}
JOBS: dict[str, Callable[..., Any]] = {
    each.__name__: each for each in (prepare, webhook, settle, refund, sync, leave_owed, work, start, look)
}


def run(name: str, job: dict[str, Any]) -> dict[str, Any]:
    """Return ``{"result": …}`` or ``{"broken": traceback}``."""
    try:
        return {"result": JOBS[name](**job)}
    except BaseException:
        return {"broken": traceback.format_exc()}
    finally:
        # What was raised in it may have left it in a state that no connection comes back from.
        if job.get("at"):
            connection.close()


def run_in_a_fork(name: str, job: dict[str, Any]) -> dict[str, Any]:
    """Return what ``run`` returns, or ``{"killed": true}``."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        gc.disable()
        answer = run(name, job)
        with os.fdopen(writing, "w") as pipe:
            json.dump(answer, pipe)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        written = pipe.read()
    _pid, status = os.waitpid(pid, 0)
    return {"killed": True} if os.WIFSIGNALED(status) else json.loads(written)


def warm_up() -> None:
    """Do once what every fork would do again, and that needs no connection."""
    PaymentsSandbox(None).post(b"{}", {})
    connection.get_connection_params()
    get_gateway()
    gc.collect()
    gc.freeze()


def main(do: Callable[[str, dict[str, Any]], dict[str, Any]]) -> None:
    sdk.enable_telemetry = False  # it would write a file in the home directory
    payment_succeeded.disconnect(sender=Booking, dispatch_uid="shop.confirm")
    for name, signal in SIGNALS.items():
        signal.disconnect(dispatch_uid=f"shop.write_down.{name}")
    warm_up()
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever others print is not taken for an answer
    for line in sys.stdin:
        job = json.loads(line)
        print(json.dumps(do(job.pop("name"), job)), file=answers, flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "mortal":
        main(run_in_a_fork)
    else:
        create_database()
        try:
            main(run)
        finally:
            connection.close()
            drop_database()
