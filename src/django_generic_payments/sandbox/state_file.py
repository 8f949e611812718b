"""A file that holds a sandbox, written whenever something has changed and never half."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import IO

from .engine import Sandbox
from .records import SandboxError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

__all__ = ["StateFile"]


class StateFile:
    """Keep a sandbox in a file.

    Args:
        path: where it is; it is made if it is not there, for its owner's eyes only.

    Raises:
        SandboxError: if the file is damaged, of another version or account, or in use. It is left as it is.
    """

    def __init__(self, path: Path, sandbox: Sandbox) -> None:
        self._path = path
        self._sandbox = sandbox
        self._written = -1
        self._lock = take_lock(path.with_name(f"{path.name}.lock"))
        try:
            self._read()
        except BaseException:
            self._lock.close()
            raise

    def save(self) -> None:
        """Write everything, if something has changed since."""
        change = self._sandbox.state.changes
        if change == self._written:
            return
        # Under the lock: these are the objects themselves, which a call would change while they are written.
        with self._sandbox.state.lock:
            text = json.dumps(self._sandbox.dump())
        # Beside it, so that it can take the file's place in one step.
        descriptor, name = tempfile.mkstemp(prefix=f".{self._path.name}.", dir=self._path.parent)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self._path)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise
        self._written = change

    def close(self) -> None:
        """Write what is left to write, and let others have the file.

        Raises:
            SandboxError: if it cannot be written.
        """
        try:
            self.save()
        except OSError as error:
            raise SandboxError(f"{self._path} cannot be written: {error.strerror}.") from error
        finally:
            self._lock.close()

    def _read(self) -> None:
        try:
            text = self._path.read_text(encoding="utf-8")
        except FileNotFoundError:
            self.save()
            return
        except (OSError, ValueError) as error:
            raise SandboxError(f"{self._path} cannot be read: {error}") from error
        try:
            self._sandbox.restore(json.loads(text))
        except SandboxError as error:
            raise SandboxError(f"{self._path} cannot be used: {error}. Name another file.") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise SandboxError(
                f"{self._path} is damaged, or no state of a sandbox. Name another file."
            ) from error
        self._written = self._sandbox.state.changes


def take_lock(path: Path) -> IO[bytes]:
    """Open and lock a file beside the state, which the system unlocks however the process ends."""
    try:
        file = path.open("ab")
    except OSError as error:
        raise SandboxError(f"{path} cannot be written: {error.strerror}.") from error
    try:
        if sys.platform == "win32":
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise SandboxError(f"Another sandbox uses {path.with_suffix('')} at this moment.") from error
    return file
