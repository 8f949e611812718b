"""Stripe payments for any Django model, booked exactly once."""

__version__ = "0.1.0"
