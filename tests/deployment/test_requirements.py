"""What is installed in production: every version is named, and none is one that the package refuses."""

from __future__ import annotations

import re
from importlib import metadata

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.deployment.site import EXAMPLE

PACKAGE = "django-generic-payments"
EXTRAS = ("", "drf", "callbacks")
#: What a marker of a requirement is held against.
PRODUCTION = {"python_version": "3.13", "python_full_version": "3.13.0", "sys_platform": "linux"}
LINES = [
    line
    for line in (EXAMPLE / "requirements.txt").read_text().splitlines()
    if line and not line.startswith("#")
]
OURS, PINNED = LINES[0], [Requirement(line) for line in LINES[1:]]
VERSIONS = {
    canonicalize_name(each.name): next(iter(each.specifier)).version for each in PINNED if each.specifier
}


def needs(name: str, extras: tuple[str, ...]) -> list[Requirement]:
    """Return what an installed distribution requires in production."""
    found = [Requirement(text) for text in metadata.requires(name) or []]
    return [
        each
        for each in found
        if not each.marker or any(each.marker.evaluate({**PRODUCTION, "extra": extra}) for extra in extras)
    ]


def is_installed(pinned: Requirement) -> bool:
    """Return whether this very version is there: another one may need something else."""
    try:
        return pinned.specifier.contains(metadata.version(pinned.name))
    except metadata.PackageNotFoundError:
        return False


def test_the_package_is_that_of_the_checkout():
    assert OURS == "..[drf,callbacks]"
    assert (EXAMPLE / ".." / "pyproject.toml").is_file()


def test_every_requirement_is_pinned_to_one_version_and_named_once():
    assert [str(each) for each in PINNED if not re.fullmatch(r"==[\w.]+", str(each.specifier))] == []
    assert len(VERSIONS) == len(PINNED)


def test_the_versions_are_some_that_the_package_takes():
    refused = [
        str(each)
        for each in needs(PACKAGE, EXTRAS)
        if not each.specifier.contains(VERSIONS.get(canonicalize_name(each.name), "0"))
    ]

    assert refused == []


def test_what_the_requirements_need_is_pinned_too():
    needed = {
        canonicalize_name(each.name)
        for pinned in PINNED
        if is_installed(pinned)
        for each in needs(pinned.name, ("", *pinned.extras))
    }
    ours = {canonicalize_name(each.name) for each in needs(PACKAGE, EXTRAS)}

    assert (needed | ours) - set(VERSIONS) == set()


def test_both_files_ask_for_the_same_python():
    exact = re.fullmatch(r"python-(3\.13)\.\d+\n", (EXAMPLE / "runtime.txt").read_text())

    assert (EXAMPLE / ".python-version").read_text().strip() == exact[1]
