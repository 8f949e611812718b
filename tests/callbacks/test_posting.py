"""Only what may be called is called, and nobody holds the caller for long."""

from __future__ import annotations

import socket
from time import monotonic

import pytest

from django_generic_payments.contrib.callbacks.addresses import is_public
from django_generic_payments.contrib.callbacks.posting import NotSent, post
from tests.callbacks.server import CERTIFICATE, Told, dripping, serving

pytestmark = pytest.mark.core


class Names:
    """A name server that counts its questions, and answers each in its turn."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    def __call__(self, host, port, **kwargs):
        self.asked.append(host)
        addresses = self.answers.pop(0)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]


def refusal(url, **options):
    with pytest.raises(NotSent) as refused:
        post(url, b"{}", {}, **options)
    return str(refused.value)


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "100.100.100.200",
        "127.0.0.1",
        "127.8.8.8",
        "0.0.0.0",  # noqa: S104 (not listened at)
        "169.254.169.254",
        "169.254.1.1",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "239.1.1.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
        "2001:db8::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::1",
        "2002:a00:1::1",
    ],
)
def test_an_address_that_is_not_on_the_internet_is_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.215.14", "2606:4700:4700::1111", "::ffff:8.8.8.8"])
def test_an_address_on_the_internet_is_public(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "10.1.2.3",
        "192.168.0.1",
        "169.254.169.254",
        "2130706433",
        "017700000001",
        "0177.0.0.1",
        "0x7f.0.0.1",
        "127.1",
        "0",
    ],
)
def test_no_spelling_of_a_private_address_is_called(host):
    with serving() as service:
        said = refusal(f"https://{host}:{service.port}/?query-canary")

    assert service.received == []
    assert said.endswith(
        "which is not on the internet. If that is meant, set GENERIC_PAYMENTS['CALLBACK_ALLOW_PRIVATE']."
    ) or said.startswith("No answer: gaierror")
    assert "canary" not in said


@pytest.mark.parametrize("answer", [["127.0.0.1"], ["8.8.8.8", "10.0.0.1"], ["::ffff:127.0.0.1"]])
def test_a_name_is_refused_if_any_of_its_addresses_is_private(answer):
    names = Names(answer)

    assert "is not on the internet" in refusal("https://hooks.example/", lookup=names)
    assert names.asked == ["hooks.example"]


def test_a_name_is_resolved_once_and_the_connection_made_to_that_address():
    with serving() as service:
        names = Names(["127.0.0.1"], ["192.0.2.1"])

        answer = post(
            f"http://hooks.example:{service.port}/a?b=c", b"{}", {}, allow_private=True, lookup=names
        )

    (received,) = service.received
    assert answer.status == 204
    assert names.asked == ["hooks.example"]
    assert received.headers["host"] == f"hooks.example:{service.port}"
    assert received.path == "/a?b=c"


def test_of_several_addresses_the_first_that_can_be_reached_is_taken():
    with serving() as service:
        names = Names(["127.0.0.2", "127.0.0.1"])

        answer = post(f"http://hooks.example:{service.port}/", b"{}", {}, allow_private=True, lookup=names)

    assert answer.status == 204


def test_a_name_that_does_not_exist_is_a_failure_like_another():
    def nobody(*args, **kwargs):
        raise socket.gaierror(-2, "canary")

    assert refusal("https://hooks.example/", lookup=nobody) == "No answer: gaierror."
    assert refusal("https://hooks.example/", lookup=lambda *a, **k: []) == "No answer: OSError."


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://example.com/", "is not https"),
        ("https://user:canary@example.com/", "holds a user name or a password"),
        ("ftp://example.com/", "is not an address"),
        ("https:///path", "is not an address"),
        ("https://example.com:0/", "is not an address"),
        ("https://example.com:99999/", "is not an address"),
        ("https://example.com/a b", "is not an address"),
        ("https://example.com/\r\nX-Canary: 1", "is not an address"),
        ("https://exämple.com/", "is not an address"),
        ("https://[::1/", "is not an address"),
        (f"https://example.com/{'a' * 500}", "is not an address"),
        ("whsec_canary", "is not an address"),
        ("", "is not an address"),
    ],
)
def test_a_url_that_should_not_be_called_is_not_even_looked_up(url, why):
    names = Names()

    said = refusal(url, lookup=names)

    assert why in said
    assert "canary" not in said
    assert names.asked == []


# TLS.


def test_a_certificate_that_nobody_vouches_for_is_refused():
    with serving(secure=True) as service:
        said = refusal(f"https://localhost:{service.port}/", allow_private=True)

    assert said == "No answer: SSLCertVerificationError."
    assert service.received == []


@pytest.fixture
def trusted(monkeypatch):
    """Trust the certificate of the tests, as an administrator of the machine would."""
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))


def test_a_certificate_that_is_trusted_is_enough_and_the_name_is_told(trusted):
    with serving(secure=True) as service:
        names = Names(["127.0.0.1"])

        answer = post(f"https://hooks.example:{service.port}/", b"{}", {}, allow_private=True, lookup=names)

    assert answer.status == 204
    assert service.server_names == ["hooks.example"]


def test_a_certificate_for_another_name_is_refused(trusted):
    with serving(secure=True) as service:
        names = Names(["127.0.0.1"])

        said = refusal(f"https://other.example:{service.port}/", allow_private=True, lookup=names)

    assert said == "No answer: SSLCertVerificationError."
    assert service.received == []


def test_whoever_speaks_no_tls_is_refused():
    with serving() as service:
        said = refusal(f"https://localhost:{service.port}/", allow_private=True, limit=5)

    assert said.startswith("No ")
    assert service.received == []


# Time.


@pytest.mark.parametrize(
    "beginning",
    [
        b"",
        b"HTTP/1.1 200",
        b"HTTP/1.1 200 OK\r\nX-Long: ",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"\x16\x03\x03\x40\x00",
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_server_that_drips_is_left_when_the_time_is_over(scheme, beginning):
    with dripping(beginning) as port:
        started = monotonic()
        said = refusal(f"{scheme}://127.0.0.1:{port}/", allow_private=True, limit=0.3)

    assert said.startswith("No ")
    assert monotonic() - started < 5


def test_a_server_that_never_answers_is_left_when_the_time_is_over():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        started = monotonic()
        said = refusal(f"http://127.0.0.1:{silent.getsockname()[1]}/", allow_private=True, limit=0.3)

    assert said == "No whole answer within 0.3 seconds."
    assert monotonic() - started < 5


def test_a_long_body_is_not_waited_for():
    with dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n") as port:
        assert post(f"http://127.0.0.1:{port}/", b"{}", {}, allow_private=True, limit=5).status == 200


def test_nobody_at_home_is_a_failure_that_says_so():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    said = refusal(f"http://127.0.0.1:{port}/", allow_private=True)

    assert said == "No answer: ConnectionRefusedError."


def test_what_a_server_says_is_not_repeated():
    with serving() as service:
        service.answers = [Told(500, {"X-Canary": "canary"}, b"canary")]
        answer = post(service.url, b"{}", {}, allow_private=True)

    assert "canary" not in repr(answer)
    assert answer.status == 500


def test_nonsense_is_a_failure_that_does_not_quote_it():
    with dripping(b"canary is no HTTP\r\n\r\n") as port:
        said = refusal(f"http://127.0.0.1:{port}/", allow_private=True, limit=5)

    assert said == "No answer: BadStatusLine."
