"""Request parameters: from a form to typed values, refusing what Stripe would refuse.

A table maps each name to a `Kind`, a function from the raw value and its full name to the typed value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

from .errors import invalid, missing_parameter, not_simulated, unknown_parameters
from .json_object import JsonObject

__all__ = [
    "EXPAND_ONLY",
    "Kind",
    "anything",
    "array",
    "boolean",
    "choice",
    "decode",
    "email",
    "fields",
    "integer",
    "metadata",
    "text",
    "unless",
    "unset",
    "unsimulated",
    "web_address",
]

Kind: TypeAlias = Callable[[Any, str], Any]


def decode(form: str) -> JsonObject:
    """Decode `a[b][0]=1` into `{"a": {"b": {"0": "1"}}}`; every leaf stays a string.

    Raises:
        ApiError: for a name that is both a value and a container.
    """
    root: JsonObject = {}
    for name, value in parse_qsl(form, keep_blank_values=True):
        head, _, rest = name.partition("[")
        node = root
        *containers, last = [head, *re.findall(r"\[?([^\[\]]*)\]", rest)]
        for token in containers:
            node = node.setdefault(token or str(len(node)), {})
            if not isinstance(node, dict):
                raise invalid(f"Invalid hash: {name} is a value and a container.", head)
        node[last or str(len(node))] = value
    return root


def text(limit: int = 5000) -> Kind:
    """Accept a string that is not empty."""

    def read(value: Any, name: str) -> str:
        if not isinstance(value, str):
            raise invalid(f"Invalid string: {value}", name)
        if not value:
            raise invalid(
                f"You passed an empty string for '{name}'. We assume empty values are an attempt to unset a "
                f"parameter; however '{name}' cannot be unset. You should remove '{name}' from your request "
                "or supply a non-empty value.",
                name,
                "parameter_invalid_empty",
            )
        if len(value) > limit:
            raise invalid(f"Invalid string: {value[:10]}...; must be at most {limit} characters", name)
        return value

    return read


def web_address(value: Any, name: str) -> str:
    """Accept an absolute http or https address."""
    address: str = text()(value, name)
    # Braces stay as they are: {CHECKOUT_SESSION_ID} is filled in when the payer is sent back.
    if not re.fullmatch(r"https?://[^\s/?#\\]+([/?#][^\s\x00-\x1f]*)?", address):
        raise invalid("Not a valid URL", name, "url_invalid")
    return address


def integer(least: int | None = None, most: int | None = None) -> Kind:
    """Accept a whole number."""

    def read(value: Any, name: str) -> int:
        if not isinstance(value, str) or not re.fullmatch(r"-?[0-9]{1,18}", value):
            raise invalid(f"Invalid integer: {value}", name, "parameter_invalid_integer")
        number = int(value)
        if least is not None and number < least:
            raise invalid(
                f"This value must be greater than or equal to {least}.", name, "parameter_invalid_integer"
            )
        if most is not None and number > most:
            message = f"This value must be less than or equal to {most} (it currently is '{number}')."
            raise invalid(message, name, "parameter_invalid_integer")
        return number

    return read


def boolean(value: Any, name: str) -> bool:
    """Accept true or false."""
    if value not in ("true", "false"):
        raise invalid(f"Invalid boolean: {value}", name)
    return bool(value == "true")


def choice(*allowed: str) -> Kind:
    """Accept one of a few words."""

    def read(value: Any, name: str) -> str:
        if value not in allowed:
            raise invalid(f"Invalid {name}: must be one of {', '.join(allowed)}", name)
        return str(value)

    return read


def array(kind: Kind, most: int = 100) -> Kind:
    """Accept a list."""

    def read(value: Any, name: str) -> list[Any]:
        if not isinstance(value, dict) or not all(key.isdecimal() for key in value):
            raise invalid("Invalid array", name)
        if len(value) > most:
            raise invalid(f"Array {name} exceeded maximum {most} allowed elements.", name)
        return [kind(value[key], f"{name}[{key}]") for key in sorted(value, key=int)]

    return read


def fields(table: Mapping[str, Kind], *, required: Collection[str] = ()) -> Kind:
    """Accept an object with the names of a table."""

    def read(value: Any, name: str) -> JsonObject:
        if not isinstance(value, dict):
            raise invalid("Invalid object", name)

        def full(key: str) -> str:
            return f"{name}[{key}]" if name else key

        unknown = [full(key) for key in value if key not in table]
        if unknown:
            raise unknown_parameters(unknown)
        for key in required:
            if key not in value:
                raise missing_parameter(full(key))
        return {key: table[key](item, full(key)) for key, item in value.items()}

    return read


def metadata(value: Any, name: str) -> dict[str, str]:
    """Accept metadata within its limits; an empty value unsets its key.

    https://docs.stripe.com/api/metadata
    """
    if value == "":
        return {}
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        raise invalid("Invalid object", name)
    if len(value) > 50:
        raise invalid("You can have up to 50 metadata keys.", name)
    for key, item in value.items():
        if "[" in key or "]" in key:
            raise invalid(f"Metadata keys cannot have square brackets: {key}", name)
        if len(key) > 40:
            raise invalid(f"Metadata keys can have up to 40 characters; yours has {len(key)}.", name)
        if len(item) > 500:
            raise invalid(f"Metadata values can have up to 500 characters; yours has {len(item)}.", name)
    return value


def unset(kind: Kind) -> Kind:
    """Accept the empty string too, which sets to null."""
    return lambda value, name: None if value == "" else kind(value, name)


def unless(refused: Any, kind: Kind) -> Kind:
    """Refuse one value that Stripe accepts and the sandbox does not simulate."""

    def read(value: Any, name: str) -> Any:
        accepted = kind(value, name)
        if accepted == refused:
            raise not_simulated(name)
        return accepted

    return read


def anything(value: Any, name: str) -> Any:
    """Accept what changes neither the money nor the answer."""
    return value


def unsimulated(value: Any, name: str) -> Any:
    """Refuse what Stripe has and the sandbox has not."""
    raise not_simulated(name)


def email(value: Any, name: str) -> str:
    """Accept what looks like an e-mail address."""
    address: str = text(800)(value, name)
    if not all(address.rpartition("@")):
        raise invalid(f"Invalid email address: {address}", name, "email_invalid")
    return address


#: What every operation takes.
EXPAND_ONLY: dict[str, Kind] = {"expand": array(text())}
