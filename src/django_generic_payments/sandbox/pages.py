"""The pages themselves. They work without JavaScript, and escape everything that comes from outside."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from string import Template

from .cards import BANK_ACCOUNTS, CARDS, BankAccount, Card
from .currencies import format_amount
from .json_object import JsonObject

__all__ = ["authentication", "checkout", "closed", "notice"]

LAYOUT = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>$title</title>
<style>
body { font: 1rem/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 34rem; padding: 1rem; }
label, input, button { display: block; font: inherit; width: 100%; box-sizing: border-box; }
input { margin-bottom: .75rem; padding: .4rem; }
button { margin-top: .5rem; padding: .6rem; }
fieldset { margin-bottom: 1rem; }
table { border-collapse: collapse; width: 100%; }
td, th { border-bottom: 1px solid #ccc; padding: .25rem; text-align: left; }
td:last-child { text-align: right; }
[role=alert] { border: 2px solid #b00; padding: .5rem; }
</style>
</head>
<body>
<p><strong>Sandbox.</strong> This is a simulation: no money moves, and no card is charged.</p>
<main>
$main
</main>
</body>
</html>
""")

CHECKOUT = Template("""<h1>Pay $total</h1>
$alert
<table>
$items
<tr><th>Total</th><td>$total</td></tr>
</table>
<form method="post" action="$action">
<label for="email">E-mail</label>
<input id="email" name="email" type="email" autocomplete="email" required value="$email">
<label for="name">Name</label>
<input id="name" name="name" autocomplete="name" value="$name">
$phone
<input type="hidden" name="method" value="card">
<fieldset>
<legend>Card</legend>
<label for="number">Card number</label>
<input id="number" name="number" inputmode="numeric" autocomplete="off" required value="$number">
<label for="expiry">Expiry (any date to come)</label>
<input id="expiry" name="expiry" autocomplete="off" placeholder="MM / YY">
<label for="cvc">Security code (any)</label>
<input id="cvc" name="cvc" inputmode="numeric" autocomplete="off" placeholder="CVC">
<button type="submit">Pay $total by card</button>
</fieldset>
</form>
$debit
$cancel
<h2>Test cards</h2>
<table>
$cards
</table>
""")

DEBIT = Template("""<form method="post" action="$action">
<input type="hidden" name="method" value="sepa_debit">
<fieldset>
<legend>SEPA Direct Debit</legend>
<label for="debit-email">E-mail</label>
<input id="debit-email" name="email" type="email" autocomplete="email" required value="$email">
<label for="debit-name">Name</label>
<input id="debit-name" name="name" autocomplete="name" value="$name">
<label for="iban">IBAN</label>
<input id="iban" name="iban" autocomplete="off" required value="$iban">
<button type="submit">Pay $total by debit</button>
</fieldset>
</form>
<h2>Test accounts</h2>
<table>
$accounts
</table>
""")

PHONE = Template("""<label for="phone">Phone</label>
<input id="phone" name="phone" type="tel" autocomplete="tel" required value="$phone">""")

AUTHENTICATION = Template("""<h1>3D Secure</h1>
<p>The bank asks whether it is you who pays $total. This page plays the bank.</p>
<form method="post" action="$action">
<button type="submit" name="result" value="complete">Complete</button>
<button type="submit" name="result" value="fail">Fail</button>
</form>
""")

ALERT = Template('<p role="alert">$message</p>')
LINK = Template('<p><a href="$address">$label</a></p>')
ROW = Template("<tr><td>$left</td><td>$right</td></tr>")


def checkout(session: JsonObject, items: list[JsonObject], typed: Mapping[str, str], message: str) -> str:
    """Show what is to be paid, and the form.

    Args:
        typed: the fields of the form as they were sent, or prefilled.
        message: why the last attempt failed, or nothing.
    """
    action, total = f"/c/pay/{session['id']}", total_of(session)
    phone = PHONE if session["phone_number_collection"]["enabled"] else Template("")
    fields = {name: typed.get(name, "") for name in ("email", "name", "phone", "number", "iban")}
    shown = {"total": total, "action": action, **fields}
    main = fill(
        CHECKOUT,
        shown,
        alert=fill(ALERT, {"message": message}) if message else "",
        items="\n".join(item_row(item) for item in items),
        phone=fill(phone, shown),
        debit=debit_form(shown) if "sepa_debit" in session["payment_method_types"] else "",
        cancel=link(session["cancel_url"], "Cancel and go back"),
        cards=means_rows(CARDS),
    )
    return layout(f"Pay {total}", main)


def authentication(session: JsonObject) -> str:
    """Show the step in between that the payer's bank asks for."""
    shown = {"total": total_of(session), "action": f"/c/pay/{session['id']}/authenticate"}
    return layout("3D Secure", fill(AUTHENTICATION, shown))


def closed(session: JsonObject) -> str:
    """Say that there is nothing more to pay here."""
    if session["status"] == "expired":
        return notice("This checkout has expired.", link(session["cancel_url"], "Go back"))
    back = session["success_url"].replace("{CHECKOUT_SESSION_ID}", session["id"])
    return notice("This checkout is complete.", link(back, "Go on"))


def notice(message: str, more: str = "") -> str:
    """Show one sentence, with ready markup under it."""
    return layout(message, fill(Template("<h1>$message</h1>\n$more"), {"message": message}, more=more))


def debit_form(shown: Mapping[str, str]) -> str:
    return fill(DEBIT, shown, accounts=means_rows(BANK_ACCOUNTS))


def item_row(item: JsonObject) -> str:
    text = f"{item['quantity']} x {item['description']}"
    return fill(ROW, {"left": text, "right": format_amount(item["amount_total"], item["currency"])})


def means_rows(table: tuple[Card, ...] | tuple[BankAccount, ...]) -> str:
    return "\n".join(fill(ROW, {"left": row.number, "right": row.note}) for row in table)


def link(address: str | None, label: str) -> str:
    return fill(LINK, {"address": address, "label": label}) if address else ""


def total_of(session: JsonObject) -> str:
    return format_amount(session["amount_total"], session["currency"])


def layout(title: str, main: str) -> str:
    return fill(LAYOUT, {"title": title}, main=main)


def fill(template: Template, texts: Mapping[str, str], **markup: str) -> str:
    """Fill a template: texts are escaped, markup is what another `fill` returned."""
    return template.substitute({name: escape(text) for name, text in texts.items()} | markup)
