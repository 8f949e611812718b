"""The form on the hosted page: one for all methods, so that nothing is typed twice and Enter pays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from string import Template
from typing import NamedTuple

from .cards import find_test_means
from .json_object import JsonObject
from .markup import NOTHING, Markup, fill, join, template

__all__ = ["PaymentForm", "Problem"]


class Problem(NamedTuple):
    """Why an attempt failed, and the field to look at, if it is one."""

    message: str
    field: str = ""


class Field(NamedTuple):
    """What a field is for everybody."""

    label: str
    attributes: Markup
    hint: str = ""


FORM = template("payment_form.html")
FIELD = Template("""<div class="field">
<label for="$name">$label</label>
<input id="$name" name="$name" value="$value" $attributes>
$notes
</div>""")
HINT = Template('<p class="hint" id="$name-hint">$text</p>')
ERROR = Template('<p class="error" id="$name-error">$text</p>')
DESCRIBED = Template(' aria-describedby="$ids"')

ONLY_METHOD = Template("""<fieldset>
<legend>$label</legend>
<input type="hidden" name="method" value="$method">
$fields
</fieldset>""")
METHODS = Template("""<fieldset>
<legend>Payment method</legend>
<div class="methods">
$methods
</div>
</fieldset>""")
METHOD = Template("""<input type="radio" id="method-$method" name="method" value="$method"$checked>
<label for="method-$method">$label</label>
<div class="chosen">
$fields
</div>""")

CARD = Template("""$number
<div class="pair">
$expiry
$cvc
</div>""")
DEBIT = Template("""$iban
<p class="hint">You allow $merchant to collect $total from this account. In this sandbox no bank hears of it.</p>""")

# What a browser knows of its user's real cards it must not offer here, hence no autocomplete for them.
NUMBER = Markup('type="text" inputmode="numeric" autocomplete="off"')
FIELDS = {
    "email": Field("E-mail", Markup('type="email" autocomplete="email" required')),
    "name": Field("Name", Markup('type="text" autocomplete="name"')),
    "phone": Field("Phone", Markup('type="tel" autocomplete="tel" required')),
    "number": Field("Card number", Markup(f'{NUMBER} placeholder="1234 1234 1234 1234"')),
    "expiry": Field("Expiry", Markup(f'{NUMBER} placeholder="MM / YY"'), "Any future date"),
    "cvc": Field("Security code", Markup(f'{NUMBER} placeholder="CVC"'), "Any three digits"),
    "iban": Field("IBAN", Markup('type="text" autocomplete="off" autocapitalize="characters"')),
}
LABELS = {"card": "Card", "sepa_debit": "SEPA Direct Debit"}


@dataclass(frozen=True)
class PaymentForm:
    """The form of one session, as far as it is filled in."""

    session: JsonObject
    merchant: str
    total: str
    typed: Mapping[str, str]
    problem: Problem | None = None

    def render(self) -> Markup:
        """Return the markup."""
        contact = ["email", "name"]
        if self.session["phone_number_collection"]["enabled"]:
            contact.append("phone")
        return fill(
            FORM,
            action=f"/c/pay/{self.session['id']}",
            contact=join(self.field(name) for name in contact),
            methods=self.methods(),
            merchant=self.merchant,
            total=self.total,
            focus=self.focus("pay"),
        )

    def methods(self) -> Markup:
        """Offer what there is to choose from."""
        offered = self.session["payment_method_types"]
        if len(offered) == 1:
            method = offered[0]
            return fill(ONLY_METHOD, method=method, label=LABELS[method], fields=self.fields_of(method))
        return fill(METHODS, methods=join(self.method(method) for method in offered))

    def method(self, method: str) -> Markup:
        """Offer one of several methods."""
        offered = self.session["payment_method_types"]
        asked = self.typed.get("method")
        chosen = method == (asked if asked in offered else offered[0])
        return fill(
            METHOD,
            method=method,
            checked=Markup(" checked") if chosen else NOTHING,
            label=LABELS[method],
            fields=self.fields_of(method),
        )

    def fields_of(self, method: str) -> Markup:
        """Ask for what a method needs."""
        if method == "card":
            return fill(CARD, **{name: self.field(name) for name in ("number", "expiry", "cvc")})
        return fill(DEBIT, iban=self.field("iban"), merchant=self.merchant, total=self.total)

    def field(self, name: str) -> Markup:
        """Ask for one thing, with what there is to say about it."""
        texts = {"hint": self.hint(name), "error": self.error(name)}
        ids = " ".join(f"{name}-{what}" for what, text in texts.items() if text)
        attributes = [
            FIELDS[name].attributes,
            fill(DESCRIBED, ids=ids) if ids else NOTHING,
            Markup(' aria-invalid="true"') if texts["error"] else NOTHING,
            Markup(" readonly") if name == "email" and self.is_email_locked else NOTHING,
            self.focus(name),
        ]
        return fill(
            FIELD,
            name=name,
            label=FIELDS[name].label,
            value=self.typed.get(name, ""),
            attributes=Markup("".join(attributes)),
            notes=join(
                fill(HINT if what == "hint" else ERROR, name=name, text=text)
                for what, text in texts.items()
                if text
            ),
        )

    def hint(self, name: str) -> str:
        """Say what may be typed, or what a test card will do."""
        means = find_test_means(self.typed.get("use", ""))
        if means and name == ("number" if means.type == "card" else "iban"):
            return f"The test {means.noun} that {means.note}."
        if name == "email" and self.is_email_locked:
            return f"{self.merchant} knows you by this address, and it cannot be changed here."
        return FIELDS[name].hint

    def error(self, name: str) -> str:
        """Say what is wrong with a field."""
        return self.problem.message if self.problem and self.problem.field == name else ""

    def focus(self, name: str) -> Markup:
        """Put the cursor where the payer goes on: to the mistake, or after a test card to what is missing."""
        if self.problem:
            next_one = self.problem.field
        elif "use" in self.typed:
            next_one = "pay" if self.typed.get("email") else "email"
        else:
            next_one = ""
        return Markup(" autofocus") if name == next_one else NOTHING

    @property
    def is_email_locked(self) -> bool:
        """Whether the payer is known already; Checkout then leaves the address alone."""
        return bool(self.session["customer"] and self.session["customer_details"])
