"""What nobody outside Stripe knows for certain: each is a switch, so that a project can be tried both ways."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Unconfirmed"]


@dataclass(frozen=True)
class Unconfirmed:
    """How Stripe behaves where its documentation says nothing.

    Args:
        cancels_intent_on_expiry: the payment intent of a session that expires is canceled with it.
        pays_before_capture: a completed session with manual capture is "paid" before the capture, too.
        tells_session_first: when a delayed payment settles, the event of the checkout session comes before those
            of its charge and intent.
        lowers_refunded_on_failure: `amount_refunded` of a charge goes down again when a refund fails.
        updates_charge_on_refund_failure: `charge.updated` tells of that.
        updates_charge_on_dispute: `charge.updated` tells of `disputed` when a dispute is opened.
        takes_old_ui_modes: the names that `ui_mode` had until 2026 are still accepted.
        rounds_three_decimals: amounts in currencies with three decimals must be multiples of ten.
    """

    cancels_intent_on_expiry: bool = False
    pays_before_capture: bool = False
    tells_session_first: bool = False
    lowers_refunded_on_failure: bool = True
    updates_charge_on_refund_failure: bool = False
    updates_charge_on_dispute: bool = False
    takes_old_ui_modes: bool = False
    rounds_three_decimals: bool = True
