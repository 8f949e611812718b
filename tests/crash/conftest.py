from __future__ import annotations

import os
import time

import pytest

from tests.crash.workshop import Workshop

_lines = pytest.StashKey[list[str]]()


def pytest_configure(config):
    config.stash[_lines] = []


def pytest_collection_modifyitems(items):
    if not hasattr(os, "fork"):
        for item in items:
            if item.get_closest_marker("crash"):
                item.add_marker(pytest.mark.skip(reason="this system cannot fork a process"))


@pytest.fixture(scope="session")
def workshop(tmp_path_factory):
    with Workshop(tmp_path_factory.mktemp("crash")) as workshop:
        yield workshop


@pytest.fixture
def record(request):
    """Note how many points a path has, for the table at the end of the run."""
    started = time.monotonic()

    def note(path, report):
        seconds = time.monotonic() - started
        request.config.stash[_lines].append(
            f"{path:<50} {report.points:4d} points  {len(report.violations):3d} violations  {seconds:5.1f} s"
        )

    return note


def pytest_terminal_summary(terminalreporter, config):
    lines = config.stash.get(_lines, [])
    if lines:
        terminalreporter.section("crash points")
        for line in sorted(lines):
            terminalreporter.write_line(line)
