"""What the site says of itself when its database is gone."""

from __future__ import annotations

import re

import pytest

from tests.deployment.site import Web, documented_environment

RECORD = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} [A-Z]+ [\w.]+ \S|\[\d\d/\w{3}/\d{4}")


@pytest.fixture(scope="module")
def web(site):
    """The web process, with a database that nobody serves."""
    gone = {"DATABASE_URL": "postgres://harbour:hush@127.0.0.1:1/harbour"}
    with Web(site, **documented_environment() | gone) as web:
        yield web


def test_without_its_database_the_site_is_not_well_and_does_not_say_why(web):
    answer = web.ask("/healthz/")

    assert (answer.status, answer.body) == (503, b"unavailable\n")
    assert "no-store" in answer.headers["Cache-Control"]


def test_the_log_says_why_without_what_leads_to_the_database(web):
    web.ask("/healthz/")

    assert web.line("The database does not answer").endswith("answer: OperationalError.")
    assert not any("hush" in line for line in web.log())


def test_every_record_of_the_log_is_one_line(web):
    answer = web.ask("/", X_Forwarded_Proto="https")

    assert answer.status == 500
    assert web.line("Traceback (most recent call last):\\n")
    assert [line for line in web.log() if not RECORD.match(line)] == []
