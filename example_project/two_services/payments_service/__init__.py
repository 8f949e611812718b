"""Payments, for bookings that live in another service."""
