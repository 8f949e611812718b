"""The plugin for hosts that test with pytest."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
GUIDE = ROOT / "docs" / "howto" / "test-your-payments.md"
# The project of these tests, and what the environment names already.
IMPORTED = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
DEPOSIT = "tests/hosts/with_pytest/deposit.py"
PLUGIN = "django_generic_payments.pytest_plugin"


def run(*arguments, folder=ROOT, **environment):
    """Run pytest as a host does that has none of our fixtures."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", *arguments]
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PAYMENTS_TEST_DATABASE": "sqlite", "PAYMENTS_TEST_REQUIRE": "", **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_host_plays_payments_with_the_fixture():
    done = run("--noconftest", "-p", PLUGIN, DEPOSIT)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 passed" in done.stdout


def test_a_host_that_did_not_ask_for_it_has_no_such_fixture():
    done = run("--noconftest", DEPOSIT)

    assert "fixture 'stripe_sandbox' not found" in done.stdout


@pytest.fixture
def host(tmp_path):
    """A host that has the line of the documentation in its conftest.py."""
    (line,) = re.findall(r"^pytest_plugins = .*$", GUIDE.read_text(), re.MULTILINE)
    (tmp_path / "conftest.py").write_text(f"{line}\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\nDJANGO_SETTINGS_MODULE = tests.settings\n")
    return tmp_path


@pytest.mark.skipif(not GUIDE.is_file(), reason="docs/ is part of the repository alone")
def test_it_is_named_in_a_conftest_as_the_documentation_says(host):
    (host / "test_deposit.py").write_text((ROOT / DEPOSIT).read_text())

    done = run(folder=host, PYTHONPATH=IMPORTED)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 passed" in done.stdout


@pytest.mark.skipif(not GUIDE.is_file(), reason="docs/ is part of the repository alone")
def test_a_test_without_a_database_is_told_what_pytest_django_tells(host):
    (host / "test_deposit.py").write_text(
        "from django_generic_payments.services import start_checkout\n"
        "from tests.shop.models import Booking\n"
        "def test_pay(stripe_sandbox):\n"
        "    stripe_sandbox.pay(start_checkout(Booking.objects.create()))\n"
    )

    done = run(folder=host, PYTHONPATH=IMPORTED)

    assert 'Database access not allowed, use the "django_db" mark' in done.stdout
    assert "1 failed" in done.stdout


def test_it_imports_nothing_before_it_is_asked_for():
    program = (
        f"import {PLUGIN}, sys;"
        "print(*sorted({name.partition('.')[0] for name in sys.modules} & {'django', 'stripe', 'requests'}),"
        "*sorted(name for name in sys.modules if name.startswith('django_generic_payments')))"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )

    assert done.stdout.split() == ["django_generic_payments", PLUGIN]


def test_it_is_not_there_unless_it_is_named():
    assert PLUGIN not in {each.value for each in entry_points(group="pytest11")}
