"""What the pages of the dashboard are made of: tables, buttons, links, words for states."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from string import Template
from typing import NamedTuple
from urllib.parse import quote, urlencode

from .currencies import format_amount
from .json_object import JsonObject
from .markup import NOTHING, Markup, fill, join

__all__ = [
    "BUTTONS",
    "CHECK",
    "FIELD",
    "FILTER",
    "HIDDEN",
    "JSON",
    "LINK",
    "PAY",
    "SOFT",
    "TEXT",
    "Button",
    "address_of",
    "draw",
    "empty",
    "link_to",
    "moment",
    "money_of",
    "pager",
    "plain_moment",
    "section",
    "select",
    "short",
    "status",
    "table",
    "text",
]

TABLE = Template("""<div class="scroll" role="region" aria-label="$label" tabindex="0">
<table class="board">
<thead><tr>$heads</tr></thead>
<tbody>
$rows
</tbody>
</table>
</div>""")
HEAD = Template('<th scope="col">$text</th>')
ROW = Template("<tr>$cells</tr>")
CELL = Template('<td data-label="$label">$content</td>')
LINK = Template('<a href="$address">$text</a>')
STATUS = Template('<span class="status $tone">$text</span>')
TEXT = Template("<p>$text</p>")
SOFT = Template('<p class="soft">$text</p>')
SECTION = Template("<section>\n<h2>$title</h2>\n$content\n</section>")
JSON = Template("""<details open>
<summary>The object</summary>
<pre tabindex="0">$text</pre>
</details>""")
PAGER = Template('<nav class="pager" aria-label="Pages">$links</nav>')
BUTTONS = Template('<div class="buttons">\n$buttons\n</div>')
BUTTON = Template("""<form method="post" action="/dashboard/actions/$name">
<input type="hidden" name="id" value="$id">
<input type="hidden" name="back" value="$back">
$fields
<button class="$look">$label</button>
</form>""")
PAY = Template('<a class="main" href="$address">Pay it on its checkout page</a>')
HIDDEN = Template('<input type="hidden" name="$name" value="$value">')
FIELD = Template('<label><span>$label</span> <input name="$name" value="$value" inputmode="decimal"></label>')
SELECT = Template('<label><span>$label</span> <select name="$name">$options</select></label>')
OPTION = Template('<option value="$value">$text</option>')
CHECK = Template('<label class="check"><input type="checkbox" name="$name"> <span>$label</span></label>')
FILTER = Template("""<form class="filter" method="get" action="/dashboard/events">
<label for="type">Type</label>
<input id="type" name="type" value="$kind" placeholder="charge.refunded">
<button class="other">Filter</button>
</form>""")

GOOD = ("paid", "succeeded", "won", "complete", "enabled", "warning_closed")
BAD = ("failed", "lost", "canceled", "expired", "disputed", "needs_response", "declined", "disabled")


class Button(NamedTuple):
    """A button, and what it asks for."""

    label: str
    action: str
    fields: Markup = NOTHING
    look: str = "other"


def table(label: str, heads: Iterable[str], rows: Sequence[tuple[Markup, ...]]) -> Markup:
    names = list(heads)
    return fill(
        TABLE,
        label=label,
        heads=join(fill(HEAD, text=name) for name in names),
        rows=join(
            fill(
                ROW,
                cells=join(
                    fill(CELL, label=name, content=cell) for name, cell in zip(names, row, strict=True)
                ),
            )
            for row in rows
        ),
    )


def draw(button: Button, identifier: str, back: str) -> Markup:
    return fill(
        BUTTON,
        name=button.action,
        id=identifier,
        back=back,
        fields=button.fields,
        label=button.label,
        look=button.look,
    )


def select(label: str, name: str, values: Iterable[str]) -> Markup:
    options = join(fill(OPTION, value=value, text=value.replace("_", " ") or "–") for value in values)
    return fill(SELECT, label=label, name=name, options=options)


def pager(path: str, newer: int | None, older: int | None, **query: str) -> Markup:
    links = [
        fill(LINK, address=f"{path}?{urlencode({**query, 'start': start})}", text=label)
        for start, label in ((newer, "Newer"), (older, "Older"))
        if start is not None
    ]
    return fill(PAGER, links=join(links)) if links else NOTHING


def section(title: str, content: Markup) -> Markup:
    return fill(SECTION, title=title, content=content)


def status(name: str, *, bad: bool | None = None) -> Markup:
    worst = name in BAD if bad is None else bad
    tone = "bad" if worst else "good" if name in GOOD or name.startswith("2") else "plain"
    return fill(STATUS, tone=tone, text=name.replace("_", " "))


def text(value: str) -> Markup:
    return fill(Template("$value"), value=value)


def empty(message: str) -> Markup:
    return fill(SOFT, text=message)


def link_to(identifier: str, label: str) -> Markup:
    return fill(LINK, address=address_of(identifier), text=label) if identifier else text("–")


def address_of(identifier: str) -> str:
    return f"/dashboard/objects/{quote(identifier)}"


def short(identifier: str) -> str:
    """Shorten what is too long to be told apart by anybody."""
    return identifier if len(identifier) <= 32 else f"{identifier[:20]}…{identifier[-6:]}"


def moment(seconds: int) -> Markup:
    written = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
    return Markup(f'<time datetime="{written}">{plain_moment(seconds)}</time>')


def plain_moment(seconds: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))


def money_of(obj: JsonObject) -> Markup:
    amount = obj.get("amount_total", obj.get("amount"))
    if amount is None or not obj.get("currency"):
        return text("–")
    return text(format_amount(amount, obj["currency"]))
