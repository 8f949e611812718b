"""
When something that failed is tried again, and by whom: any number of workers, none of which waits for another.

A row that waits has a time at which it is due. To take a row over is to move that time on, before anything is done: if
the worker dies over it, the row is due again, and nobody has to find out that somebody died.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from django.db import connections, models, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = [
    "FIRST_PAUSE",
    "UNDER_WAY",
    "Retried",
    "RetriedQuerySet",
    "after_failure",
    "due_index",
    "is_exhausted",
    "pause_after",
]

#: For whoever began with a row to finish it before a worker looks at it.
FIRST_PAUSE = timedelta(minutes=1)

#: How long a call to Stripe may take, with its retries: what is older and has no answer is of a process that is gone.
UNDER_WAY = timedelta(minutes=2)

_PAUSES = (
    FIRST_PAUSE,
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
    timedelta(days=1),
)
_DAILY_FOR = timedelta(weeks=1)
# The first one, one after each of the shorter pauses, and one on each day of the week.
_ATTEMPTS = len(_PAUSES) + _DAILY_FOR.days


class Retried(models.Model):
    """A row that is tried again until it is done with. Its ``created`` comes from another base."""

    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    next_attempt_at = models.DateTimeField(_("next attempt at"), null=True, blank=True)
    last_error = models.TextField(_("last error"), blank=True)

    created: datetime

    class Meta:
        abstract = True


_Row = TypeVar("_Row", bound=Retried)


def due_index(name: str) -> models.Index:
    """Return an index of the few rows that wait, for a table most of whose rows do not."""
    return models.Index(fields=["next_attempt_at"], condition=Q(next_attempt_at__isnull=False), name=name)


def pause_after(attempts: int) -> timedelta:
    """Return how long to wait after so many attempts: a minute, longer and longer, and at last a day."""
    return _PAUSES[min(max(attempts, 1), len(_PAUSES)) - 1]


def is_exhausted(attempts: int, since: datetime) -> bool:
    """
    Tell whether enough was tried for long enough.

    Neither alone is: Stripe's own redeliveries are attempts too, and a worker may have been switched off for a week.
    """
    return attempts >= _ATTEMPTS and timezone.now() - since >= _DAILY_FOR


def after_failure(row: Retried, error: str, *, dead: str) -> dict[str, Any]:
    """
    Return what to store of a row that was tried in vain; ``dead`` is its state when it is given up.

    ``row`` is as it was read before the attempt, so that one that a worker counted already is not counted twice.
    """
    attempts = row.attempts + 1
    changes: dict[str, Any] = {"attempts": attempts, "last_error": error}
    if is_exhausted(attempts, row.created):
        return {**changes, "state": dead, "next_attempt_at": None}
    return {**changes, "next_attempt_at": timezone.now() + pause_after(attempts)}


class RetriedQuerySet(QuerySet[_Row]):
    """Rows that are tried again."""

    def due(self) -> Self:
        """Return what is to be tried now."""
        return self.filter(next_attempt_at__lte=timezone.now())

    def begin_again(self, **changes: Any) -> int:
        """
        Let the rows be tried as if for the first time, and return how many those are.

        By the caller first, unless ``next_attempt_at`` says otherwise.
        """
        first = {"attempts": 0, "next_attempt_at": timezone.now() + FIRST_PAUSE}
        return self.update(**{**first, **changes})

    def take_due(self) -> _Row | None:
        """
        Take over the row that has been due for longest, and return it as it was before; ``None`` if none is.

        What somebody else holds at this moment is passed over.
        """
        features = connections[self.db].features
        if not features.has_select_for_update:
            return self._take(self.due().order_by("next_attempt_at").first())
        with transaction.atomic(using=self.db, durable=True):
            locked = self.due().select_for_update(
                skip_locked=features.has_select_for_update_skip_locked,
                of=("self",) if features.has_select_for_update_of else (),
                no_key=features.has_select_for_no_key_update,
            )
            return self._take(locked.order_by("next_attempt_at").first())

    def _take(self, row: _Row | None) -> _Row | None:
        if row is None:
            return None
        seen = {name: getattr(row, name) for name in ("attempts", "next_attempt_at")}
        # Conditional, for databases that do not lock rows.
        taken = self.filter(pk=row.pk, **seen).update(
            attempts=F("attempts") + 1, next_attempt_at=timezone.now() + pause_after(seen["attempts"] + 1)
        )
        return row if taken else None
