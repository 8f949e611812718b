"""The test cards and accounts as the page lists them, each with a button that puts it into the form."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from string import Template

from .cards import BANK_ACCOUNTS, CARDS, BankAccount, Card
from .markup import Markup, fill, join, template

__all__ = ["BRANDS", "card_list", "in_fours"]

LIST = template("card_list.html")
GROUP = Template("""<table>
<caption>$title</caption>
<thead class="unseen">
<tr><th scope="col">Number</th><th scope="col">What it does</th><th scope="col">Choice</th></tr>
</thead>
<tbody>
$rows
</tbody>
</table>""")
ROW = Template('<tr><td class="number">$number</td><td>$note</td><td>$button</td></tr>')
# The button stands after "Pay", which is what the Enter key presses.
BUTTON = Template(
    '<button type="submit" form="checkout" formnovalidate name="use" value="$number">'
    'Use<span class="unseen"> the one that ends in $end</span></button>'
)
QUARTET = Template("<span>$digits</span>")

SUCCEEDS, DECLINED = "Succeeds", "Is declined"
ASKS, ASKS_IN_VAIN = "Asks for 3D Secure", "Asks for 3D Secure, then is declined"
REFUNDED, DISPUTED = "Succeeds, and its refunds take their time", "Succeeds, then is disputed or reported"
GROUPS = (SUCCEEDS, ASKS, ASKS_IN_VAIN, DECLINED, REFUNDED, DISPUTED)
BRANDS = {"amex": "American Express", "mastercard": "Mastercard", "visa": "Visa"}


def card_list(method_types: Collection[str]) -> Markup:
    """List what can be paid with, group by group."""
    nouns, groups = [], []
    if "card" in method_types:
        nouns.append("cards")
        groups += [group(title, [card for card in CARDS if group_of(card) == title]) for title in GROUPS]
    if "sepa_debit" in method_types:
        nouns.append("accounts")
        groups.append(group("Accounts for SEPA Direct Debit", BANK_ACCOUNTS))
    return fill(LIST, title=f"Test {' and '.join(nouns)}", groups=join(groups))


def in_fours(number: str) -> list[str]:
    """Split a number as it is printed on a card."""
    return [number[start : start + 4] for start in range(0, len(number), 4)]


def group_of(card: Card) -> str:
    if card.decline:
        return ASKS_IN_VAIN if card.authentication else DECLINED
    if card.disputes or card.fraud_warning:
        return DISPUTED
    if card.refunds != "succeed":
        return REFUNDED
    return ASKS if card.authentication else SUCCEEDS


def group(title: str, means: Iterable[Card | BankAccount]) -> Markup:
    return fill(GROUP, title=title, rows=join(row(one) for one in means))


def row(means: Card | BankAccount) -> Markup:
    # The gaps are the stylesheet's: who copies or searches the number finds it in one piece.
    quartets = Markup("".join(fill(QUARTET, digits=digits) for digits in in_fours(means.number)))
    button = fill(BUTTON, number=means.number, end=means.number[-4:])
    return fill(ROW, number=quartets, note=note(means), button=button)


def note(means: Card | BankAccount) -> str:
    if isinstance(means, BankAccount):
        return means.note
    title = group_of(means)
    if title == ASKS_IN_VAIN:
        return means.note.rpartition(", ")[2]
    if title in (SUCCEEDS, ASKS):
        brand = BRANDS[means.brand] + (" debit" if means.funding == "debit" else "")
        special = means.note.partition(", ")[2]
        return f"{brand}, {special}" if special else brand
    return means.note
