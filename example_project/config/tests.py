"""The settings: what they read from the environment, and what they make of it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client, SimpleTestCase, TestCase, override_settings

ROOT = Path(__file__).resolve().parent.parent
SHOW = """
    DEBUG GENERIC_PAYMENTS DEFAULT_CURRENCY ALLOWED_HOSTS CSRF_TRUSTED_ORIGINS CORS_ALLOWED_ORIGINS ROOM_TAKEN DATABASES
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
            DJANGO_SECRET_KEY="x" * 50,
            ALLOWED_HOSTS="harbour.example",
            CSRF_TRUSTED_ORIGINS="https://harbour.example,https://www.harbour.example",
            DEFAULT_CURRENCY="EUR",
            DATABASE_URL="postgres://ann:secret@db.example:5432/harbour",
        )

        self.assertEqual(site["ALLOWED_HOSTS"], ["harbour.example"])
        self.assertEqual(len(site["CSRF_TRUSTED_ORIGINS"]), 2)
        self.assertEqual(site["DEFAULT_CURRENCY"], "eur")
        self.assertEqual(site["DATABASES"]["default"]["ENGINE"], "django.db.backends.postgresql")

    def test_pages_of_other_origins_come_from_the_environment_and_payers_go_back_there(self):
        production = {"DJANGO_SECRET_KEY": "x" * 50}
        page = read(**production, FRONTEND_ORIGINS="https://app.harbour.example")

        self.assertEqual(page["CORS_ALLOWED_ORIGINS"], ["https://app.harbour.example"])
        self.assertEqual(page["CSRF_TRUSTED_ORIGINS"], ["https://app.harbour.example"])
        self.assertEqual(page["GENERIC_PAYMENTS"]["ALLOWED_REDIRECT_HOSTS"], ["app.harbour.example"])
        self.assertEqual(read()["CORS_ALLOWED_ORIGINS"], ["http://127.0.0.1:5173"])
        self.assertEqual(read(**production)["CORS_ALLOWED_ORIGINS"], [])

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


PAGE, STRANGER = "https://app.harbour.example", "https://evil.example"


@override_settings(CORS_ALLOWED_ORIGINS=[PAGE], CSRF_TRUSTED_ORIGINS=[PAGE])
class OtherOriginTests(TestCase):
    """Pages of other origins: what a browser lets them do, and what they cannot do with a visitor's cookie."""

    fixtures = ["rooms"]

    def setUp(self) -> None:
        cache.clear()  # throttles remember across tests
        self.ann = get_user_model().objects.create_user("ann", "ann@example.com")
        # The cookies of Ann's browser go along, wherever the page is that asks.
        self.browser = Client(enforce_csrf_checks=True)
        self.browser.force_login(self.ann)

    def preflight(self, path: str, origin: str, *, method: str = "POST", headers: str = "") -> HttpResponse:
        asked = {
            "Origin": origin,
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": headers,
        }
        return self.client.options(path, headers=asked)

    def book(self, origin: str, **headers: str) -> HttpResponse:
        return self.browser.post(
            "/api/bookings/", {}, content_type="application/json", headers={"Origin": origin, **headers}
        )

    def token(self) -> str:
        return self.browser.get("/api/csrf/", headers={"Origin": PAGE}).json()["token"]

    def test_the_page_may_send_what_it_sends(self):
        for method, path, headers in (
            ("GET", "/api/rooms/", ""),
            ("GET", "/api/csrf/", ""),
            ("POST", "/api/bookings/", "content-type,x-csrftoken"),
            ("POST", "/api/payments/checkout/", "content-type,idempotency-key,x-csrftoken"),
            ("GET", "/api/payments/status/0c7a7e0e-6d0f-4f0e-8f5b-2f6f1f0c6a11/", "payment-token"),
        ):
            with self.subTest(path):
                answer = self.preflight(path, PAGE, method=method, headers=headers)

                self.assertEqual(answer["Access-Control-Allow-Origin"], PAGE)
                self.assertEqual(answer["Access-Control-Allow-Credentials"], "true")
                self.assertIn(method, answer["Access-Control-Allow-Methods"])
                allowed = answer["Access-Control-Allow-Headers"].split(", ")
                self.assertLessEqual(set(filter(None, headers.split(","))), set(allowed))

    def test_another_page_is_told_nothing(self):
        for origin in (
            STRANGER,
            "https://app.harbour.example.evil.example",
            "http://app.harbour.example",
            "null",
        ):
            with self.subTest(origin):
                asked = self.preflight("/api/bookings/", origin, headers="content-type")
                read = self.browser.get("/api/csrf/", headers={"Origin": origin})

                self.assertNotIn("Access-Control-Allow-Origin", asked)
                self.assertNotIn("Access-Control-Allow-Origin", read)

    def test_only_the_api_is_shown_to_other_origins(self):
        for path in ("/", "/bookings/", "/accounts/log-in/", "/admin/login/", "/healthz/"):
            with self.subTest(path):
                answer = self.browser.get(path, headers={"Origin": PAGE})

                self.assertEqual([name for name in answer.headers if name.startswith("Access-Control")], [])

    def test_the_page_may_read_how_long_to_wait(self):
        answer = self.browser.get("/api/rooms/", headers={"Origin": PAGE})

        self.assertEqual(answer["Access-Control-Expose-Headers"], "retry-after")

    def test_answers_are_not_kept_for_another_origin(self):
        self.assertIn("origin", self.browser.get("/api/csrf/", headers={"Origin": PAGE})["Vary"].lower())

    def test_somebody_logged_in_is_not_heard_without_a_token(self):
        self.assertEqual(self.book(PAGE).status_code, 403)

    def test_somebody_logged_in_is_heard_with_a_token(self):
        answer = self.book(PAGE, **{"X-CSRFToken": self.token()})

        self.assertEqual(answer.status_code, 400)  # the form is empty, and it was read

    def test_a_page_of_a_stranger_cannot_act_for_ann_with_her_cookie(self):
        token = self.token()

        for headers in ({}, {"X-CSRFToken": token}):
            with self.subTest(**headers):
                answer = self.book(STRANGER, **headers)

                self.assertEqual((answer.status_code, answer.json()["code"]), (403, "permission_denied"))

    def test_a_form_of_a_stranger_cannot_either(self):
        answer = self.browser.post("/api/bookings/", {"room": "harbour-view"}, headers={"Origin": STRANGER})

        self.assertEqual(answer.status_code, 403)

    def test_payments_are_guarded_in_the_same_way(self):
        answer = self.browser.post(
            "/api/payments/checkout/", {}, content_type="application/json", headers={"Origin": STRANGER}
        )

        self.assertEqual(answer.status_code, 403)

    def test_cookies_are_kept_from_other_sites_by_browsers_too(self):
        self.browser.get("/api/csrf/")

        self.assertEqual(self.browser.cookies["csrftoken"]["samesite"], "Lax")
        self.assertEqual(settings.SESSION_COOKIE_SAMESITE, "Lax")

    def test_a_token_is_never_kept(self):
        self.assertEqual(self.browser.get("/api/csrf/")["Cache-Control"], "no-store")


class DocumentationTests(TestCase):
    def test_the_schema_names_what_programs_can_do(self):
        schema = self.client.get("/api/schema/", headers={"Accept": "application/json"}).json()

        for path in (
            "/api/rooms/",
            "/api/bookings/",
            "/api/bookings/{id}/",
            "/api/bookings/{id}/confirm-payment/",
            "/api/csrf/",
            "/api/payments/checkout/",
            "/api/payments/status/{session_id}/",
        ):
            self.assertIn(path, schema["paths"])


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
