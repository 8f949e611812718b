"""A shop: what the tests pay for."""
