"""The settings in production, as the guide documents them."""

from __future__ import annotations

from tests.deployment.site import documented_environment

CODE = """
import sys
from config.wsgi import application
print(*sorted({"sentry_sdk", "whitenoise"} & set(sys.modules)))
"""


def test_the_documented_configuration_passes_every_check_of_a_deployment(site):
    said = site.python(
        "manage.py", "check", "--deploy", "--fail-level", "WARNING", **documented_environment()
    )

    assert said == "System check identified no issues (0 silenced).\n"


def test_static_files_are_collected_with_a_hash_and_compressed(site):
    collected = [path.name for path in (site.folder / "staticfiles").glob("site.*")]
    (hashed,) = [name for name in collected if name.endswith(".css") and name != "site.css"]
    assert f"{hashed}.gz" in collected


def test_a_developers_machine_needs_neither_whitenoise_nor_sentry(site):
    assert site.python("-c", CODE).split() == []


def test_production_needs_no_sentry_without_a_dsn(site):
    assert site.python("-c", CODE, **documented_environment()).split() == ["whitenoise"]


def test_a_dsn_switches_sentry_on(site):
    dsn = "http://key@127.0.0.1:9/1"

    said = site.python("-c", CODE, **documented_environment(), SENTRY_DSN=dsn)

    assert said.split() == ["sentry_sdk", "whitenoise"]


def test_a_level_of_the_log_that_does_not_exist_is_refused(site):
    done = site.run("python", "manage.py", "check", **documented_environment(), LOG_LEVEL="loud")

    assert done.returncode != 0
    assert "LOUD" in done.stderr


def test_what_is_sent_to_stripe_is_not_logged_whatever_the_level(site):
    code = (
        "import logging; from config.wsgi import application; "
        "print([logging.getLogger(name).isEnabledFor(logging.DEBUG) for name in ('stripe', 'bookings')])"
    )

    said = site.python("-c", code, **documented_environment(), LOG_LEVEL="debug")

    assert said.splitlines()[-1] == "[False, True]"
