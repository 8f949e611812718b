"""The page in ``frontend/``, served as it is but for the address of the API."""

from __future__ import annotations

import mimetypes
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent.parent / "frontend"
PAGE = "index.html"
#: What stands in the page for the API.
API = "http://127.0.0.1:8000"
# Not by the machine's own table, which on some of them takes scripts for plain text.
TYPES = {".js": "text/javascript"}


class Frontend:
    """A WSGI application: the files of the folder, for a site at this address."""

    def __init__(self, api: str) -> None:
        self.files = {f"/{path.name}": path for path in FOLDER.iterdir()}
        self.files["/"] = self.files[f"/{PAGE}"]
        self.api = api

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = self.files.get(environ["PATH_INFO"])
        if path is None:
            start_response("404 Not Found", [("Content-Type", "text/plain")])
            return [b"There is nothing here."]
        body = path.read_bytes()
        if path.name == PAGE:
            body = body.replace(API.encode(), self.api.encode())
        kind = TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        start_response("200 OK", [("Content-Type", kind), ("Cache-Control", "no-store")])
        return [body]
