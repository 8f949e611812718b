"""The pages themselves. They work without JavaScript, and escape everything that comes from outside."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from string import Template

from .card_list import BRANDS, card_list
from .currencies import format_amount
from .json_object import JsonObject
from .markup import NOTHING, Markup, fill, join, read, template
from .payment_form import PaymentForm, Problem

__all__ = ["STYLE_SOURCE", "authentication", "checkout", "closed", "facts", "notice", "page", "portal"]

STYLE = Markup(read("page.css"))
#: The one stylesheet that a page may have, as a Content-Security-Policy says it.
STYLE_SOURCE = f"'sha256-{b64encode(sha256(STYLE.encode()).digest()).decode()}'"

PAGE = template("page.html")
CHECKOUT = template("checkout.html")
AUTHENTICATION = template("authentication.html")
NOTICE = template("notice.html")
PORTAL = template("portal.html")

ALERT = Template("""<div class="alert" role="alert">
<p><strong>The payment did not go through.</strong> $message</p>
<p>Nothing was charged, and you can try again.</p>
</div>""")
ITEM = Template("""<tr>
<th scope="row">$description <span class="quantity">$quantity × $unit_price</span></th>
<td>$amount</td>
</tr>""")
CANCEL = Template('<p class="back"><a href="$address">Cancel and go back</a></p>')
FACT = Template("<div><dt>$name</dt><dd>$value</dd></div>")
FACTS = Template("<dl>\n$facts\n</dl>")
TEXT = Template("<p>$text</p>")
LINK = Template('<p><a class="main" href="$address">$label</a></p>')


def checkout(
    session: JsonObject, items: list[JsonObject], typed: Mapping[str, str], problem: Problem | None = None
) -> str:
    """Show what is to be paid, and the form.

    Args:
        typed: the fields of the form as they were sent, or prefilled.
        problem: why the last attempt failed.
    """
    total, merchant = total_of(session), merchant_of(session)
    main = fill(
        CHECKOUT,
        alert=fill(ALERT, message=problem.message) if problem else NOTHING,
        merchant=merchant,
        initial=merchant[:1].upper(),
        total=total,
        items=join(item_row(item) for item in items),
        cancel=fill(CANCEL, address=session["cancel_url"]) if session["cancel_url"] else NOTHING,
        form=PaymentForm(session, merchant, total, typed, problem).render(),
        cards=card_list(session["payment_method_types"]),
    )
    return page(f"{'Error: ' if problem else ''}Pay {total} to {merchant}", main, kind="checkout")


def authentication(session: JsonObject) -> str:
    """Show the step in between that the payer's bank asks for."""
    address = f"/c/pay/{session['id']}"
    main = fill(
        AUTHENTICATION,
        total=total_of(session),
        merchant=merchant_of(session),
        action=f"{address}/authenticate",
        back=address,
    )
    return page("3D Secure", main)


def closed(session: JsonObject) -> str:
    """Say that there is nothing more to pay here."""
    total, merchant = total_of(session), merchant_of(session)
    if session["status"] == "expired":
        text = f"{total} to {merchant} was not paid in time, and nothing was charged."
        return notice("This checkout has expired.", text, link(session["cancel_url"], "Go back"))
    paid = session["payment_status"] == "paid"
    text = f"{total} {'went' if paid else 'is on its way'} to {merchant}, in this sandbox only."
    back = session["success_url"].replace("{CHECKOUT_SESSION_ID}", session["id"])
    return notice("This checkout is complete.", text, link(back, "Go on"))


def portal(session: JsonObject, customer: JsonObject, methods: list[JsonObject]) -> str:
    """Show what a customer would manage in the billing portal, and what there is of it here."""
    contact = [("Name", customer["name"]), ("E-mail", customer["email"])]
    main = fill(
        PORTAL,
        contact=facts([fact for fact in contact if fact[1]], "Nothing is known of you."),
        methods=facts([method_fact(method) for method in methods], "No payment method is saved."),
        back=link(session["return_url"], "Go back"),
    )
    return page("Your billing details", main)


def facts(known: list[tuple[str, str]], otherwise: str) -> Markup:
    """List what is known by name, or say that nothing is."""
    if not known:
        return fill(TEXT, text=otherwise)
    return fill(FACTS, facts=join(fill(FACT, name=name, value=value) for name, value in known))


def method_fact(method: JsonObject) -> tuple[str, str]:
    details = method[method["type"]]
    if method["type"] == "card":
        until = f"until {details['exp_month']} / {details['exp_year']}"
        return f"{BRANDS[details['brand']]} •••• {details['last4']}", until
    return f"SEPA Direct Debit •••• {details['last4']}", details["country"]


def notice(message: str, text: str = "", more: Markup = NOTHING) -> str:
    """Show one sentence, with a text and ready markup under it."""
    shown = join([fill(TEXT, text=text), more]) if text else more
    return page(message, fill(NOTICE, message=message, more=shown))


def item_row(item: JsonObject) -> Markup:
    currency = item["currency"]
    return fill(
        ITEM,
        description=item["description"],
        quantity=f"{item['quantity']:,}",
        unit_price=format_amount(item["price"]["unit_amount"], currency),
        amount=format_amount(item["amount_total"], currency),
    )


def link(address: str | None, label: str) -> Markup:
    return fill(LINK, address=address, label=label) if address else NOTHING


def total_of(session: JsonObject) -> str:
    return format_amount(session["amount_total"], session["currency"])


def merchant_of(session: JsonObject) -> str:
    """Return the name that was sent for this checkout, or where it leads back to."""
    name: str = session.get("branding_settings", {}).get("display_name", "")
    # Not urlsplit, which refuses some addresses that the API accepts.
    authority = re.split(r"[/?#]", session["success_url"])[2].rpartition("@")[2]
    return name or re.sub(r":[0-9]*$", "", authority)


def page(title: str, main: Markup, kind: str = "single") -> str:
    """Put what a page is about between what all pages have."""
    return fill(PAGE, title=title, style=STYLE, kind=kind, main=main)
