"""Check the built distributions: every file of the package is in the wheel, and nothing else is."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from email import message_from_bytes
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NAME = "django_generic_payments"
REQUIRED = [
    f"{NAME}/py.typed",
    f"{NAME}/migrations/0001_initial.py",
    f"{NAME}/templates/",
    f"{NAME}/static/",
]
REQUIRED_IN_SOURCE = [
    f"src/{NAME}/__init__.py",
    "tests/",
    "example_project/manage.py",
    "CHANGELOG.md",
    "LICENSE",
    "README.md",
    "pyproject.toml",
    "run.py",
    "tox.ini",
]


def complaints_about_wheel(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as wheel:
        packed = [name for name in wheel.namelist() if not name.endswith("/")]
        (metadata_name,) = (name for name in packed if name.endswith(".dist-info/METADATA"))
        metadata = message_from_bytes(wheel.read(metadata_name))
    dist_info = metadata_name.removesuffix("METADATA")
    sources = {
        file.relative_to(ROOT / "src").as_posix()
        for file in (ROOT / "src" / NAME).rglob("*")
        if file.is_file() and file.suffix != ".pyc"
    }
    wanted_metadata = {
        "Name": "django-generic-payments",
        "License-Expression": "MIT",
        "Requires-Python": ">=3.10",
    }
    return [
        *(f"not in the wheel: {name}" for name in sorted(sources - set(packed))),
        *(f"not in the wheel: {want}" for want in REQUIRED if not any(n.startswith(want) for n in packed)),
        *(
            f"should not be in the wheel: {name}"
            for name in packed
            if name not in sources and not name.startswith(dist_info)
        ),
        *(
            f"{field} is {metadata[field]!r}, not {value!r}"
            for field, value in wanted_metadata.items()
            if metadata[field] != value
        ),
    ]


def complaints_about_source(path: Path) -> list[str]:
    with tarfile.open(path) as archive:
        packed = [name.partition("/")[2] for name in archive.getnames()]
    return [
        f"not in the source distribution: {want}"
        for want in REQUIRED_IN_SOURCE
        if not any(name.startswith(want) for name in packed)
    ]


def main(directory: str) -> None:
    (wheel,) = Path(directory).glob("*.whl")
    (source,) = Path(directory).glob("*.tar.gz")
    complaints = complaints_about_wheel(wheel) + complaints_about_source(source)
    if complaints:
        sys.exit("\n".join(complaints))
    print(f"{wheel.name} and {source.name} hold what they should.")
    subprocess.run([sys.executable, "-m", "twine", "check", "--strict", wheel, source], check=True)  # noqa: S603


if __name__ == "__main__":
    main(sys.argv[1])
