"""The Procfile's commands, run as a host runs them."""

from __future__ import annotations

import gzip
import importlib.util
import re
import shlex
import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.deployment.site import HOST, PATIENCE, Web, documented_environment, procfile

HTTPS = {"X_Forwarded_Proto": "https"}
WORKER = "django_generic_payments.management.commands.payments_work"


@pytest.fixture(scope="module")
def environment(postgres_url):
    """What the guide documents, with a database that is there and a proxy that is on another machine."""
    return {
        **documented_environment(),
        "DATABASE_URL": postgres_url,
        # By itself, gunicorn would believe what this machine says of https.
        "FORWARDED_ALLOW_IPS": "192.0.2.1",
    }


@pytest.fixture(scope="module")
def released(site, environment):
    """The release, on an empty database."""
    return site.release(**environment)


@pytest.fixture(scope="module")
def web(site, environment, released):
    """The web process, after the release."""
    with Web(site, **environment) as web:
        yield web


@pytest.mark.postgres
def test_the_release_looks_for_mistakes_and_makes_the_tables(site, environment, released):
    assert released.returncode == 0, released.stderr
    assert "no issues" in released.stdout
    assert "generic_payments.0001_initial... OK" in released.stdout
    assert "No planned migration operations" in site.python("manage.py", "migrate", "--plan", **environment)


def test_a_release_with_a_mistake_makes_no_table(site, tmp_path):
    database = tmp_path / "untouched.sqlite3"
    mistaken = {**documented_environment(), "STRIPE_SECRET_KEY": "pk_live_1"}

    done = site.release(**mistaken | {"DATABASE_URL": f"sqlite:///{database}"})

    assert done.returncode != 0
    assert "generic_payments.E009" in done.stderr
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == []


@pytest.mark.postgres
def test_the_site_is_well(web):
    answer = web.ask("/healthz/")

    assert (answer.status, answer.body) == (200, b"ok\n")
    assert "no-store" in answer.headers["Cache-Control"]


@pytest.mark.postgres
def test_plain_http_is_redirected_to_https(web):
    answer = web.ask("/bookings/?page=2")

    assert answer.status == 301
    assert answer.headers["Location"] == f"https://{HOST}/bookings/?page=2"


@pytest.mark.postgres
def test_what_the_proxy_got_by_https_is_served_and_stays_https(web):
    answer = web.ask("/", **HTTPS)

    assert answer.status == 200
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains; preload"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"


@pytest.mark.postgres
def test_a_cookie_is_sent_by_https_alone(web):
    assert "Secure" in web.ask("/accounts/log-in/", **HTTPS).headers["Set-Cookie"]


@pytest.mark.postgres
def test_pages_name_static_files_that_browsers_may_keep_for_ever(web):
    page = web.ask("/", **HTTPS).body.decode()
    address = re.search(r"/static/site\.[0-9a-f]{12}\.css", page)[0]

    plain, packed = web.ask(address, **HTTPS), web.ask(address, Accept_Encoding="gzip", **HTTPS)

    assert plain.status == 200
    assert plain.headers["Cache-Control"] == "max-age=315360000, public, immutable"
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body


@pytest.mark.postgres
def test_the_admin_has_its_style(web):
    page = web.ask("/admin/login/", **HTTPS).body.decode()
    address = re.search(r'/static/admin/css/base\.[^"]+', page)[0]

    assert web.ask(address, **HTTPS).status == 200


@pytest.mark.postgres
def test_a_host_that_is_not_the_sites_is_refused(web):
    assert web.ask("/", Host="other.example", **HTTPS).status == 400


@pytest.mark.postgres
def test_a_forged_webhook_is_refused_by_us_and_not_by_what_lies_before(web):
    answer = web.ask("/payments/webhook/stripe/", "POST", b"{}", Stripe_Signature="t=1,v1=0", **HTTPS)

    assert answer.status == 400
    assert web.line("A webhook was refused")


@pytest.mark.postgres
def test_the_access_log_tells_the_path_and_nothing_of_what_follows_it(web):
    web.ask("/shop/?who=ann", Referer=f"https://{HOST}/secret/", **HTTPS)

    line = web.line(" GET /shop/ ")
    assert " 200 " in line
    assert "ann" not in line
    assert "secret" not in line


@pytest.mark.postgres
def test_the_site_stops_cleanly_when_it_is_told_to(site, environment, released):
    with Web(site, **environment) as web:
        assert web.ask("/healthz/").status == 200

        assert web.stop() == 0


def test_there_is_a_worker():
    assert procfile()["worker"] == "python manage.py payments_work"


@pytest.mark.postgres
def test_the_worker_stops_cleanly_when_it_is_told_to(site, environment, released):
    if importlib.util.find_spec(WORKER) is None:
        pytest.skip("this version has no worker")
    worker = subprocess.Popen(
        shlex.split(procfile()["worker"]),
        cwd=site.folder,
        env=site.environment(**environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        wait_until_it_listens_to_sigterm(worker)
        worker.send_signal(signal.SIGTERM)
        said, _nothing = worker.communicate(timeout=PATIENCE)
    finally:
        worker.kill()

    assert worker.returncode == 0, said


def wait_until_it_listens_to_sigterm(process: subprocess.Popen[str]) -> None:
    status = Path(f"/proc/{process.pid}/status")
    if not status.exists():
        pytest.skip("this system does not tell what signals a process listens to")
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        caught = int(re.search(r"^SigCgt:\s*(\w+)", status.read_text(), re.MULTILINE)[1], 16)
        if caught >> (signal.SIGTERM - 1) & 1:
            return
        time.sleep(0.05)
    raise AssertionError("The worker does not listen to SIGTERM.")
