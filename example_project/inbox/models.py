"""What another service told us, so that nothing is acted upon twice. Nothing in this app knows of payments."""

from __future__ import annotations

from django.db import models


class ReceivedWebhook(models.Model):
    """A webhook that was acted upon. The sender repeats it under the same id until it hears that we have it."""

    webhook_id = models.CharField(max_length=255, unique=True)
    type = models.CharField(max_length=100)
    received_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.type} {self.webhook_id}"
