"""Bookings, without a line of code about Stripe."""
