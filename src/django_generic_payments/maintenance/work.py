"""
Doing what was left undone: the worker that ``payments_work`` runs.

Any number of workers may run at the same time, and none has to: without one, everything waits for the next webhook of
the same payment. Each kind of work is a ``Chore``; an app that has work of its own adds one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, TypeVar

from django.db import close_old_connections
from django.utils import timezone

from django_generic_payments.models import PaymentEvent, PaymentSession, Refund, WebhookEvent
from django_generic_payments.services.announcements import receivers_of
from django_generic_payments.services.delivery import deliver
from django_generic_payments.services.opening import finish_opening
from django_generic_payments.services.refunds import resume_refund
from django_generic_payments.webhooks.inbox import receive_again

__all__ = ["Chore", "Report", "add_chore", "work_off", "work_until"]

logger = logging.getLogger("django_generic_payments")

_Row = TypeVar("_Row")


@dataclass(frozen=True)
class Chore(Generic[_Row]):
    """
    One kind of work.

    ``take`` takes over the row that is due, so that it is nobody else's for a while, and returns ``None`` when there
    is none. ``work`` deals with it, outside of any transaction, and returns whether that is done; a row that is not is
    due again later.
    """

    name: str
    take: Callable[[], _Row | None]
    work: Callable[[_Row], bool]


@dataclass
class Report:
    """How many rows of a chore were dealt with, and how many are to be tried again."""

    name: str
    done: int = 0
    failed: int = 0


_chores: dict[str, Chore[Any]] = {}


def add_chore(chore: Chore[Any]) -> None:
    """Let workers do another kind of work too; one of the same name is replaced."""
    _chores[chore.name] = chore


def work_off(stopped: Callable[[], bool] = lambda: False) -> list[Report]:
    """
    Do all that is due, and return what that was, without the chores that had nothing.

    ``stopped`` is asked before each row.
    """
    reports = {name: Report(name) for name in _chores}
    busy, errors = list(_chores.values()), []
    # In turn, so that a receiver of callbacks that takes its time keeps no refund waiting.
    while busy:
        for chore in tuple(busy):
            try:
                had_one = not stopped() and _do_one(chore, reports[chore.name])
            except Exception as error:
                # What keeps one kind of work from being looked for need not keep the others.
                had_one = False
                errors.append(error)
            if not had_one:
                busy.remove(chore)
    if errors:
        raise errors[0]
    return [each for each in reports.values() if each.done or each.failed]


def work_until(
    stopped: Callable[[], bool], wait: Callable[[], object], tell: Callable[[list[Report]], None]
) -> None:
    """Work off what is due, ``tell`` what it was and ``wait``, again and again until ``stopped``; survives outages."""
    while not stopped():
        # A connection that the server closed meanwhile is opened anew.
        close_old_connections()
        try:
            if reports := work_off(stopped):
                tell(reports)
        except Exception as error:
            # Without the database nothing is lost: what is due stays due.
            logger.exception("The worker could not look for work: %s.", type(error).__name__)
        if not stopped():
            wait()
    close_old_connections()


def _do_one(chore: Chore[Any], report: Report) -> bool:
    """Deal with the row that is due, and return whether there was one."""
    row = chore.take()
    if row is None:
        return False
    if _is_done(chore, row):
        report.done += 1
    else:
        report.failed += 1
    return True


def _is_done(chore: Chore[Any], row: Any) -> bool:
    try:
        return chore.work(row)
    except Exception as error:
        # The message could quote what Stripe or the database said, with the payer's name in it.
        logger.error(
            "%s %s could not be worked on, and is tried again later: %s.",
            type(row).__name__,
            row.pk,
            type(error).__name__,
        )
        return False


def _tell(event: PaymentEvent) -> bool:
    unknown = set(event.owed_receivers) - set(receivers_of(event.kind, event.session))
    if unknown and timezone.now() - event.created < _RELEASE:
        logger.warning(
            "%s of session %s is owed to %s, which this worker does not know. Is it of an older release?",
            event.kind,
            event.session_id,
            ", ".join(sorted(unknown)),
        )
        return False
    return deliver([event])


# A worker of an older release does not know the newest receivers. What is owed to nobody is closed later.
_RELEASE = timedelta(days=1)


add_chore(Chore("events of Stripe", WebhookEvent.objects.take_due, receive_again))
add_chore(Chore("payment events", PaymentEvent.objects.take_due, _tell))
add_chore(Chore("refunds", Refund.objects.take_due, resume_refund))
add_chore(Chore("checkouts", PaymentSession.objects.take_due, finish_opening))
