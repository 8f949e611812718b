"""What somebody who was given a checkout can show for it, without an account."""

from __future__ import annotations

from django.core.signing import BadSignature, Signer

from django_generic_payments.models import PaymentSession

__all__ = ["is_token_of", "token_of"]

# The id alone proves nothing: it is in webhooks, logs and the admin.
_SALT = "generic_payments.pay_link"


def token_of(session: PaymentSession) -> str:
    """Return the token of a pay link: whoever holds it may ask what became of the payment."""
    return Signer(salt=_SALT).signature(str(session.pk))


def is_token_of(session: PaymentSession, token: str) -> bool:
    """Tell whether this is the token of the session; one made with a key in ``SECRET_KEY_FALLBACKS`` still is."""
    signer = Signer(salt=_SALT)
    try:
        signer.unsign(f"{session.pk}{signer.sep}{token}")
    except BadSignature:
        return False
    return True
