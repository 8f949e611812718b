"""``manage.py demo``: the whole story in words, or with ``--serve`` a site to try it on."""

from __future__ import annotations

import logging
import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from demo.inhabitants import ADMIN, GUEST, PASSWORD, move_in
from demo.stage import PortTaken, Stage, stage
from demo.story import Story

PORT, FRONTEND_PORT = 8000, 5173
# Seconds: without a limit the wait could not be interrupted on Windows.
TICK = 0.5


class Command(BaseCommand):
    """Play the example against the sandbox, whatever keys there are. No money moves."""

    help = "Books, pays and confirms on a small Stripe of its own, and tells what happens; --serve lets you do it."
    # A live key in the environment is none of the demo's business.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--serve", action="store_true", help="serve the site until Ctrl-C")
        parser.add_argument(
            "--port", type=int, default=PORT, help=f"of the site, with --serve; {PORT} by default"
        )
        parser.add_argument(
            "--frontend-port",
            type=int,
            default=FRONTEND_PORT,
            help=f"of the page of another origin, with --serve; {FRONTEND_PORT} by default",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        # What is refused on purpose would be told twice: by the log, and by the demo.
        logging.disable(logging.WARNING)
        if options["serve"]:
            self.serve(options["port"], options["frontend_port"])
            return
        with stage() as here:
            self.say(f"The site is at {here.address}, a small Stripe at {here.stripe.url}. No money moves.")
            Story(here, self.say, self.step).tell()
        self.say("Done. See it with your own eyes: python3 run.py demo --serve")

    def serve(self, port: int, frontend_port: int) -> None:
        """Serve until Ctrl-C or SIGTERM."""
        stopped = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stopped.set())
        try:
            with stage(port, frontend_port) as here:
                move_in(here)
                self.introduce(here)
                while not stopped.wait(TICK):
                    pass
        except PortTaken as error:
            raise CommandError(
                f"{error} Choose another: python3 run.py demo --serve {error.option} {error.port + 1}"
            ) from error
        self.stdout.write("Stopped, and everything is forgotten.")

    def introduce(self, here: Stage) -> None:
        """Say what there is to see."""
        self.say("The Harbour Rooms are open. No money moves.")
        self.step("The site", here.address)
        self.step("  log in as", f"{GUEST} with the password {PASSWORD}, or book as a guest")
        self.step("The same by the API", f"{here.frontend}, a page of another origin")
        self.step("  its documentation", f"{here.address}/api/docs/")
        self.step("The admin", f"{here.address}/admin/")
        self.step("  log in as", f"{ADMIN} with the password {PASSWORD}")
        self.step("The small Stripe", here.stripe.url)
        self.say("Cards to try in the checkout, with any date to come and any security code")
        self.step("4242 4242 4242 4242", "succeeds")
        self.step("4000 0027 6000 3184", "asks for 3D Secure")
        self.step("4000 0000 0000 9995", "is declined: insufficient funds")
        self.step("AT32 1904 3002 3547 3204", "a bank debit, in the shop: it arrives after three minutes")
        self.say("Stop with Ctrl-C.")

    def say(self, text: str) -> None:
        self.stdout.write(self.style.MIGRATE_HEADING(text))

    def step(self, what: str, text: str) -> None:
        self.stdout.write(f"  {what:<26} {text}")
