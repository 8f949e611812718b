"""
System checks. An id means the same for ever; they neither touch the database nor the network.

Errors: E001 not a dict, E002 unknown name, E003 wrong type, E004 no secret key, E005 no webhook secret, E006 not a
webhook secret, E007 live key with DEBUG, E008 live mode without https, E009 not a secret key, E010 unknown address,
E011 not a callback URL, E012 no callback secret, E013 not a callback secret, E014 callbacks without their app.
Warnings: W001 test key in production, W002 SQLite in production, W003 payable without a success receiver,
W004 payable in another database, W005 not Stripe's address, W006 unknown currency, W007 receiver without a sender.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps import apps
from django.conf import settings as django_settings
from django.core import checks
from django.db import connections, router
from django.db.models import Model

from django_generic_payments import conf
from django_generic_payments.conf import SETTING, STRIPE_API_BASE, Settings
from django_generic_payments.exceptions import ConfigurationError
from django_generic_payments.money import CURRENCIES
from django_generic_payments.payables import registered_types
from django_generic_payments.services.announcements import SIGNALS
from django_generic_payments.signals import payment_succeeded
from django_generic_payments.transactions import database_alias

__all__ = ["CHECKS"]

Check = Callable[..., Iterable[checks.CheckMessage]]


def check_names(**_kwargs: Any) -> Iterator[checks.CheckMessage]:
    """The setting is a dict, and every name in it exists."""
    try:
        configured = conf.configured_settings()
    except ConfigurationError as error:
        yield checks.Error(str(error), id="generic_payments.E001")
        return
    for name, likely in conf.unknown_names(configured).items():
        hint = f"Did you mean {likely!r}?" if likely else f"The names are {', '.join(conf.setting_names())}."
        yield checks.Error(f"{SETTING} has no setting {name!r}.", hint=hint, id="generic_payments.E002")


def check_types(**_kwargs: Any) -> Iterator[checks.CheckMessage]:
    """Every value has the type that is read from it."""
    settings = _readable(check_value_types=False)
    if settings is None:
        return
    for name, expected in _wrong_types(settings):
        yield checks.Error(f"{SETTING}[{name!r}] must be {expected}.", id="generic_payments.E003")


def check_secret_key(**_kwargs: Any) -> Iterator[checks.CheckMessage]:
    """There is a secret key, and it does not move real money while DEBUG shows everybody what it does."""
    settings = _readable()
    if settings is None or not settings.ENABLED:
        return
    key = settings.STRIPE_SECRET_KEY
    if not key.strip():
        yield checks.Error(
            f"{SETTING}['STRIPE_SECRET_KEY'] is missing.",
            hint="Take it from https://dashboard.stripe.com/apikeys, or set ENABLED to False.",
            id="generic_payments.E004",
        )
    elif not key.startswith(("sk_test_", "sk_live_", "rk_test_", "rk_live_")) or key != key.strip():
        yield checks.Error(
            f"{SETTING}['STRIPE_SECRET_KEY'] is not a secret key.",
            hint="It starts with sk_ or rk_. A publishable key (pk_) cannot open a checkout.",
            id="generic_payments.E009",
        )
    if settings.livemode and django_settings.DEBUG:
        yield checks.Error(
            f"{SETTING}['STRIPE_SECRET_KEY'] is a live key while DEBUG is on.",
            hint="Use a test key (sk_test_…) for development.",
            id="generic_payments.E007",
        )


def check_webhook_secret(**_kwargs: Any) -> Iterator[checks.CheckMessage]:
    """There is a webhook secret that is one: with a blank one anybody could announce a payment."""
    settings = _readable()
    if settings is None:
        return
    configured = settings.configured_secrets
    if not any(secret.strip() for secret in configured):
        if settings.ENABLED:
            yield checks.Error(
                f"{SETTING}['STRIPE_WEBHOOK_SECRET'] is missing.",
                hint="Stripe shows it (whsec_…) when the endpoint is made. Until then every webhook is refused.",
                id="generic_payments.E005",
            )
        return
    if len(settings.webhook_secrets) != len(configured):
        yield checks.Error(
            f"{SETTING}['STRIPE_WEBHOOK_SECRET'] holds something that is not a webhook secret.",
            hint="A webhook secret starts with whsec_. It is neither the API key nor the id of the endpoint (we_…).",
            id="generic_payments.E006",
        )


def check_address(**_kwargs: Any) -> Iterator[checks.CheckMessage]:
    """Payers can be sent back to this site, and in live mode over https only."""
    settings = _readable()
    if settings is None or not settings.ENABLED:
        return
    try:
        address = urlsplit(settings.base_url)
    except ConfigurationError as error:
        yield checks.Error(str(error), id="generic_payments.E010")
        return
    if address.scheme not in {"http", "https"} or not address.netloc:
        yield checks.Error(
            f"{SETTING}['BASE_URL'] is not an address.",
            hint="Write it whole, such as 'https://example.com'.",
            id="generic_payments.E010",
        )
    elif settings.livemode and address.scheme != "https":
        yield checks.Error(
            f"{SETTING}['BASE_URL'] is not https, and the secret key moves real money.",
            hint=f"Use https://{address.netloc}.",
            id="generic_payments.E008",
        )


def check_currency(**_kwargs: Any) -> Iterator[checks.CheckMessage]:
    """The default currency is one that Stripe charges."""
    settings = _readable()
    if settings and settings.DEFAULT_CURRENCY and settings.DEFAULT_CURRENCY.lower() not in CURRENCIES:
        yield checks.Warning(
            f"{SETTING}['DEFAULT_CURRENCY'] is {settings.DEFAULT_CURRENCY!r}, which Stripe does not charge.",
            hint="Use a three-letter code such as 'gbp'.",
            id="generic_payments.W006",
        )


def check_api_base(**_kwargs: Any) -> Iterator[checks.CheckMessage]:
    """A site in production talks to Stripe, not to a sandbox."""
    settings = _readable()
    if settings and not django_settings.DEBUG and settings.STRIPE_API_BASE.rstrip("/") != STRIPE_API_BASE:
        yield checks.Warning(
            f"{SETTING}['STRIPE_API_BASE'] is not Stripe's address while DEBUG is off.",
            hint="Leave it out, unless this is a test of your own.",
            id="generic_payments.W005",
        )


def check_deployment(**_kwargs: Any) -> Iterator[checks.CheckMessage]:
    """With ``--deploy``: the key is a live one."""
    settings = _readable()
    if settings and settings.ENABLED and settings.STRIPE_SECRET_KEY.startswith(("sk_test_", "rk_test_")):
        yield checks.Warning(
            f"{SETTING}['STRIPE_SECRET_KEY'] is a test key: no money will move.",
            hint="Use a live key (sk_live_… or rk_live_…) in production.",
            id="generic_payments.W001",
        )


def check_database(**_kwargs: Any) -> Iterator[checks.CheckMessage]:
    """The database is one for production, and the payables are in it too."""
    alias = database_alias()
    if connections[alias].vendor == "sqlite" and not django_settings.DEBUG:
        yield checks.Warning(
            "Payments are stored in SQLite while DEBUG is off.",
            hint="Use PostgreSQL: SQLite has no row locks, so that busy moments end in refused webhooks.",
            id="generic_payments.W002",
        )
    for each in registered_types().values():
        if issubclass(each.cls, Model) and router.db_for_write(each.cls) != alias:
            yield checks.Warning(
                f"The payable {each.name!r} is in another database than its payments.",
                hint="Its receivers may be called more than once: make them idempotent by event.pk.",
                obj=each.cls,
                id="generic_payments.W004",
            )


def check_receivers(**_kwargs: Any) -> Iterator[checks.CheckMessage]:
    """Somebody hears when a payable is paid."""
    for each in registered_types().values():
        if not payment_succeeded.receivers_for(each.cls):
            yield checks.Warning(
                f"No receiver hears of a payment for {each.name!r}.",
                hint="Connect one to payment_succeeded in a module named receivers.py of an installed app.",
                obj=each.cls,
                id="generic_payments.W003",
            )


def check_senders(**_kwargs: Any) -> Iterator[checks.CheckMessage]:
    """Whoever asked for the payments of one class asked for a class that is paid for."""
    registered = {each.cls for each in registered_types().values()}
    for name, signal in SIGNALS.items():
        for sender in signal.senders() - registered:
            yield checks.Warning(
                f"A receiver of {name} is connected with sender={sender!r}, and will never be called.",
                hint="The sender is the class that was registered as a payable, not its proxy or child.",
                id="generic_payments.W007",
            )


def check_callback_urls(**_kwargs: Any) -> Iterator[checks.CheckMessage]:
    """Callbacks go over https to addresses that are some, and there is an app that sends them."""
    settings = _readable()
    if settings is None or not settings.CALLBACK_URLS:
        return
    for number, url in enumerate(settings.CALLBACK_URLS):
        if fault := conf.callback_url_fault(url, allow_private=settings.CALLBACK_ALLOW_PRIVATE):
            yield checks.Error(
                f"{SETTING}['CALLBACK_URLS'][{number}] {fault}.",
                hint="Write it whole, such as 'https://example.com/payments/'. For http on a machine of your own, set "
                "CALLBACK_ALLOW_PRIVATE.",
                id="generic_payments.E011",
            )
    if not apps.is_installed(_CALLBACKS):
        yield checks.Error(
            f"{SETTING}['CALLBACK_URLS'] is set, and nothing sends callbacks.",
            hint=f"Add {_CALLBACKS!r} to INSTALLED_APPS.",
            id="generic_payments.E014",
        )


def check_callback_secrets(**_kwargs: Any) -> Iterator[checks.CheckMessage]:
    """Each callback is signed: without a signature anybody could tell the receiver of a payment."""
    settings = _readable()
    if settings is None:
        return
    for url in settings.callback_urls:
        configured = settings.configured_callback_secrets(url)
        receiver = conf.shown_url(url) or "one of CALLBACK_URLS"
        if not any(secret.strip() for secret in configured):
            yield checks.Error(
                f"{SETTING}['CALLBACK_SECRETS'] has no secret for {receiver}.",
                hint=_HOW_TO_MAKE_ONE,
                id="generic_payments.E012",
            )
        elif len(settings.callback_secrets(url)) != len(configured):
            yield checks.Error(
                f"{SETTING}['CALLBACK_SECRETS'] holds something for {receiver} that is not a secret.",
                hint=f"A secret is whsec_ and 24 to 64 bytes in base64. {_HOW_TO_MAKE_ONE}",
                id="generic_payments.E013",
            )


_CALLBACKS = "django_generic_payments.contrib.callbacks"
_HOW_TO_MAKE_ONE = (
    'Make one with: python -c "import base64, secrets; '
    "print('whsec_' + base64.b64encode(secrets.token_bytes(32)).decode())\""
)

#: Every check, with the options it is registered with.
CHECKS: Sequence[tuple[Check, dict[str, Any]]] = (
    (check_names, {}),
    (check_types, {}),
    (check_secret_key, {}),
    (check_webhook_secret, {}),
    (check_address, {}),
    (check_currency, {}),
    (check_api_base, {}),
    (check_database, {}),
    (check_receivers, {}),
    (check_senders, {}),
    (check_callback_urls, {}),
    (check_callback_secrets, {}),
    (check_deployment, {"deploy": True}),
)

_TEXT = ("STRIPE_SECRET_KEY", "STRIPE_API_BASE", "DEFAULT_CURRENCY", "BASE_URL", "APP_NAME")


def _readable(*, check_value_types: bool = True) -> Settings | None:
    """Return the settings if they can be read; what keeps them from it has a check of its own."""
    try:
        settings = conf.get_settings()
    except ConfigurationError:
        return None
    return None if check_value_types and any(_wrong_types(settings)) else settings


def _wrong_types(settings: Settings) -> Iterator[tuple[str, str]]:
    values: dict[str, object] = vars(settings)
    if not isinstance(values["ENABLED"], bool):
        yield "ENABLED", "True or False"
    for name in _TEXT:
        if not isinstance(values[name], str):
            yield name, "a string"
    if not isinstance(values["STRIPE_WEBHOOK_SECRET"], str) and not _is_texts(settings.STRIPE_WEBHOOK_SECRET):
        yield "STRIPE_WEBHOOK_SECRET", "a string or a list of strings"
    if not _is_texts(settings.ALLOWED_REDIRECT_HOSTS):
        yield "ALLOWED_REDIRECT_HOSTS", "a list of strings"
    if not _is_texts(settings.CALLBACK_URLS):
        yield "CALLBACK_URLS", "a list of strings"
    if not _are_callback_secrets(settings.CALLBACK_SECRETS):
        yield "CALLBACK_SECRETS", "a string, a list of strings, or a dict of either by URL"
    if not isinstance(values["CALLBACK_ALLOW_PRIVATE"], bool):
        yield "CALLBACK_ALLOW_PRIVATE", "True or False"
    if not 1 <= len(str(settings.APP_NAME)) <= 100:
        yield "APP_NAME", "1 to 100 characters"
    if settings.DUPLICATES not in ("review", "refund"):
        yield "DUPLICATES", "'review' or 'refund'"
    tolerance = settings.WEBHOOK_TOLERANCE
    if type(tolerance) is not int or not 1 <= tolerance <= 600:
        yield "WEBHOOK_TOLERANCE", "a number of seconds from 1 to 600"


def _are_callback_secrets(value: object) -> bool:
    choices = list(value.values()) if isinstance(value, Mapping) else [value]
    return all(isinstance(each, str) or _is_texts(each) for each in choices)


def _is_texts(value: object) -> bool:
    return isinstance(value, (list, tuple, set, frozenset)) and all(isinstance(each, str) for each in value)
