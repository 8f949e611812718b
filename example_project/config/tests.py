"""The settings: what they read from the environment, and what they make of it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from django.conf import settings
from django.test import SimpleTestCase, TestCase, override_settings

ROOT = Path(__file__).resolve().parent.parent
SHOW = """
    DEBUG GENERIC_PAYMENTS DEFAULT_CURRENCY ALLOWED_HOSTS CSRF_TRUSTED_ORIGINS ROOM_TAKEN DATABASES
    SESSION_COOKIE_SECURE SECURE_SSL_REDIRECT SECURE_PROXY_SSL_HEADER SECURE_HSTS_SECONDS
    SECURE_HSTS_INCLUDE_SUBDOMAINS SECURE_HSTS_PRELOAD SECURE_REFERRER_POLICY
"""

CODE = f"""
import json
from config import settings
print(json.dumps({{name: getattr(settings, name) for name in {SHOW.split()}}}, default=str))
"""


def run(**environment: str) -> subprocess.CompletedProcess[str]:
    """Read the settings in another process, with this environment."""
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "PYTHONPATH") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-c", CODE],
        cwd=ROOT,
        env={**kept, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def read(**environment: str) -> dict:
    done = run(**environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


class EnvironmentTests(SimpleTestCase):
    def test_the_example_names_what_the_settings_read_and_nothing_else(self):
        source = (ROOT / "config" / "settings.py").read_text()
        example = (ROOT / ".env.example").read_text()

        read_names = set(re.findall(r'env\.[\w.]+\(\s*"([A-Z_]+)"', source))
        named = re.findall(r"^#?([A-Z_]+)=", example, re.MULTILINE)

        self.assertEqual(read_names, set(named))
        self.assertEqual(len(named), len(set(named)))

    def test_the_example_as_it_is_changes_nothing(self):
        example = (ROOT / ".env.example").read_text()
        variables = dict(re.findall(r"^([A-Z_]+)=(.*)$", example, re.MULTILINE))

        self.assertEqual(read(**variables), read())

    def test_without_keys_payments_go_to_the_sandbox(self):
        payments = read()["GENERIC_PAYMENTS"]

        self.assertEqual(payments["STRIPE_API_BASE"], "http://127.0.0.1:8420")
        self.assertIs(payments["ENABLED"], True)

    def test_with_keys_payments_go_to_stripe(self):
        payments = read(STRIPE_SECRET_KEY="sk_test_1", STRIPE_WEBHOOK_SECRET="whsec_1,whsec_2")[
            "GENERIC_PAYMENTS"
        ]

        self.assertNotIn("STRIPE_API_BASE", payments)
        self.assertEqual(payments["STRIPE_SECRET_KEY"], "sk_test_1")
        self.assertEqual(payments["STRIPE_WEBHOOK_SECRET"], ["whsec_1", "whsec_2"])

    def test_payments_are_switched_off_by_a_word_and_never_by_a_blank(self):
        self.assertIs(read(PAYMENTS_ENABLED="False")["GENERIC_PAYMENTS"]["ENABLED"], False)
        self.assertIs(read(PAYMENTS_ENABLED="")["GENERIC_PAYMENTS"]["ENABLED"], True)

    def test_a_site_with_a_key_of_its_own_shows_no_errors_to_strangers(self):
        self.assertIs(read()["DEBUG"], True)
        self.assertIs(read(DJANGO_SECRET_KEY="x" * 50)["DEBUG"], False)

    def test_a_key_may_begin_with_a_dollar(self):
        self.assertIs(read(DJANGO_SECRET_KEY="$" + "x" * 50)["DEBUG"], False)

    def test_hosts_origins_currency_and_database_come_from_the_environment(self):
        site = read(
            ALLOWED_HOSTS="harbour.example",
            CSRF_TRUSTED_ORIGINS="https://harbour.example,https://www.harbour.example",
            DEFAULT_CURRENCY="EUR",
            DATABASE_URL="postgres://ann:secret@db.example:5432/harbour",
        )

        self.assertEqual(site["ALLOWED_HOSTS"], ["harbour.example"])
        self.assertEqual(len(site["CSRF_TRUSTED_ORIGINS"]), 2)
        self.assertEqual(site["DEFAULT_CURRENCY"], "eur")
        self.assertEqual(site["DATABASES"]["default"]["ENGINE"], "django.db.backends.postgresql")

    def test_on_a_developers_machine_plain_http_will_do(self):
        site = read()

        self.assertIs(site["SECURE_SSL_REDIRECT"], False)
        self.assertIs(site["SESSION_COOKIE_SECURE"], False)
        self.assertEqual(site["SECURE_HSTS_SECONDS"], 0)

    def test_in_production_only_https_will_do_and_no_header_is_believed(self):
        site = read(DJANGO_SECRET_KEY="x" * 50)

        self.assertIs(site["SECURE_SSL_REDIRECT"], True)
        self.assertIs(site["SESSION_COOKIE_SECURE"], True)
        self.assertEqual(site["SECURE_HSTS_SECONDS"], 3600)
        self.assertIs(site["SECURE_HSTS_INCLUDE_SUBDOMAINS"], False)
        self.assertIs(site["SECURE_HSTS_PRELOAD"], False)
        self.assertIsNone(site["SECURE_PROXY_SSL_HEADER"])

    def test_how_https_is_spoken_comes_from_the_environment(self):
        site = read(
            DJANGO_SECRET_KEY="x" * 50,
            SECURE_SSL_REDIRECT="False",
            SECURE_PROXY_SSL_HEADER="HTTP_X_FORWARDED_PROTO,https",
            SECURE_HSTS_SECONDS="31536000",
            SECURE_HSTS_INCLUDE_SUBDOMAINS="True",
            SECURE_HSTS_PRELOAD="True",
            SECURE_REFERRER_POLICY="no-referrer",
        )

        self.assertIs(site["SECURE_SSL_REDIRECT"], False)
        self.assertEqual(site["SECURE_PROXY_SSL_HEADER"], ["HTTP_X_FORWARDED_PROTO", "https"])
        self.assertEqual(site["SECURE_HSTS_SECONDS"], 31536000)
        self.assertIs(site["SECURE_HSTS_INCLUDE_SUBDOMAINS"], True)
        self.assertIs(site["SECURE_HSTS_PRELOAD"], True)
        self.assertEqual(site["SECURE_REFERRER_POLICY"], "no-referrer")

    def test_in_production_a_connection_to_postgresql_is_kept_for_a_while(self):
        server = {"DATABASE_URL": "postgres://ann:secret@db.example:5432/harbour"}
        production = {**server, "DJANGO_SECRET_KEY": "x" * 50}

        def kept(**environment: str) -> tuple[int, bool]:
            database = read(**environment)["DATABASES"]["default"]
            return database["CONN_MAX_AGE"], database["CONN_HEALTH_CHECKS"]

        self.assertEqual(kept(**server), (0, True))
        self.assertEqual(kept(**production), (60, True))
        self.assertEqual(kept(**production, CONN_MAX_AGE="600", CONN_HEALTH_CHECKS="False"), (600, False))

    def test_nothing_of_that_concerns_sqlite(self):
        database = read(DJANGO_SECRET_KEY="x" * 50, CONN_MAX_AGE="600")["DATABASES"]["default"]

        self.assertNotIn("CONN_MAX_AGE", database)

    def test_a_word_that_is_not_known_is_refused_with_those_that_are(self):
        done = run(ROOM_TAKEN="shrug")

        self.assertIn("ROOM_TAKEN is 'shrug'. Set it to 'staff' or 'refund'", done.stderr)


class BannerTests(TestCase):
    def test_every_page_says_where_payments_go(self):
        configured = settings.GENERIC_PAYMENTS
        stripe = {name: value for name, value in configured.items() if name != "STRIPE_API_BASE"}
        for changed, said in (
            ({**stripe, "STRIPE_API_BASE": "http://127.0.0.1:8420"}, "payments go to a sandbox"),
            ({**stripe, "STRIPE_SECRET_KEY": "rk_test_1"}, "Stripe in test mode"),
            ({**stripe, "ENABLED": False}, "Payments are switched off"),
        ):
            with self.subTest(said), override_settings(GENERIC_PAYMENTS=changed):
                self.assertContains(self.client.get("/bookings/"), said)

    def test_a_site_that_takes_real_money_says_nothing(self):
        live = {"ENABLED": True, "STRIPE_SECRET_KEY": "sk_live_1", "STRIPE_WEBHOOK_SECRET": "whsec_1"}

        with override_settings(GENERIC_PAYMENTS=live):
            self.assertNotContains(self.client.get("/bookings/"), 'class="mode"')


class HealthTests(TestCase):
    def test_a_site_whose_database_answers_is_well(self):
        answer = self.client.get("/healthz/")

        self.assertEqual((answer.status_code, answer.content), (200, b"ok\n"))

    def test_the_answer_is_never_kept(self):
        self.assertIn("no-store", self.client.get("/healthz/")["Cache-Control"])

    def test_asking_needs_no_https(self):
        with override_settings(SECURE_SSL_REDIRECT=True):
            self.assertEqual(self.client.get("/healthz/").status_code, 200)
            self.assertEqual(self.client.get("/").status_code, 301)

    def test_asking_begins_no_session(self):
        self.assertEqual(dict(self.client.get("/healthz/").cookies), {})
