"""The rules of the project that a machine can check."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

import django_generic_payments

pytestmark = pytest.mark.core

ROOT = Path(__file__).resolve().parent.parent
SOURCE = Path(django_generic_payments.__file__).parent
FILES = sorted(path for path in SOURCE.rglob("*.py") if "migrations" not in path.parts)
TESTS = sorted((ROOT / "tests").rglob("*.py"))

#: What hosts may import. Whatever is not in here may change without notice.
PUBLIC = {
    "conf": {"SETTING", "STRIPE_API_BASE", "Settings", "get_settings"},
    "enums": {
        "Cause",
        "DeliveryState",
        "DisputeStatus",
        "EventKind",
        "RefundStatus",
        "ReviewDecision",
        "ReviewReason",
        "SessionStatus",
        "TransactionKind",
        "WebhookState",
    },
    "models": {
        "Customer",
        "Dispute",
        "PaymentEvent",
        "PaymentSession",
        "Refund",
        "Transaction",
        "WebhookEvent",
    },
    "money": {"CURRENCIES", "Money"},
    "payables": {
        "LineItem",
        "Payable",
        "PayableType",
        "get_payable_type",
        "payable",
        "register",
        "registered_types",
    },
    "sandbox": {
        "Answer",
        "ApiRequest",
        "Clock",
        "Delivery",
        "Observer",
        "Outcome",
        "Response",
        "Sandbox",
        "SandboxError",
        "Turbulence",
        "Unconfirmed",
    },
    "services": {
        "accept_payment",
        "cancel_checkout",
        "customer_portal_url",
        "fill_missing_fees",
        "payment_required",
        "refund_payment",
        "reject_payment",
        "resume_refunds",
        "start_checkout",
        "sync_session",
    },
    "signals": {
        "PaymentSignal",
        "dispute_closed",
        "dispute_opened",
        "payment_canceled",
        "payment_duplicated",
        "payment_expired",
        "payment_failed",
        "payment_needs_review",
        "payment_processing",
        "payment_refunded",
        "payment_succeeded",
        "refund_failed",
    },
    "testing": {"PaymentsSandbox", "override_payments", "use_sandbox"},
}


def name_of(path):
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.name


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_module_offers_what_is_promised(name):
    module = importlib.import_module(f"django_generic_payments.{name}")

    assert set(module.__all__) == PUBLIC[name]
    assert all(hasattr(module, each) for each in module.__all__)


def test_every_exception_is_exported_and_drawn_in_the_tree():
    from django_generic_payments import exceptions

    defined = {
        name
        for name, value in vars(exceptions).items()
        if getattr(value, "__module__", "") == exceptions.__name__
    }

    assert set(exceptions.__all__) == defined
    drawn = set(re.findall(r"^\W*([A-Z]\w+)", exceptions.__doc__.split(".", 1)[1], re.MULTILINE))
    assert drawn == defined


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_all_names_nothing_twice(path):
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            names = ast.literal_eval(node.value)
            assert len(names) == len(set(names))


def test_importing_the_package_imports_nothing():
    """Django imports it before its models may be."""
    code = (
        "import sys; before = set(sys.modules); import django_generic_payments; "
        "new = {name.partition('.')[0] for name in set(sys.modules) - before}; "
        "assert new == {'django_generic_payments'}, new; "
        "assert 'django_generic_payments.models' not in sys.modules; "
        "print(django_generic_payments.__version__)"
    )
    source = str(SOURCE.parent)

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={"PYTHONPATH": source}, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip() == django_generic_payments.__version__


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_no_file_is_too_long_to_read(path):
    limit = 500 if path.name == "models.py" else 400

    assert len(path.read_text(encoding="utf-8").splitlines()) <= limit


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_no_function_is_too_long_to_see(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            assert node.end_lineno - node.lineno < 60, node.name


def test_no_file_is_a_drawer_for_everything():
    drawers = {
        "utils.py",
        "util.py",
        "helpers.py",
        "helper.py",
        "common.py",
        "base.py",
        "misc.py",
        "constants.py",
    }

    assert not [name_of(path) for path in [*FILES, *TESTS] if path.name in drawers]


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_every_module_says_what_it_is_for(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))

    assert not tree.body or ast.get_docstring(tree)


def mocks_in(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names if "mock" in each.name)
        elif isinstance(node, ast.ImportFrom):
            yield from (each.name for each in node.names if "mock" in f"{node.module}.{each.name}".lower())
        elif isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in {"patch", "Mock", "MagicMock", "create_autospec"} and not sends_a_request(node):
                yield name


def sends_a_request(node):
    # Django's test client has a method of this name, which takes an address.
    owner = node.func.value if isinstance(node.func, ast.Attribute) else None
    return isinstance(owner, ast.Name) and owner.id in {"client", "api", "api_client"}


@pytest.mark.parametrize("path", TESTS, ids=name_of)
def test_nothing_is_mocked(path):
    assert list(mocks_in(ast.parse(path.read_text(encoding="utf-8")))) == []


@pytest.mark.parametrize(
    "code",
    [
        "import unittest.mock",
        "from unittest import mock",
        "from unittest.mock import patch",
        "mock.patch('x')",
        "patch('x')",
    ],
)
def test_a_mock_would_be_noticed(code):
    assert list(mocks_in(ast.parse(code)))


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_setting_is_read_when_it_is_used_and_not_when_a_module_is_imported(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    called = {
        node.func.id
        for statement in tree.body
        if not isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        for node in ast.walk(statement)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }

    assert "get_settings" not in called
