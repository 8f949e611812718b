"""Templates, and the one way to fill them: whatever is not markup already is escaped."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from pathlib import Path
from string import Template

__all__ = ["NOTHING", "Markup", "fill", "join", "read", "template"]

FOLDER = Path(__file__).with_name("templates")


class Markup(str):
    """Text that may stand in a page as it is. Whatever is made of it by a method of `str` is not."""

    __slots__ = ()


NOTHING = Markup("")


def fill(template: Template, **values: str) -> Markup:
    """Fill a template; values that are not `Markup` are escaped."""
    safe = {name: value if isinstance(value, Markup) else escape(value) for name, value in values.items()}
    return Markup(template.substitute(safe))


def join(parts: Iterable[Markup]) -> Markup:
    """Put pieces one under the other."""
    return Markup("\n".join(parts))


def read(name: str) -> str:
    """Read a file of the folder of templates."""
    return (FOLDER / name).read_text(encoding="utf-8")


def template(name: str) -> Template:
    """Read a template from its folder."""
    return Template(read(name))
