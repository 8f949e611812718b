"""What can be said of one kind of payment method, for a checkout session and for a payment intent.

https://docs.stripe.com/api/payment_intents/create
"""

from __future__ import annotations

from collections.abc import Iterable

from django_generic_payments.sandbox.parameters import (
    Kind,
    anything,
    choice,
    fields,
    unless,
    unset,
    unsimulated,
)

__all__ = ["METHOD_TYPES", "OF_INTENT", "OF_SESSION"]

METHOD_TYPES = (
    "acss_debit affirm afterpay_clearpay alipay alma amazon_pay au_becs_debit bacs_debit bancontact billie "
    "bizum blik boleto card cashapp crypto customer_balance eps fpx giropay grabpay ideal kakao_pay klarna "
    "konbini kr_card link mb_way mobilepay multibanco naver_pay nz_bank_account oxxo p24 pay_by_bank payco "
    "paynow paypal paypay payto pix promptpay revolut_pay samsung_pay satispay scalapay sepa_debit sequra "
    "sofort sunbit swish twint upi us_bank_account wechat_pay zip"
)

AUTOMATIC = unless("any", unless("challenge", choice("any", "automatic", "challenge")))

CARD = (
    "capture_method installments request_extended_authorization request_incremental_authorization "
    "request_multicapture request_overcapture setup_future_usage statement_descriptor_suffix_kana "
    "statement_descriptor_suffix_kanji"
)
CARD_OF_INTENT = (
    f"{CARD} cvc_token mandate_options moto network require_cvc_recollection setup_credential_usage "
    "stored_credential_usage three_d_secure"
)
SEPA_DEBIT = "mandate_options setup_future_usage target_date"


def options(methods: Iterable[str], card: str) -> Kind:
    """Make a table of methods; nobody here pays with any but two, so that the rest decides nothing."""
    of_card = {**dict.fromkeys(card.split(), unsimulated), "request_three_d_secure": AUTOMATIC}
    of_debit = dict.fromkeys(SEPA_DEBIT.split(), unsimulated)
    return fields(
        {
            **dict.fromkeys(methods, anything),
            "card": unset(fields(of_card)),
            "sepa_debit": unset(fields(of_debit)),
        }
    )


NOT_IN_CHECKOUT = ("bizum", "mb_way", "nz_bank_account", "paypay", "promptpay", "zip")
OF_SESSION = options(
    ["demo_pay", *(name for name in METHOD_TYPES.split() if name not in NOT_IN_CHECKOUT)],
    f"{CARD} restrictions",
)
OF_INTENT = options(["card_present", "interac_present", *METHOD_TYPES.split()], CARD_OF_INTENT)
