"""The ``GENERIC_PAYMENTS`` setting as a typed, frozen object."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings as django_settings

from django_generic_payments.exceptions import ConfigurationError

__all__ = ["SETTING", "STRIPE_API_BASE", "Settings", "get_settings"]

SETTING = "GENERIC_PAYMENTS"
STRIPE_API_BASE = "https://api.stripe.com"
#: MySQL can keep no longer ones unique.
MAX_CALLBACK_URL = 500


@dataclass(frozen=True)
class Settings:
    """What a project may set. The names contain KEY and SECRET so that Django's error page hides the values."""

    #: Switch payments off: ``payment_required`` is then false and nothing can be started.
    ENABLED: bool = True
    #: ``sk_…`` or a restricted ``rk_…`` key.
    STRIPE_SECRET_KEY: str = field(default="", repr=False)
    #: ``whsec_…``, or a list of them while one replaces another.
    STRIPE_WEBHOOK_SECRET: str | Sequence[str] = field(default="", repr=False)
    #: Where the API lives; another address only for a sandbox.
    STRIPE_API_BASE: str = STRIPE_API_BASE
    #: The price that is taken of those that ``get_payment_prices`` offers, when a caller names no currency.
    DEFAULT_CURRENCY: str = ""
    #: Where payers reach this site, such as ``https://example.com``. The first of ``ALLOWED_HOSTS`` if blank.
    BASE_URL: str = ""
    #: Hosts, beside our own, that ``success_url`` and ``cancel_url`` may lead to.
    ALLOWED_REDIRECT_HOSTS: Sequence[str] = ()
    #: Marks our objects at Stripe. Give each project its own when several share one Stripe account.
    APP_NAME: str = "default"
    #: What becomes of money that is paid twice: ``"review"`` keeps it for a person, ``"refund"`` sends it back.
    DUPLICATES: str = "review"
    #: Seconds by which the time of a webhook's signature may differ from ours.
    WEBHOOK_TOLERANCE: int = 300
    #: Other services that every payment event is also sent to, by ``contrib.callbacks``.
    CALLBACK_URLS: Sequence[str] = field(default=(), repr=False)
    #: ``whsec_…`` that callbacks are signed with: one, several while one replaces another, or a mapping by URL.
    CALLBACK_SECRETS: str | Sequence[str] | Mapping[str, str | Sequence[str]] = field(default="", repr=False)
    #: Let callbacks go to private addresses and over plain http, as on a machine of one's own.
    CALLBACK_ALLOW_PRIVATE: bool = False

    @property
    def livemode(self) -> bool:
        """Whether the secret key moves real money."""
        return self.STRIPE_SECRET_KEY.startswith(("sk_live_", "rk_live_"))

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        """The secrets that can be used to verify with: never a blank one, which anybody could sign with."""
        return tuple(
            secret for secret in self.configured_secrets if secret.startswith("whsec_") and len(secret) > 6
        )

    @property
    def configured_secrets(self) -> tuple[str, ...]:
        """The webhook secrets as they were set, good or bad."""
        return _texts(self.STRIPE_WEBHOOK_SECRET)

    @property
    def callback_urls(self) -> tuple[str, ...]:
        """Where payment events are also sent, each address once."""
        return tuple(dict.fromkeys(url for url in _texts(self.CALLBACK_URLS) if url.strip()))

    def callback_secrets(self, url: str) -> tuple[str, ...]:
        """Return the secrets that can be used to sign what goes to this URL: never one that could be guessed."""
        return tuple(filter(is_signing_secret, self.configured_callback_secrets(url)))

    def configured_callback_secrets(self, url: str) -> tuple[str, ...]:
        """Return the secrets for this URL as they were set, good or bad."""
        value = self.CALLBACK_SECRETS
        return _texts(value.get(url) if isinstance(value, Mapping) else value)

    @property
    def base_url(self) -> str:
        """
        Where payers reach this site, without a trailing slash.

        Stripe sends payers back to absolute addresses, and the Host header of a request is not ours to trust.
        Raises ``ConfigurationError`` when it can neither be read nor derived.
        """
        if self.BASE_URL:
            return self.BASE_URL.rstrip("/")
        named = [host for host in django_settings.ALLOWED_HOSTS if host and host[0] not in "*."]
        if named and not django_settings.DEBUG:
            return f"https://{named[0]}"
        if django_settings.DEBUG:
            return "http://127.0.0.1:8000"
        raise ConfigurationError(
            f"The address of this site is not known. Set {SETTING}['BASE_URL'], such as 'https://example.com'."
        )


# Built on each call: it takes a few microseconds, and a cache would go stale when a test deletes the setting,
# which sends no setting_changed signal.
def get_settings() -> Settings:
    """Return the settings as they are now. Raises ``ConfigurationError`` for names that do not exist."""
    configured = configured_settings()
    if unknown := unknown_names(configured):
        raise ConfigurationError(f"{SETTING} has unknown names: {', '.join(unknown)}.")
    return Settings(**configured)


def configured_settings() -> Mapping[str, Any]:
    """Return the dict of the project. Raises ``ConfigurationError`` when it is none."""
    configured = getattr(django_settings, SETTING, {})
    if not isinstance(configured, Mapping):
        raise ConfigurationError(f"{SETTING} must be a dict, not {type(configured).__name__}.")
    return configured


def setting_names() -> list[str]:
    """Return the names of all settings."""
    return [each.name for each in dataclasses.fields(Settings)]


def unknown_names(configured: Mapping[str, Any]) -> dict[str, str | None]:
    """Return each name that does not exist, with the one that was probably meant."""
    known = setting_names()
    return {
        str(name): next(iter(difflib.get_close_matches(str(name).upper(), known, n=1, cutoff=0.6)), None)
        for name in configured
        if name not in known
    }


def is_signing_secret(text: str) -> bool:
    """Tell whether a text is ``whsec_`` and 24 to 64 bytes in base64, as Standard Webhooks asks for."""
    prefix, encoded = text[:6], text[6:]
    try:
        key = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return False
    return prefix == "whsec_" and 24 <= len(key) <= 64


def callback_url_fault(url: str, *, allow_private: bool) -> str:
    """Return why callbacks may not go to this URL, without quoting it; blank if they may."""
    if not shown_url(url):
        return f"is not an address of at most {MAX_CALLBACK_URL} characters, in ASCII and without blanks"
    address = urlsplit(url)
    if "@" in address.netloc:
        return "holds a user name or a password"
    if address.scheme == "http" and not allow_private:
        return "is not https"
    return ""


def shown_url(url: str) -> str:
    """Return what may be seen of a URL: not its query, which may hold a token; blank if it is no URL for callbacks."""
    # What is no URL may be a secret that was put in the wrong place.
    if not re.fullmatch(rf"https?://[!-~]{{1,{MAX_CALLBACK_URL}}}", url) or len(url) > MAX_CALLBACK_URL:
        return ""
    try:
        address = urlsplit(url)
        host, port = address.hostname, address.port
    except ValueError:
        return ""
    if not host or port == 0:
        return ""
    name = f"[{host}]" if ":" in host else host
    return f"{address.scheme}://{name}{f':{port}' if port else ''}{address.path}"


def _texts(value: object) -> tuple[str, ...]:
    # An environment variable that is not set gives None: no value, and not an error of its own.
    texts: Iterable[object] = [value] if isinstance(value, str) else value or ()  # type: ignore[assignment]
    return tuple(each for each in texts if isinstance(each, str))
