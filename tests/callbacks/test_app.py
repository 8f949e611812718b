"""The app is one of its own: it can be left out, and says what it needs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command

from django_generic_payments.contrib.callbacks import sending

pytestmark = pytest.mark.core

WITHOUT = "import sys; sys.modules['standardwebhooks'] = None; "
SET_UP = "import django; django.setup()"


def python(code, **environment):
    """Run Python with the settings of the tests."""
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[2],
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "PAYMENTS_TEST_DATABASE": "sqlite",
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("apps", ["s.INSTALLED_APPS", "s.INSTALLED_APPS[1:]"])
def test_without_the_package_that_signs_the_app_says_how_to_install_it(apps):
    # The settings, which look whether it is there, are read before it is gone; the first app is the admin.
    done = python(f"import tests.settings as s; s.INSTALLED_APPS = {apps}; " + WITHOUT + SET_UP)

    assert done.returncode == 1
    assert done.stderr.rstrip().endswith('pip install "django-generic-payments[callbacks]"')
    assert "ConfigurationError: Callbacks are signed by the package standardwebhooks" in done.stderr


def test_its_root_imports_nothing_that_may_be_missing():
    code = (
        "import django_generic_payments.contrib.callbacks; "
        "print([name for name in sys.modules if name.startswith('django.')])"
    )

    done = python(WITHOUT + code)

    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "[]", "")


def test_the_core_imports_none_of_it():
    code = (
        "import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'tests.settings'; import tests.settings as s; "
        "s.INSTALLED_APPS = [a for a in s.INSTALLED_APPS if 'contrib.callbacks' not in a]; " + SET_UP + "; "
        "import django_generic_payments.admin, django_generic_payments.maintenance.audit, sys; "
        "print([n for n in sys.modules if 'callbacks' in n or 'standardwebhooks' in n])"
    )

    done = python(code)

    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "[]", "")


@pytest.mark.django_db
def test_its_migrations_are_those_of_its_model():
    call_command("makemigrations", "generic_payments_callbacks", check=True, dry_run=True, verbosity=0)


def test_what_projects_may_call_is_there():
    assert {"replay", "send_due_callbacks"} <= set(sending.__all__)
