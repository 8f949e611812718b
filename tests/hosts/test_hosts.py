"""Every host's own tests, its system check and its migrations, each in a process of its own: settings differ."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HOSTS = [
    pytest.param("atomic_requests", marks=pytest.mark.core),
    "uuid_user",
    "guests_only",
    "soft_delete",
]


def manage(host: str, *arguments: str) -> str:
    """Run a command in the host's project, where a warning is an error, and return all that it said."""
    command = [sys.executable, "-W", "error", "-m", "django", *arguments]
    settings = f"tests.hosts.{host}.settings"
    done = subprocess.run(
        [*command, "--settings", settings],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said


@pytest.mark.parametrize("host", HOSTS)
def test_the_tests_of_the_host_pass(host):
    said = manage(host, "test", f"tests.hosts.{host}")

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
