"""The plugin for hosts that test with pytest."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DEPOSIT = "tests/hosts/with_pytest/deposit.py"
PLUGIN = "django_generic_payments.pytest_plugin"

pytestmark = pytest.mark.core


def run(*arguments, **environment):
    """Run pytest as a host does that has none of our fixtures."""
    command = [sys.executable, "-m", "pytest", "--noconftest", "-p", "no:cacheprovider", "-q", *arguments]
    return subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "PAYMENTS_TEST_DATABASE": "sqlite", "PAYMENTS_TEST_REQUIRE": "", **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_host_plays_payments_with_the_fixture():
    done = run("-p", PLUGIN, DEPOSIT)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 passed" in done.stdout


def test_a_host_that_did_not_ask_for_it_has_no_such_fixture():
    done = run(DEPOSIT)

    assert "fixture 'stripe_sandbox' not found" in done.stdout


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
