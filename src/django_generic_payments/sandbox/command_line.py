"""The sandbox from the command line, with and without Django around it."""

from __future__ import annotations

import os
import signal
import sys
import threading
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from .engine import Sandbox
from .records import SandboxError
from .server import SandboxServer
from .state_file import StateFile

__all__ = ["add_arguments", "main", "serve"]

PORT = 8420
KEY, SECRET = "sk_test_sandbox", "whsec_sandbox"

#: Seconds: without a limit the wait could not be interrupted on Windows.
TICK = 0.5

#: What a key of live mode begins with, and where people keep theirs.
LIVE = ("sk_live_", "rk_live_")
WHERE_KEYS_ARE = ("STRIPE_SECRET_KEY", "STRIPE_API_KEY", "STRIPE_KEY")


def add_arguments(parser: ArgumentParser, *, otherwise: str = "") -> None:
    """Add where to listen, where webhooks go, and what is remembered.

    Args:
        otherwise: what is said of webhooks without the options for them.
    """
    parser.add_argument("--host", default="127.0.0.1", help="this machine by default, and no other")
    parser.add_argument("--port", type=port, default=PORT, help=f"{PORT} by default; 0 picks a free one")
    parser.add_argument(
        "--allow-remote", action="store_true", help="let others in, if --host is not this machine"
    )
    parser.add_argument("--webhook", default="", metavar="URL", help=f"where webhooks go{otherwise}")
    parser.add_argument("--secret", default="", metavar="WHSEC", help=f"signs the webhooks{otherwise}")
    parser.add_argument(
        "--state", default="", metavar="FILE", help="remember everything in a file across restarts"
    )
    parser.add_argument(
        "--settle-after",
        type=seconds,
        metavar="SECONDS",
        help="how long banks take to book a sale, settle a debit or bring a slow refund; debits wait for you "
        "unless this is given",
    )
    parser.add_argument("--seed", type=int, help="make up the same ids in every run")


def port(text: str) -> int:
    """Read the number of a port."""
    number = int(text)
    if not 0 <= number < 65536:
        raise ValueError("there is no such port")
    return number


def seconds(text: str) -> int:
    """Read a number of seconds."""
    number = int(text)
    if number < 0:
        raise ValueError("time only goes forward")
    return number


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve a sandbox that belongs to no project, and return the exit status."""
    parser = ArgumentParser(
        prog="python -m django_generic_payments.sandbox",
        description="A small Stripe on this machine: the API, a checkout page, a dashboard and signed webhooks. "
        "No money moves.",
    )
    parser.add_argument("--key", default=KEY, metavar="SK_TEST", help=f"the secret key; {KEY} by default")
    add_arguments(parser)
    options = parser.parse_args(arguments)
    if options.secret and not options.webhook:
        parser.error("--secret signs what goes to --webhook, and there is none.")
    secret = (options.secret or SECRET) if options.webhook else ""
    try:
        serve(options, key=options.key, secret=secret, write=print_now)
    except SandboxError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def print_now(line: str) -> None:
    """Write a line that is read at once, even through a pipe."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def serve(
    options: Namespace,
    *,
    key: str,
    secret: str,
    write: Callable[[str], None],
    environment: Mapping[str, str] = os.environ,
) -> None:
    """Serve until Ctrl-C or SIGTERM.

    Raises:
        SandboxError: beside a live key, for an address that cannot be used, or a state that cannot be read.
    """
    refuse_live_keys(key, environment)
    sandbox = Sandbox(
        secret_key=key,
        webhook_secret=secret,
        seed=options.seed,
        balance_after=options.settle_after,
        settle_after=options.settle_after,
    )
    server = SandboxServer(
        sandbox,
        host=options.host,
        port=options.port,
        webhook_url=options.webhook or None,
        allow_remote=options.allow_remote,
        log=write,
    )
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    file = StateFile(Path(options.state).resolve(), sandbox) if options.state else None
    server.keep_in(file)
    try:
        start(server, options)
        introduce(server, options, key=key, secret=secret, write=write)
        while not stopped.wait(TICK):
            pass
    finally:
        server.stop()
        if file:
            file.close()
    write("Stopped.")


def start(server: SandboxServer, options: Namespace) -> None:
    try:
        server.start()
    except OSError as error:
        message = (
            f"{options.host}:{options.port} cannot be used: {error.strerror}. Choose another --port, or 0."
        )
        raise SandboxError(message) from error


def refuse_live_keys(key: str, environment: Mapping[str, str]) -> None:
    """Refuse to play beside real money.

    Raises:
        SandboxError: that names the variable, and never the key.
    """
    if key.startswith(LIVE):
        raise SandboxError(
            "A live key has no business in a sandbox. Give it a made-up one, such as sk_test_sandbox."
        )
    for name in WHERE_KEYS_ARE:
        if environment.get(name, "").startswith(LIVE):
            raise SandboxError(
                f"{name} holds a live key. The sandbox does not start beside one: unset it here."
            )


def introduce(
    server: SandboxServer, options: Namespace, *, key: str, secret: str, write: Callable[[str], None]
) -> None:
    """Say where everything is."""
    write(f"A small Stripe is at {server.url}, and its dashboard at {server.url}/. No money moves.")
    write(
        f'It takes the secret key {shown(key)}. An SDK finds it with base_addresses={{"api": "{server.url}"}}.'
    )
    if secret:
        write(f"Its webhooks go to {options.webhook}, signed with {shown(secret)}.")
    else:
        write("Its webhooks go to the endpoints that you create at /v1/webhook_endpoints.")
    write(
        f"It remembers everything in {options.state}."
        if options.state
        else "It forgets everything when it stops."
    )
    write("Stop it with Ctrl-C.")


def shown(secret: str) -> str:
    """Show a secret that everybody knows, and hide any other."""
    return secret if secret in (KEY, SECRET) else f"{secret.rpartition('_')[0]}_…"
