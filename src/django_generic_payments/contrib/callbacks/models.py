"""The table of callbacks: what is still to be sent, and what became of what was."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from django_generic_payments.conf import shown_url
from django_generic_payments.enums import DeliveryState
from django_generic_payments.managers import InsertOnceQuerySet
from django_generic_payments.models import PaymentEvent, UUIDModel
from django_generic_payments.retries import Retried, RetriedQuerySet, due_index

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from typing_extensions import Self

__all__ = ["Callback", "CallbackQuerySet"]


class CallbackQuerySet(RetriedQuerySet["Callback"], InsertOnceQuerySet["Callback"]):  # type: ignore[override]
    """Callbacks."""

    def due(self) -> Self:
        """Return what is to be sent now."""
        return super().due().filter(state=DeliveryState.OWED)

    def held(self, callback: Callback) -> Self:
        """
        Return the row if whoever took it over still has it.

        ``callback`` is as it was read before that: nobody took it once more, and nobody replayed it, since.
        """
        return self.filter(pk=callback.pk, state=DeliveryState.OWED, attempts=callback.attempts + 1)

    def given_up(self) -> Iterable[object]:
        """Return the keys of those that are not sent any more."""
        return self.filter(state=DeliveryState.DEAD).values_list("pk", flat=True)

    def put_off(self, url: str, until: datetime) -> int:
        """Let all that waits for one URL wait until then, without counting that as an attempt."""
        return self.due().filter(url=url).update(next_attempt_at=until)


class Callback(Retried, UUIDModel):
    """One payment event for one URL. Its body is what is sent, to the byte, however often that is."""

    event = models.ForeignKey(PaymentEvent, on_delete=models.PROTECT, related_name="+", db_index=False)
    url = models.CharField(_("URL"), max_length=500)
    body = models.TextField(_("body"))
    state = models.CharField(
        _("state"), max_length=16, choices=DeliveryState.choices, default=DeliveryState.OWED
    )
    response_status = models.PositiveSmallIntegerField(_("response status"), null=True, blank=True)
    delivered_at = models.DateTimeField(_("delivered at"), null=True, blank=True)

    objects: ClassVar[CallbackQuerySet] = CallbackQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        base_manager_name = "objects"
        verbose_name = _("callback")
        verbose_name_plural = _("callbacks")
        indexes = [due_index("generic_payments_callback_due")]
        constraints = [
            models.UniqueConstraint(fields=["event", "url"], name="generic_payments_callback_url"),
        ]

    def __str__(self) -> str:
        return f"{self.event_id} to {self.endpoint}"

    @property
    def endpoint(self) -> str:
        """The URL without what may be secret in it."""
        return shown_url(self.url) or "an unreadable address"
