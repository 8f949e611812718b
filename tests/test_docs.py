"""The documentation names what there is, names all of it, and names nothing else."""

from __future__ import annotations

import ast
import importlib
import inspect
import os
import re
import subprocess
import sys
from argparse import ArgumentParser
from dataclasses import fields
from pathlib import Path

import pytest
from django.apps import apps

from django_generic_payments import checks, conf, exceptions, payables, services, signals, urls
from django_generic_payments.sandbox import Sandbox, Turbulence, Unconfirmed, cards, faults
from django_generic_payments.sandbox.command_line import add_arguments
from django_generic_payments.sandbox.endpoints import ROUTES
from django_generic_payments.sandbox.mishaps import EventMishaps
from django_generic_payments.webhooks.handlers import HANDLERS

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
EXAMPLE = ROOT / "example_project"
README, SETUP = ROOT / "README.md", EXAMPLE / "SETUP.md"
CALLBACKS = "django_generic_payments.contrib.callbacks"
IMAGES = "https://raw.githubusercontent.com/django-generic-payments/django-generic-payments/main/"
PAGES = [README, SETUP, *sorted(DOCS.rglob("*.md"))]

pytestmark = pytest.mark.skipif(not DOCS.is_dir(), reason="docs/ is part of the repository alone")
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())

BLOCK = re.compile(
    r"^```\{(?P<kind>code-block|literalinclude)\} *(?P<argument>.*)\n(?P<body>(?:.*\n)*?)```$", re.MULTILINE
)
OPTION = re.compile(r"^:([a-z-]+): *'?(.*?)'?\n", re.MULTILINE)
DOWNLOAD = re.compile(r"\{download\}`([^`<]+) <([^>`]+)>`")


def reference(name: str) -> str:
    return (DOCS / "reference" / f"{name}.md").read_text()


def first_cells(page: str) -> set[str]:
    """Return what stands in backticks in the first cell of each row."""
    rows = re.findall(r"^\| ([^|]*) \|", reference(page), re.MULTILINE)
    return {name for cell in rows for name in re.findall(r"`([^`]+)`", cell)}


@pytest.mark.core
def test_every_setting_is_explained_and_no_other():
    assert first_cells("settings") == set(conf.setting_names())


@pytest.mark.core
def test_every_check_is_explained_and_no_other():
    assert first_cells("checks") == set(re.findall(r"generic_payments\.[EW]\d{3}", inspect.getsource(checks)))


@pytest.mark.core
def test_everything_of_the_sandbox_is_explained_and_no_more():
    known = [
        set(inspect.signature(Sandbox).parameters),
        set(faults.KINDS),
        set(EventMishaps.COUNTS),
        {each.name for each in fields(Turbulence)},
        {each.name for each in fields(Unconfirmed)},
        {card.number for card in cards.CARDS},
        {account.number for account in cards.BANK_ACCOUNTS},
    ]
    options = ArgumentParser(add_help=False)
    add_arguments(options)
    served = {name for action in options._actions for name in action.option_strings} | {"--key"}

    assert first_cells("sandbox") == set().union(*known, served)


@pytest.mark.core
def test_every_operation_of_the_sandbox_is_named_and_no_other():
    named = re.findall(r"`((?:GET|POST|DELETE) /v1/[^`]+)`", reference("sandbox"))

    assert sorted(named) == sorted(f"{route.method} {route.template}" for route in ROUTES)


@pytest.mark.core
def test_every_signal_is_explained_with_its_arguments():
    names = set(signals.__all__) - {"PaymentSignal"}
    page, source = reference("signals"), inspect.getsource(signals)

    for name in names:
        (comment,) = re.findall(rf"((?:^#:.*\n)+){name} = ", source, re.MULTILINE)
        (row,) = re.findall(rf"^\| `{name}` \|.*\|(.*)\|$", page, re.MULTILINE)
        assert re.findall(r"`(\w+)`", row) == re.findall(r"- ``(\w+)``", comment)


@pytest.mark.core
def test_every_exception_is_explained_and_no_other():
    assert first_cells("exceptions") == set(exceptions.__all__)


@pytest.mark.core
def test_every_service_is_explained_with_its_arguments():
    page = reference("services")

    for name in services.__all__:
        assert f"`{name}(" in page
        for argument in list(inspect.signature(getattr(services, name)).parameters)[1:]:
            assert argument in {"cause", "by", "patient"} or f"`{argument}`" in page


@pytest.mark.core
def test_every_address_is_explained_with_its_path():
    page = reference("urls")

    for each in urls.urlpatterns:
        path = re.sub(r"<(?:\w+:)?(?:payable_|session_)?(\w+)>", r"<\1>", str(each.pattern))
        path = path.replace("pay/<id>", "pay/<uuid>").replace("return/<id>", "return/<uuid>")
        assert f"| `{urls.app_name}:{each.name}` | `{path}` |" in page


@pytest.mark.core
def test_every_method_of_a_payable_is_explained():
    optional = re.findall(r"``((?:get|payment)_\w+)", inspect.getdoc(payables.Payable))
    required = [name for name in vars(payables.Payable) if re.match("get_payment_|can_", name)]
    page = reference("payables")

    assert [name for name in {*optional, *required} if f"`{name}" not in page] == []


@pytest.mark.core
def test_the_webhook_endpoint_gets_the_events_that_are_read():
    listed = re.findall(r"^- `([a-z_.]+)`$", (DOCS / "howto" / "go-live.md").read_text(), re.MULTILINE)

    assert listed == list(HANDLERS)


@pytest.mark.core
@each_page
def test_pages_import_only_what_exists(page):
    text = page.read_text()

    for module, names in re.findall(r"from (django_generic_payments[\w.]*) import ([\w, ]+)", text):
        if is_left_out(module):
            continue
        for name in names.split(","):
            assert hasattr(importlib.import_module(module), name.strip())
    for dotted in re.findall(r"`(django_generic_payments(?:\.\w+)+)`", text):
        importlib.import_module(dotted)


def is_left_out(module: str) -> bool:
    """Tell whether a module is of an optional app that needs a package which is not here."""
    return module.startswith(CALLBACKS) and not apps.is_installed(CALLBACKS)


@pytest.mark.core
@each_page
def test_pages_name_only_settings_that_exist(page):
    text = page.read_text()
    named = re.findall(r"""GENERIC_PAYMENTS\[["'](\w+)["']\]""", text)
    for block in re.findall(r"^GENERIC_PAYMENTS = \{\n(.*?)^\}", text, re.MULTILINE | re.DOTALL):
        named += re.findall(r'^    "(\w+)":', block, re.MULTILINE)

    assert set(named) <= set(conf.setting_names())


@pytest.mark.core
@each_page
def test_pages_include_only_files_that_exist(page):
    text = page.read_text()
    targets = [match["argument"] for match in BLOCK.finditer(text) if match["kind"] == "literalinclude"]
    targets += [target for _name, target in DOWNLOAD.findall(text)]

    assert [target for target in targets if not (page.parent / target).is_file()] == []


@pytest.mark.core
@each_page
def test_pages_show_only_images_that_exist(page):
    targets = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", page.read_text())
    files = [
        ROOT / target.removeprefix(IMAGES) if target.startswith(IMAGES) else page.parent / target
        for target in targets
    ]

    assert all(file.resolve().parent == DOCS / "images" and file.is_file() for file in files)


@pytest.mark.core
@each_page
def test_links_to_files_lead_to_files(page):
    targets = re.findall(r"(?<!!)\[[^\]]+\]\(([^)#]+)", page.read_text())
    within = [target for target in targets if not target.startswith(("http://", "https://"))]
    blob = "https://github.com/django-generic-payments/django-generic-payments/blob/main/"

    assert [target for target in within if not (page.parent / target).is_file()] == []
    assert [
        each for each in targets if each.startswith(blob) and not (ROOT / each.removeprefix(blob)).is_file()
    ] == []


@pytest.mark.core
def test_the_guide_names_only_variables_that_the_example_reads():
    read = re.findall(r"^#?([A-Z_]+)=", (EXAMPLE / ".env.example").read_text(), re.MULTILINE)
    blocks = re.findall(r"^ *```ini\n(.*?)^ *```$", SETUP.read_text(), re.MULTILINE | re.DOTALL)
    named = re.findall(r"^ *([A-Z_]+)=", "\n".join(blocks), re.MULTILINE)

    assert named
    assert set(named) <= set(read)


def test_the_tutorial_makes_a_project_whose_tests_pass(tmp_path):
    run(tmp_path, "-m", "django", "startproject", "config", ".")

    follow((DOCS / "tutorial.md").read_text(), tmp_path)
    run(tmp_path, "manage.py", "makemigrations", "bookings", "shop")
    run(tmp_path, "manage.py", "check", "--fail-level", "WARNING")

    assert re.search(r"Ran \d\d tests .*\n\nOK", run(tmp_path, "manage.py", "test"))


def follow(tutorial: str, project: Path) -> None:
    """Write down the blocks of a tutorial, each below those of the same file, and save what is to be saved."""
    (project / "bookings").mkdir()
    (project / "shop").mkdir()
    written = {"config/settings.py"}
    for match in BLOCK.finditer(tutorial):
        options = dict(OPTION.findall(match["body"]))
        if name := options.get("caption"):
            file = project / name
            file.parent.mkdir(parents=True, exist_ok=True)
            before = file.read_text() if name in written else ""
            file.write_text(f"{before}\n\n{content(match, options)}" if before else content(match, options))
            written.add(name)
    for name, target in DOWNLOAD.findall(tutorial):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_bytes((DOCS / target).read_bytes())
    for folder in ("bookings", "shop", "bookings/tests", "bookings/migrations", "shop/migrations"):
        (project / folder).mkdir(exist_ok=True)
        (project / folder / "__init__.py").touch()


def content(block: re.Match[str], options: dict[str, str]) -> str:
    """Return what Sphinx shows of a block."""
    if block["kind"] == "code-block":
        return OPTION.sub("", block["body"]).lstrip("\n")
    source = (DOCS / block["argument"]).read_text()
    if name := options.get("pyobject"):
        (found,) = (node for node in ast.parse(source).body if getattr(node, "name", "") == name)
        first = min(found.lineno, *(each.lineno for each in found.decorator_list))
        return "\n".join(source.splitlines()[first - 1 : found.end_lineno]) + "\n"
    lines = source.splitlines(keepends=True)
    if start := options.get("start-at"):
        lines = lines[next(number for number, line in enumerate(lines) if start in line) :]
    if end := options.get("end-before"):
        lines = lines[: next(number for number, line in enumerate(lines) if end in line)]
    return "".join(lines)


def run(project: Path, *arguments: str) -> str:
    """Run Python in the project, and return all that it says."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("DJANGO_", "COVERAGE_", "PYTHONPATH"))
    }
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=project,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout
