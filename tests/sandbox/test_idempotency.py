from __future__ import annotations

import threading

from django_generic_payments.sandbox import Clock, Sandbox

from .client import Answer, Api, session_params

CUSTOMERS, SESSIONS = "/v1/customers", "/v1/checkout/sessions"


def test_the_same_key_gets_the_same_answer_and_nothing_happens_twice(api: Api, sandbox: Sandbox) -> None:
    first = api.post(CUSTOMERS, {"name": "Ada"}, key="k")
    again = api.post(CUSTOMERS, {"name": "Ada"}, key="k")

    assert again.obj == first.obj
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["Idempotency-Key"] == first.headers["Idempotency-Key"] == "k"
    assert again.headers["Original-Request"] == first.headers["Request-Id"] != again.headers["Request-Id"]
    assert len(sandbox.events) == 1


def test_the_answer_is_the_first_one_even_if_the_object_has_changed(api: Api) -> None:
    params = session_params()
    first = api.post(SESSIONS, params, key="k").obj
    api.sandbox.pay(first["id"])

    assert api.post(SESSIONS, params, key="k").obj["status"] == "open"


def test_the_order_of_parameters_does_not_matter(api: Api) -> None:
    first = api.post(CUSTOMERS, "name=Ada&email=a@example.com", key="k")

    assert api.post(CUSTOMERS, "email=a@example.com&name=Ada", key="k").obj == first.obj


def test_a_key_with_other_parameters_is_an_error(api: Api) -> None:
    api.post(CUSTOMERS, {"name": "Ada"}, key="k")

    answer = api.post(CUSTOMERS, {"name": "Bob"}, key="k")

    assert (answer.status, answer.error["type"]) == (400, "idempotency_error")
    assert "same parameters" in answer.error["message"]
    assert "code" not in answer.error


def test_a_key_with_another_path_is_an_error(api: Api) -> None:
    customer = api.post(CUSTOMERS, {"name": "Ada"}, key="k").obj

    answer = api.post(f"{CUSTOMERS}/{customer['id']}", {"name": "Ada"}, key="k")

    assert (answer.status, answer.error["type"]) == (400, "idempotency_error")
    assert "same endpoint" in answer.error["message"]


def test_a_request_that_was_refused_unread_leaves_its_key_free(api: Api) -> None:
    refused = api.post(CUSTOMERS, {"colour": "red"}, key="k")
    repaired = api.post(CUSTOMERS, {"name": "Ada"}, key="k")

    assert (refused.status, repaired.status) == (400, 200)


def test_an_error_of_execution_is_kept(api: Api) -> None:
    session = api.create_session()["id"]
    api.sandbox.pay(session)

    first = api.post(f"{SESSIONS}/{session}/expire", key="k")
    again = api.post(f"{SESSIONS}/{session}/expire", key="k")

    assert first.status == again.status == 400
    assert first.obj == again.obj
    assert again.headers["Idempotent-Replayed"] == "true"


def test_a_request_that_would_be_refused_by_now_is_still_replayed(
    api: Api, sandbox: Sandbox, clock: Clock
) -> None:
    params = session_params(expires_at=clock.now() + 30 * 60)
    first = api.post(SESSIONS, params, key="k")

    sandbox.advance(20 * 60)

    assert api.post(SESSIONS, params, key="k").obj == first.obj
    assert api.post(SESSIONS, params, key="other").status == 400


def test_a_key_is_forgotten_after_a_day(api: Api, sandbox: Sandbox) -> None:
    first = api.post(CUSTOMERS, {"name": "Ada"}, key="k").obj

    sandbox.advance(24 * 60 * 60 - 1)
    assert api.post(CUSTOMERS, {"name": "Ada"}, key="k").obj["id"] == first["id"]
    sandbox.advance(1)

    assert api.post(CUSTOMERS, {"name": "Ada"}, key="k").obj["id"] != first["id"]


def test_reading_needs_no_key_and_keeps_none(api: Api) -> None:
    headers = {"idempotency-key": "k"}

    assert api.call("GET", CUSTOMERS, "", headers).obj["data"] == []
    api.post(CUSTOMERS)
    assert len(api.call("GET", CUSTOMERS, "", headers).obj["data"]) == 1


def test_a_key_has_up_to_255_characters(api: Api) -> None:
    assert api.post(CUSTOMERS, key="k" * 255).status == 200
    assert api.post(CUSTOMERS, key="k" * 256).status == 400


class Hurdle:
    """Hold a request up in the middle of its execution."""

    def __init__(self) -> None:
        self.reached, self.lifted = threading.Event(), threading.Event()

    def request(self, *seen: object) -> None:
        """See nothing."""

    def response(self, *seen: object) -> None:
        """See nothing."""

    def event(self, event: object) -> None:
        self.reached.set()
        assert self.lifted.wait(10)


def test_a_key_that_is_being_worked_on_is_a_conflict(api: Api) -> None:
    hurdle, answers = Hurdle(), []
    first = threading.Thread(target=lambda: answers.append(api.post(CUSTOMERS, key="k")))
    Sandbox.observers.append(hurdle)
    try:
        first.start()
        assert hurdle.reached.wait(10)
        conflict = api.post(CUSTOMERS, key="k")
    finally:
        hurdle.lifted.set()
        first.join()
        Sandbox.observers.remove(hurdle)

    assert (conflict.status, conflict.error["type"]) == (409, "idempotency_error")
    assert conflict.error["code"] == "idempotency_key_in_use"
    assert [answer.status for answer in answers] == [200]
    assert api.post(CUSTOMERS, key="k").obj == answers[0].obj


def test_a_race_for_a_key_executes_once(api: Api, sandbox: Sandbox) -> None:
    answers: list[Answer] = []
    start = threading.Barrier(8)

    def run() -> None:
        start.wait(10)
        answers.append(api.post(CUSTOMERS, {"name": "Ada"}, key="k"))

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {answer.status for answer in answers} <= {200, 409}
    assert len({answer.obj["id"] for answer in answers if answer.status == 200}) == 1
    assert len(sandbox.events) == 1
