"""Reading bodies: JSON, small, and of the types that are named."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any, NoReturn

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

__all__ = ["PayableIdField", "SmallJSONParser", "StrictCharField", "StrictIntegerField", "StrictSerializer"]

#: Bytes: a request names a few things.
_LARGEST_BODY = 16 * 1024


class SmallJSONParser(JSONParser):
    """Parses what a request of this API can be, and refuses what would only keep the server busy."""

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        """Return the parsed body. Raises ``ParseError``."""
        body = stream.read(_LARGEST_BODY + 1)
        if len(body) > _LARGEST_BODY:
            raise ParseError(_("The body is longer than 16 KiB."))
        # Not by the charset that the caller names: some of Python's unpack, and a little would become gigabytes.
        context = {**(parser_context or {}), "encoding": "utf-8"}
        try:
            return super().parse(io.BytesIO(body), media_type, context)
        except RecursionError as error:
            raise ParseError(_("The body is nested too deeply.")) from error


class StrictSerializer(serializers.Serializer):  # type: ignore[type-arg]
    """Refuses fields that it does not know: whoever sends an amount must not believe that it counts."""

    default_error_messages = {
        "unknown_field": _("There is no such field."),
        "decided_here": _("What is charged is decided on the server. Leave it out."),
    }

    def to_internal_value(self, data: Any) -> Any:
        """Return the values of the known fields. Raises ``ValidationError``, also for an unknown one."""
        if isinstance(data, Mapping):
            unknown = [str(name) for name in data if name not in self.fields]
            if unknown:
                raise serializers.ValidationError({name: [self._refusal(name)] for name in unknown})
        return super().to_internal_value(data)

    def _refusal(self, name: str) -> serializers.ErrorDetail:
        code = "decided_here" if name in _MONEY else "unknown_field"
        return serializers.ErrorDetail(str(self.error_messages[code]), code=code)


_MONEY = {"amount", "amount_total", "price", "unit_amount", "total", "discount", "line_items"}


class StrictCharField(serializers.CharField):
    """Takes text, and no number or truth value that would be spelt out."""

    def to_internal_value(self, data: Any) -> str:
        """Return the text. Raises ``ValidationError``."""
        if not isinstance(data, str):
            self._refuse()
        return str(super().to_internal_value(data))

    def _refuse(self) -> NoReturn:
        self.fail("invalid")
        raise AssertionError  # fail() always raises


@extend_schema_field({"oneOf": [{"type": "string", "maxLength": 128, "minLength": 1}, {"type": "integer"}]})
class PayableIdField(StrictCharField):
    """Takes the primary key of a payable as JSON has it: text, or a whole number."""

    def to_internal_value(self, data: Any) -> str:
        """Return the key as text. Raises ``ValidationError``."""
        if type(data) is int:
            # Not by str(), which refuses a number of many thousand digits.
            return str(data) if -(2**63) <= data < 2**63 else super().to_internal_value(None)
        return super().to_internal_value(data)


class StrictIntegerField(serializers.IntegerField):
    """Takes a whole number, and no text or fraction that looks like one."""

    def to_internal_value(self, data: Any) -> int:
        """Return the number. Raises ``ValidationError``."""
        if type(data) is not int:
            self.fail("invalid")
        return int(data) if abs(data) < 10**18 else self._refuse()

    def _refuse(self) -> NoReturn:
        self.fail("max_value", max_value=self.max_value)
        raise AssertionError  # fail() always raises
