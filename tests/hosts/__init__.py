"""Strangers' projects, each with its own settings and its own tests in plain Django. See test_hosts.py."""
