"""One request over the network, and no more than that: to the address that was checked, for a limited time."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from urllib.parse import SplitResult, urlsplit

from django_generic_payments.conf import SETTING, callback_url_fault
from django_generic_payments.contrib.callbacks.addresses import Lookup, PrivateAddress, resolve

__all__ = ["Answer", "NotSent", "post"]

#: Seconds for a connection, and for each wait after that.
PATIENCE = 10

#: Seconds for all of it, well below the minute after which another worker takes a callback over.
LIMIT = 20


class NotSent(Exception):
    """Nobody answered. The message says why, and holds nothing that may not be shown."""


@dataclass(frozen=True)
class Answer:
    """What is looked at of an answer: never its body."""

    status: int
    retry_after: str


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    allow_private: bool = False,
    limit: float = LIMIT,
    lookup: Lookup = socket.getaddrinfo,
) -> Answer:
    """
    Send a request and return its answer, whatever it is; redirects are not followed. Raises ``NotSent``.

    The name is resolved once, and the connection made to what was then checked: a second look could be answered
    differently by whoever owns the name.
    """
    if fault := callback_url_fault(url, allow_private=allow_private):
        raise NotSent(f"The URL {fault}.")
    address, until = urlsplit(url), monotonic() + limit
    host, port = str(address.hostname), address.port or (443 if address.scheme == "https" else 80)
    try:
        addresses = resolve(host, port, allow_private=allow_private, lookup=lookup)
        with (
            _connected(addresses, port, until) as plain,
            _secured(plain, address) as sock,
            _shut_at(until, sock),
        ):
            answer = _exchange(sock, address, body, headers)
        if monotonic() >= until:
            # Headers that were cut off look as if they were all.
            raise TimeoutError
        return answer
    except PrivateAddress as private:
        raise NotSent(
            f"{host} leads to {private}, which is not on the internet. If that is meant, set "
            f"{SETTING}['CALLBACK_ALLOW_PRIVATE']."
        ) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        if monotonic() >= until:
            raise NotSent(f"No whole answer within {limit:g} seconds.") from error
        # Its message may quote what was sent to us.
        raise NotSent(f"No answer: {type(error).__name__}.") from error


@contextmanager
def _connected(addresses: list[str], port: int, until: float) -> Iterator[socket.socket]:
    errors: list[OSError] = []
    for address in addresses:
        try:
            sock = socket.create_connection((address, port), timeout=_left(until))
        except OSError as error:
            errors.append(error)
            continue
        with sock:
            yield sock
        return
    raise errors[-1] if errors else OSError("The name has no address.")


@contextmanager
def _secured(plain: socket.socket, address: SplitResult) -> Iterator[socket.socket]:
    if address.scheme != "https":
        yield plain
        return
    context = ssl.create_default_context()
    # The handshake comes when its time is limited.
    with context.wrap_socket(plain, server_hostname=address.hostname, do_handshake_on_connect=False) as sock:
        yield sock


@contextmanager
def _shut_at(until: float, sock: socket.socket) -> Iterator[None]:
    # The timeout of a socket begins anew with each byte, and a server may send one at a time.
    timer = threading.Timer(max(until - monotonic(), 0), _shut, [sock])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _shut(sock: socket.socket) -> None:
    try:
        # Of a TLS connection too this is the one below: whoever reads from it wakes up.
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
    except OSError:
        return


def _exchange(sock: socket.socket, address: SplitResult, body: bytes, headers: Mapping[str, str]) -> Answer:
    if isinstance(sock, ssl.SSLSocket):
        sock.do_handshake()
    connection = http.client.HTTPConnection(address.netloc)
    connection.sock = sock
    connection.auto_open = 0
    target = (address.path or "/") + (f"?{address.query}" if address.query else "")
    connection.request("POST", target, body, {"Host": address.netloc, "Connection": "close", **headers})
    answer = connection.getresponse()
    return Answer(answer.status, answer.headers.get("Retry-After", ""))


def _left(until: float) -> float:
    return max(min(PATIENCE, until - monotonic()), 0.001)
