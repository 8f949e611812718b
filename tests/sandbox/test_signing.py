from __future__ import annotations

import hashlib
import hmac
import time

from django_generic_payments.sandbox import Clock, Sandbox


def parts(header: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in header.split(","))


def test_the_signature_is_the_hmac_of_time_and_body() -> None:
    header = Sandbox(webhook_secret="whsec_a").sign(b'{"id": "evt_1"}', timestamp=1_746_768_339)

    expected = hmac.new(b"whsec_a", b'1746768339.{"id": "evt_1"}', hashlib.sha256).hexdigest()
    assert parts(header)["t"] == "1746768339"
    assert parts(header)["v1"] == expected


def test_another_secret_can_sign() -> None:
    sandbox = Sandbox(webhook_secret="whsec_a")

    other = sandbox.sign(b"{}", secret="whsec_b", timestamp=1)

    assert other == Sandbox(webhook_secret="whsec_b").sign(b"{}", timestamp=1)
    assert other != sandbox.sign(b"{}", timestamp=1)


def test_an_empty_secret_is_used_as_it_is() -> None:
    header = Sandbox().sign(b"{}", secret="", timestamp=1)

    assert parts(header)["v1"] == hmac.new(b"", b"1.{}", hashlib.sha256).hexdigest()


def test_signatures_are_of_now_whatever_the_sandbox_s_clock_says() -> None:
    before = int(time.time())

    header = Sandbox(clock=Clock(start=1)).sign(b"{}")

    assert before <= int(parts(header)["t"]) <= time.time()


def test_the_scheme_that_receivers_must_skip_comes_in_test_mode_only() -> None:
    assert "v0" in parts(Sandbox().sign(b"{}"))
    assert "v0" not in parts(Sandbox(secret_key="sk_live_x").sign(b"{}"))
