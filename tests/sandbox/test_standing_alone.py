from __future__ import annotations

import ast
import subprocess
import sys
import time
from pathlib import Path

import django_generic_payments.sandbox
from django_generic_payments.sandbox import Clock, Sandbox

FOLDER = Path(django_generic_payments.sandbox.__file__).parent
ME = "django_generic_payments.sandbox"


def imported(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    names = {
        node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and not node.level
    }
    return names | {
        alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    }


def test_the_sandbox_imports_nothing_but_python_and_itself() -> None:
    names = set().union(*(imported(path) for path in FOLDER.rglob("*.py")))

    strangers = {name for name in names if name.partition(".")[0] not in sys.stdlib_module_names}
    assert {name for name in strangers if name != ME and not name.startswith(f"{ME}.")} == set()


def test_it_works_in_a_python_without_site_packages() -> None:
    source = str(FOLDER.parents[1])
    program = f"import sys; sys.path.insert(0, {source!r}); import {ME}.server; print(len(sys.modules))"

    subprocess.run([sys.executable, "-S", "-I", "-c", program], check=True, capture_output=True)


def test_a_clock_runs_or_stands_still() -> None:
    before = int(time.time())
    running, standing = Clock(), Clock(start=100)

    assert before <= running.now() <= time.time()
    running.advance(3600)
    standing.advance(50)

    assert running.now() >= before + 3600
    assert standing.now() == 150


def test_a_sandbox_has_a_clock_of_its_own() -> None:
    sandbox = Sandbox()

    sandbox.advance(3600)

    assert sandbox.clock.now() > time.time() + 3500
