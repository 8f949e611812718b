"""Every host's own tests, its system check and its migrations, each in a process of its own: settings differ."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import pytest
from django.conf import settings

from tests.example import EXAMPLE, needs_example

ROOT = Path(__file__).parents[2]


class Host(NamedTuple):
    """A project: its settings, what its tests are called, and the folder in which its commands are run."""

    settings: str
    tests: str
    folder: Path = ROOT


def host(name: str) -> Host:
    return Host(f"tests.hosts.{name}.settings", f"tests.hosts.{name}")


HOSTS = [
    pytest.param(host("atomic_requests"), marks=pytest.mark.core, id="atomic_requests"),
    pytest.param(host("uuid_user"), id="uuid_user"),
    pytest.param(host("guests_only"), id="guests_only"),
    pytest.param(host("soft_delete"), id="soft_delete"),
    pytest.param(host("plain_sqlite"), id="plain_sqlite"),
    pytest.param(Host("config.settings", ".", EXAMPLE), marks=needs_example, id="example_project"),
]


def manage(host: Host, *arguments: str) -> str:
    """Run a command in the host's project, where a warning is an error, and return all that it said."""
    command = [sys.executable, "-W", "error", "-m", "django", *arguments]
    done = subprocess.run(
        [*command, "--settings", host.settings],
        cwd=host.folder,
        # Only tests make the database that they name.
        env=environment(with_database=arguments[0] == "test"),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said


def environment(*, with_database: bool) -> dict[str, str]:
    """Leave out what belongs to these tests, and name their database to the host that asks the environment for it."""
    theirs = {name: value for name, value in os.environ.items() if name not in STRANGE}
    database = settings.DATABASES["default"]
    if with_database and database["ENGINE"].endswith("postgresql"):
        secret = quote(database["PASSWORD"], safe="")
        theirs["DATABASE_URL"] = (
            f"postgres://{database['USER']}:{secret}@{database['HOST']}:{database['PORT']}/harbour"
        )
    return theirs


# Whoever runs the tests may have settings of their own for the example.
STRANGE = {
    "DJANGO_SETTINGS_MODULE",
    "DATABASE_URL",
    "STRIPE_SECRET_KEY",
    "DJANGO_SECRET_KEY",
    "PAYMENTS_ENABLED",
}


@pytest.mark.parametrize("host", HOSTS)
def test_the_tests_of_the_host_pass(host):
    said = manage(host, "test", host.tests)

    assert int(re.search(r"^Ran (\d+) tests? in", said, re.MULTILINE)[1]) > 0
    assert re.search(r"^OK\b", said, re.MULTILINE)


@pytest.mark.parametrize("host", HOSTS)
def test_the_host_passes_the_system_check(host):
    said = manage(host, "check", "--fail-level", "WARNING")

    assert "no issues" in said


@pytest.mark.parametrize("host", HOSTS)
def test_no_setting_of_the_host_calls_for_a_migration_of_ours(host):
    said = manage(host, "makemigrations", "--check", "--dry-run", "generic_payments")

    assert "No changes detected in app 'generic_payments'" in said


@needs_example
def test_the_example_has_the_migrations_of_its_models():
    said = manage(HOSTS[-1].values[0], "makemigrations", "--check", "--dry-run")

    assert "No changes detected" in said
