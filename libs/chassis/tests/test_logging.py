"""Logs are JSON, carry their context, and hold no secret and nobody's data, whatever somebody hands to them."""

import gc
import json
import logging as standard
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest
import structlog
from prometheus_client import REGISTRY
from pydantic import BaseModel, ValidationError

from chassis import logging
from chassis.http import Body
from contracts.booking import BookingCompleted, CitizenContact

ERIKA = CitizenContact(name="Erika Mustermann", email="erika@example.org", phone="+49 6221 123456", language="de")
TOKEN = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"


@dataclass(frozen=True)
class Ordered:
    """Something of ours that holds a person."""

    citizen: CitizenContact


class Order(Body):
    """Something that comes in."""

    name: str


def redacted() -> float:
    return REGISTRY.get_sample_value("schalter_log_lines_redacted_total") or 0


@pytest.fixture
def _nothing_personal_is_logged() -> None:
    """Here it is, on purpose."""


@pytest.fixture
def listen(capsys: pytest.CaptureFixture[str]) -> Any:
    """`lines = listen()`, and then `lines()`: what was logged since."""

    def begin() -> Any:
        gc.collect()  # what tests before have left says so when it is collected, and that is not ours
        logging.configure("booking")
        capsys.readouterr()
        return lambda: [json.loads(line) for line in capsys.readouterr().out.strip().splitlines()]

    return begin


def test_secrets_and_personal_data_never_reach_the_log(listen: Any) -> None:
    lines = listen()
    with structlog.contextvars.bound_contextvars(correlation_id="abc"):
        structlog.get_logger("test").info("booked", link_token="planted", email="planted@example.org", slots=3)
    (line,) = lines()
    assert (line["event"], line["service"], line["correlation_id"], line["slots"]) == ("booked", "booking", "abc", 3)
    assert line["link_token"] == line["email"] == logging.REDACTED


@pytest.mark.parametrize(
    "planted",
    [
        {"to": "erika@example.org"},
        {"why": "<erika@example.org>: mailbox full"},
        {"why": LookupError("erika@example.org")},
        {"tries": {"erika@example.org": 3}},
        {"names": ["erika@example.org", ("<erika@example.org>",)]},
        {"who": ERIKA},
        {"who": ERIKA.model_dump()},
        {"order": {"citizen": ERIKA.model_dump(), "slots": 3}},
        {"order": Ordered(ERIKA)},
        {"orders": [Ordered(ERIKA)]},
        {"citizen": "Erika Mustermann"},
        {"phone": "+49 6221 123456"},
        {"number": "call +49 6221 123456"},
        {"name": "Erika Mustermann"},
        {"names": ["Erika Mustermann"]},
        {"row": {"Name": "Erika Mustermann"}},
        {"row": {"surname": "Erika Mustermann"}},
        {"row": {"first_name": "Erika", "E-Mail": "erika@example.org"}},
        {"to": "erika@localhost"},
        {"to": "erika%40example.org"},
        {"to": "erika=40example.org"},
        {"to": "erika@[192.0.2.1]"},
        {"to": '"Erika Mustermann"@example.org'},
        {"to": "Erika.o'erika@example.org"},
        {"body": b"erika@example.org"},
        {"who": {"erika@example.org"}},
        {"recipient": "erika@example.org"},
        {"path": f"/heidelberg/appointment#{TOKEN}"},
    ],
)
def test_whatever_the_field_is_called(listen: Any, planted: dict[str, Any]) -> None:
    lines = listen()
    before = redacted()
    structlog.get_logger("test").info("planted", office="demo", **planted)
    (line,) = lines()
    assert line["office"] == "demo"
    del line["timestamp"]  # its microseconds may be anybody's area code
    for personal in ("Erika", "erika@", "6221", TOKEN[:20], "c2lnbmF0dXJl"):
        assert personal not in json.dumps(line)
    assert redacted() > before


def test_what_errors_and_libraries_say_is_looked_through_too(listen: Any) -> None:
    lines = listen()
    standard.getLogger("some.library").warning("could not reach %s", "erika@example.org")
    try:
        raise ValueError("Key (email)=(erika@example.org) already exists.")
    except ValueError as error:
        structlog.get_logger("test").error("failed", exc_info=error)
    told = lines()
    assert len(told) == 2
    assert "ValueError" in told[1]["exception"]
    assert "erika" not in json.dumps(told)


def test_ids_numbers_and_names_of_things_stay(listen: Any) -> None:
    lines = listen()
    before = redacted()
    said = {"office": "demo", "appointment_id": "0b6f8a52-6c1e-4d0e-9a53-3f2f9a1d7c10", "file": "root.pem", "tries": 3}
    structlog.get_logger("test").warning("certificate_not_accepted", **said)
    (line,) = lines()
    assert said.items() <= line.items()
    assert redacted() == before


@pytest.mark.parametrize(
    "said",
    [
        {"recipients": 3, "tickets": 4, "phones": 0, "citizens": 3, "contact_revision": 2, "email": None},
        {"token_expires_in": 5, "token_valid": True, "ticket_id": "abc", "citizen_ids": ["0b6f8a52"]},
        {"hostname": "db", "filename": "a.pem", "consumer_name": "booking"},
        {"took": "slots=40ms, factor=401.5, 1e+10, 100%", "at": "2026-06-02T06:00:00+00:00"},
    ],
)
def test_how_many_and_what_about_is_told(listen: Any, said: dict[str, Any]) -> None:
    lines = listen()
    before = redacted()
    structlog.get_logger("test").info("counted", **said)
    (line,) = lines()
    assert said.items() <= line.items()
    assert redacted() == before


class Row(BaseModel):
    """Not one of ours: it tells what it was given."""

    name: int
    phone: int


GIVEN = {"name": "Erika, input_type=Mustermann", "phone": "+49 6221 123456"}
FAILING_ROW = """new row for relation "appointment" violates check constraint
DETAIL:  Failing row contains (1, Erika Mustermann,

at Erika's, +49 6221 123456).
HINT:  Try again."""
ARGUMENT = "invalid input for query argument $1: 'Erika Mustermann' (expected datetime)"


def _of_pydantic() -> None:
    Row.model_validate(GIVEN)


def _of_postgresql() -> None:
    raise asyncpg.CheckViolationError(FAILING_ROW)


def _of_asyncpg() -> None:
    raise asyncpg.DataError(ARGUMENT)


@pytest.mark.parametrize(
    ("fail", "told"),
    [
        (_of_pydantic, "2 validation errors for Row"),
        (_of_postgresql, "HINT:  Try again."),
        (_of_asyncpg, "invalid input"),
    ],
)
def test_what_an_error_quotes_stays_out_and_what_went_wrong_is_told(
    listen: Any, fail: Callable[[], None], told: str
) -> None:
    lines = listen()
    before = redacted()
    log = structlog.get_logger("test")
    try:
        fail()
    except Exception as error:
        log.error("failed", exc_info=error)
        log.error("failed", error=str(error))
        assert redacted() == before, "nobody here could leave it out"
        log.error("failed", errors=[str(error)], error=error)
    in_traceback, in_text, _ = said = lines()
    assert told in in_traceback["exception"]
    assert told in in_text["error"]
    for line in said:
        del line["timestamp"]
    for personal in ("Erika", "Mustermann", "6221"):
        assert personal not in json.dumps(said)


def test_what_came_in_is_not_quoted_by_errors_of_ours() -> None:
    for model in (CitizenContact, BookingCompleted, Order):
        with pytest.raises(ValidationError) as error:
            model.model_validate({"name": ["Erika Mustermann"], "citizen": "Erika Mustermann"})
        assert "Erika" not in str(error.value)


def test_what_a_mail_server_is_told_is_nobodys_news(listen: Any) -> None:
    lines = listen()
    standard.getLogger("mail.log").info("%r sender: %s", ("127.0.0.1", 1), "erika@example.org")
    assert lines() == []
