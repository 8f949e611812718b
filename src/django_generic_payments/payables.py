"""What can be paid for: the contract of a payable, and the registry of its types."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, overload, runtime_checkable

from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.db import router
from django.db.models import Model

from django_generic_payments.exceptions import (
    ConfigurationError,
    CurrencyNotOffered,
    PayableError,
    UnknownPayable,
    UnknownPurpose,
)
from django_generic_payments.money import Money

if TYPE_CHECKING:
    from django.http import HttpRequest

__all__ = [
    "LineItem",
    "Payable",
    "PayableType",
    "get_payable_type",
    "payable",
    "register",
    "registered_types",
]

_Class = TypeVar("_Class", bound=type)
_NAME = re.compile(r"[a-z][a-z0-9_.-]{0,99}")
_PURPOSE = re.compile(r"[A-Za-z0-9_.-]{0,50}")
_REQUIRED = ("get_payment_amount", "get_payment_description", "can_be_paid_by")
_ID_LENGTH = 128


@runtime_checkable
class Payable(Protocol):
    """
    What an object must have to be paid for.

    Optional, looked up by name: ``payment_purposes`` (a tuple of names; with a purpose other than the default ``""``
    every ``get_payment_*`` is called with ``purpose=``), ``get_payment_prices()`` (one ``Money`` per currency),
    ``get_payment_line_items()`` (``LineItem`` objects that sum to the amount), ``get_payment_return_url(session)`` and
    ``get_payment_cancel_url(session)`` (where the payer lands who paid, or who turned back), ``get_payment_customer()``
    (a dict with ``email``, ``name``, ``phone`` to prefill) and ``get_stripe_params()`` (extra parameters of the
    Checkout Session that do not change what is charged).
    """

    def get_payment_amount(self) -> Money:
        """Return what is due, decided on the server."""

    def get_payment_description(self) -> str:
        """Return one line that tells the payer what they pay for."""

    def can_be_paid_by(self, request: HttpRequest) -> bool:
        """Tell whether this request may open a checkout. Asked by views and the button, never by services."""


@dataclass(frozen=True)
class LineItem:
    """One line of a checkout: ``unit_amount`` times ``quantity``."""

    name: str
    unit_amount: Money
    quantity: int = 1


@dataclass(frozen=True)
class PayableType:
    """A registered class of payables and the name it is stored under."""

    name: str
    cls: type
    resolver: Callable[[str], Any] | None = None

    def load(self, payable_id: str, *, manager: str = "_base_manager") -> Any | None:
        """
        Return the object with this id, or ``None`` if there is none.

        ``manager`` is ``"_base_manager"`` for what was paid (a host that hides deleted rows still hears of their
        money) and ``"_default_manager"`` for what a visitor asks to pay.
        """
        if "\x00" in payable_id:  # no key holds it, and PostgreSQL refuses the question
            return None
        if self.resolver is not None:
            try:
                return self.resolver(payable_id)
            except (ObjectDoesNotExist, LookupError):
                return None
        try:
            # Not from a replica, which may not know yet what was just sold.
            return getattr(self.cls, manager).using(router.db_for_write(self.cls)).get(pk=payable_id)
        except (ObjectDoesNotExist, ValidationError, ValueError, TypeError, OverflowError):
            return None

    def purposes(self) -> tuple[str, ...]:
        """Return the purposes that objects of this type can be paid for."""
        return tuple(getattr(self.cls, "payment_purposes", ("",)))

    def check_purpose(self, purpose: str) -> str:
        """Return the purpose. Raises ``UnknownPurpose`` if the type does not have it."""
        if purpose not in self.purposes():
            raise UnknownPurpose(
                f"{self.name!r} cannot be paid for the purpose {purpose!r}, only for {self.purposes()}. "
                f"Add it to {self.cls.__name__}.payment_purposes."
            )
        return purpose

    def identify(self, obj: Any) -> str:
        """Return the id under which the object is stored. Raises ``PayableError`` if it has none yet."""
        key = getattr(obj, "pk", None)
        if key is None or (isinstance(obj, Model) and obj._state.adding):
            raise PayableError(
                f"{obj.__class__.__name__} has no primary key yet. Save it before it is paid for."
            )
        # The type of the column, not of what somebody assigned: "007" and 7 are one object.
        payable_id = str(obj._meta.pk.to_python(key) if isinstance(obj, Model) else key)
        if len(payable_id) > _ID_LENGTH:
            raise PayableError(
                f"The id of {self.name!r} is longer than {_ID_LENGTH} characters: {payable_id[:20]}…"
            )
        return payable_id


_types: dict[str, PayableType] = {}


@overload
def payable(name: _Class) -> _Class: ...
@overload
def payable(name: str | None = None) -> Callable[[_Class], _Class]: ...
def payable(name: Any = None) -> Any:
    """
    Register the decorated class: ``@payable`` or ``@payable("booking")``.

    The name is stored with every payment and never changes; it defaults to the model's ``app_label.model_name``.
    Raises ``ConfigurationError`` as ``register`` does.
    """
    if isinstance(name, type):
        register(name)
        return name

    def decorate(cls: _Class) -> _Class:
        register(cls, name)
        return cls

    return decorate


def register(
    cls: type, name: str | None = None, *, resolver: Callable[[str], Any] | None = None
) -> PayableType:
    """
    Register a class whose objects can be paid for.

    ``resolver`` takes an id and returns the object, or ``None``; a class that is no model needs one, and its objects
    need a ``pk``. Raises ``ConfigurationError`` when the name is taken or malformed, a method is missing, or the model
    is abstract or has a composite primary key.
    """
    _check_class(cls, resolver)
    chosen = name or (
        str(cls._meta.label_lower)
        if issubclass(cls, Model)
        else f"{cls.__module__}.{cls.__qualname__}".lower()
    )
    if not _NAME.fullmatch(chosen):
        raise ConfigurationError(
            f"{chosen!r} cannot name a payable. Use up to 100 lower-case letters, digits, '.', '_' and '-'."
        )
    known = _types.get(chosen)
    if known is not None and not _is_same_class(known.cls, cls):
        raise ConfigurationError(
            f"{known.cls.__module__}.{known.cls.__qualname__} is already registered as {chosen!r}. "
            f"Give {cls.__module__}.{cls.__qualname__} another name."
        )
    other = next((each.name for each in _types.values() if each.cls is cls and each.name != chosen), None)
    if other is not None:
        raise ConfigurationError(
            f"{cls.__name__} is already registered as {other!r}. Under two names it could be paid for twice."
        )
    _types[chosen] = PayableType(chosen, cls, resolver)
    return _types[chosen]


def registered_types() -> Mapping[str, PayableType]:
    """Return the registered types by name."""
    return dict(_types)


def get_payable_type(of: Any) -> PayableType:
    """
    Return the registered type of an object, a class or a name.

    A proxy or a child of a registered model counts as that model. Raises ``UnknownPayable``.
    """
    if isinstance(of, str):
        if of in _types:
            return _types[of]
        raise UnknownPayable(
            f"No payable is registered as {of!r}. Registered: {', '.join(sorted(_types)) or 'none'}."
        )
    by_class = {each.cls: each for each in _types.values()}
    cls = of if isinstance(of, type) else type(of)
    for candidate in cls.__mro__:
        if candidate in by_class:
            return by_class[candidate]
    raise UnknownPayable(
        f"{cls.__name__} is not registered. Decorate it with @payable, or call register({cls.__name__})."
    )


def price_of(obj: Any, purpose: str, currency: str | None, default_currency: str) -> Money:
    """
    Return what is due for the object, in the currency asked for.

    Raises ``CurrencyNotOffered``, or ``PayableError`` when the object offers something that is no ``Money``.
    """
    prices = call_optional(obj, "get_payment_prices", purpose)
    if prices is not None and not isinstance(prices, Iterable):
        raise PayableError(f"get_payment_prices() must return a list of Money, not {prices!r}.")
    wanted = (currency or "").lower() or (default_currency.lower() if prices else "")
    if prices is not None and wanted:
        by_currency = {each.currency: each for each in map(_as_money, prices)}
        if wanted in by_currency:
            return by_currency[wanted]
        if currency:
            raise CurrencyNotOffered(
                f"There is no price in {wanted!r}, only in {', '.join(sorted(by_currency))}."
            )
    amount = _as_money(call(obj, "get_payment_amount", purpose))
    if currency and amount.currency != wanted:
        raise CurrencyNotOffered(
            f"The price is in {amount.currency!r}, not in {wanted!r}. Offer more with get_payment_prices()."
        )
    return amount


def line_items_of(obj: Any, purpose: str, amount: Money) -> Sequence[LineItem]:
    """Return the lines of the checkout. Raises ``PayableError`` unless they sum to the amount."""
    items = call_optional(obj, "get_payment_line_items", purpose)
    if items is None:
        return [LineItem(call(obj, "get_payment_description", purpose) or "-", amount)]
    items = list(items) if isinstance(items, Iterable) else [items]
    for each in items:
        if not isinstance(each, LineItem):
            raise PayableError(
                f"get_payment_line_items() must return LineItem(name, unit_amount, quantity), not {each!r}."
            )
        if _as_money(each.unit_amount).currency != amount.currency:
            raise PayableError(f"{each} needs the currency of the amount, {amount.currency!r}.")
        if type(each.quantity) is not int or each.quantity < 1:
            raise PayableError(f"{each} needs a whole quantity of at least 1.")
    total = sum(each.unit_amount.amount * each.quantity for each in items)
    if total != amount.amount:
        raise PayableError(f"The line items sum to {total}, the amount is {amount.amount} {amount.currency}.")
    return items


def call(obj: Any, name: str, purpose: str) -> Any:
    """Call a method of the contract, with the purpose if there is one."""
    method = getattr(obj, name)
    return method(purpose=purpose) if purpose else method()


def call_optional(obj: Any, name: str, purpose: str) -> Any:
    """Call an optional method of the contract; ``None`` if the object does not have it."""
    return call(obj, name, purpose) if hasattr(obj, name) else None


def _as_money(value: Any) -> Money:
    if not isinstance(value, Money):
        raise PayableError(f"A price must be Money(amount, currency), not {value!r}.")
    return value


def _check_class(cls: type, resolver: Callable[[str], Any] | None) -> None:
    missing = [name for name in _REQUIRED if not callable(getattr(cls, name, None))]
    if missing:
        raise ConfigurationError(
            f"{cls.__name__} cannot be paid for without {', '.join(missing)}. Define them."
        )
    purposes = getattr(cls, "payment_purposes", ("",))
    if not isinstance(purposes, (tuple, list)) or not purposes or not all(map(_is_purpose, purposes)):
        raise ConfigurationError(
            f"{cls.__name__}.payment_purposes must be a tuple of names, such as ('', 'deposit'): "
            "up to 50 letters, digits, '.', '_' and '-' each."
        )
    if asynchronous := [name for name in _REQUIRED if iscoroutinefunction(getattr(cls, name))]:
        raise ConfigurationError(
            f"{cls.__name__}.{', '.join(asynchronous)} must be a plain function: "
            "a coroutine is always true, so that everybody might pay."
        )
    if not issubclass(cls, Model):
        if resolver is None:
            raise ConfigurationError(
                f"{cls.__name__} is not a model, so it cannot be found again by its id. "
                f"Use register({cls.__name__}, 'name', resolver=load_by_id)."
            )
        return
    if cls._meta.abstract:
        raise ConfigurationError(f"{cls.__name__} is abstract. Register the models that inherit from it.")
    if resolver is None and type(cls._meta.pk).__name__ == "CompositePrimaryKey":
        raise ConfigurationError(
            f"{cls.__name__} has a composite primary key, which is not one id. "
            f"Use register({cls.__name__}, 'name', resolver=load_by_id), or give it a key of one column."
        )


def _is_purpose(purpose: object) -> bool:
    return isinstance(purpose, str) and bool(_PURPOSE.fullmatch(purpose))


def _is_same_class(first: type, second: type) -> bool:
    # A development server or a test may import a module twice; that is no conflict.
    return (first.__module__, first.__qualname__) == (second.__module__, second.__qualname__)
