"""A lost link is mailed anew to the address on record; whoever asks learns nothing."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from booking.lost_links import model, worker
from booking.retention.worker import erase_what_is_over
from chassis.database import Database, Transaction
from contracts.booking import LinkAsked

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def by_hand() -> Iterator[None]:
    """The worker rests: these tests do its work when they mean to."""

    async def rest(*_: object) -> None:
        await asyncio.Event().wait()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("booking.app.lost_links.run", rest)
        yield


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token.split('#')[-1]}"}


@pytest.fixture
def ask(client: httpx.AsyncClient) -> Callable[..., Awaitable[httpx.Response]]:
    """`await ask(reference, email, office=, key=)`: somebody says that they have lost their link."""

    async def post(
        reference: str, email: str = "erika@example.org", office: str = "heidelberg", key: str = ""
    ) -> httpx.Response:
        body = {"reference": reference, "email": email}
        headers = {"Idempotency-Key": key or uuid4().hex}
        return await client.post(f"/offices/{office}/lost-links", json=body, headers=headers)

    return post


@pytest.fixture
def mailed(app: FastAPI, database: Database, clock: Any, stored: Any) -> Callable[[], Awaitable[list[LinkAsked]]]:
    """`await mailed()`: what the worker has published by now."""

    async def read() -> list[LinkAsked]:
        await worker.mail(app.state.deps, database, clock())
        rows = [row for row in await stored("outbox") if row["subject"] == LinkAsked.SUBJECT]
        return [LinkAsked.model_validate_json(row["body"]) for row in rows]

    return read


async def test_the_link_that_is_good_is_mailed_and_stays_good(
    client: httpx.AsyncClient, book: Any, ask: Any, mailed: Any, stored: Any
) -> None:
    booked = (await book()).json()
    assert (await ask(booked["reference"])).status_code == 202
    (event,) = await mailed()
    assert (event.citizen.email, event.reference) == ("erika@example.org", booked["reference"])
    for link in (booked["link"], event.link_token):
        assert (await client.get("/appointment", headers=bearer(link))).status_code == 200
    assert await stored("link_request") == []  # whoever asked is forgotten


@pytest.mark.parametrize("typed", ["{}", " {} ", "lower", "spaced", "dashed", "together"])
async def test_a_number_is_read_as_people_type_it(book: Any, ask: Any, mailed: Any, typed: str) -> None:
    reference = (await book()).json()["reference"]
    forms = {
        "lower": reference.lower(),
        "spaced": reference.replace("-", " "),
        "dashed": reference.replace("-", " \N{EN DASH} "),
        "together": reference.replace("-", ""),
    }
    assert (await ask(forms.get(typed, typed.format(reference)))).status_code == 202
    assert len(await mailed()) == 1


async def test_the_address_counts_whatever_its_capitals(book: Any, ask: Any, mailed: Any) -> None:
    reference = (await book(email="Erika@Example.org")).json()["reference"]
    await ask(reference, "erika@EXAMPLE.ORG")
    (event,) = await mailed()
    assert event.citizen.email.lower() == "erika@example.org"


@pytest.mark.parametrize("wrong", ["address", "number", "office", "cancelled", "not confirmed", "erased"])
async def test_the_answer_is_the_same_and_nothing_is_mailed_if_there_is_no_such_appointment(
    client: httpx.AsyncClient, book: Any, ask: Any, mailed: Any, stored: Any, wrong: str
) -> None:
    known = await ask((await book(office="demo")).json()["reference"], office="demo")
    assert len(await mailed()) == 1
    office = "careful" if wrong == "not confirmed" else "heidelberg"
    booked = (await book(office=office)).json()
    if wrong in ("cancelled", "erased"):
        path = {"cancelled": "cancellation", "erased": "erasure"}[wrong]
        assert (await client.post(f"/appointment/{path}", headers=bearer(booked["link"]))).is_success
    answer = await ask(
        "HD-222222" if wrong == "number" else booked["reference"],
        "somebody@example.org" if wrong == "address" else "erika@example.org",
        office="by-appointment" if wrong == "office" else office,
    )
    same = {"date", "content-length", "content-type"}
    assert (answer.status_code, answer.content, {*answer.headers} - same) == (
        known.status_code,
        known.content,
        {*known.headers} - same,
    )
    assert len(await mailed()) == 1
    assert await stored("link_request") == []


async def test_while_it_is_answered_nobody_looks_for_the_appointment(
    book: Any, ask: Any, stored: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What takes time where there is an appointment happens after the answer: timing tells nothing."""
    reference = (await book()).json()["reference"]
    said: list[list[str]] = []
    row = Transaction.row
    execute = Transaction.execute

    async def noted_row(tx: Transaction, sql: str, /, **parameters: Any) -> Any:
        said[-1].append(sql)
        return await row(tx, sql, **parameters)

    async def noted(tx: Transaction, sql: str, /, **parameters: Any) -> int:
        said[-1].append(sql)
        return await execute(tx, sql, **parameters)

    monkeypatch.setattr(Transaction, "row", noted_row)
    monkeypatch.setattr(Transaction, "execute", noted)
    for known in (reference, "HD-222222"):
        said.append([])
        assert (await ask(known)).status_code == 202
    assert said[0] == said[1]
    assert not any("appointment" in sql for sql in said[0])


async def test_a_stranger_at_a_mistyped_address_gets_three_mails_a_day(
    book: Any, ask: Any, mailed: Any, clock: Any
) -> None:
    reference = (await book("demo", starts_at="2026-06-05T07:00:00Z")).json()["reference"]
    for _ in range(6):
        assert (await ask(reference, office="demo")).status_code == 202
    assert len(await mailed()) == model.MAX_A_DAY == 3
    clock.forward(days=1)
    await ask(reference, office="demo")
    assert len(await mailed()) == 4


async def test_a_repeated_request_is_one(book: Any, ask: Any, mailed: Any) -> None:
    reference, key = (await book()).json()["reference"], uuid4().hex
    answers = [await ask(reference, key=key) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {202}
    assert len(await mailed()) == 1


async def test_after_the_appointment_the_link_still_leads_to_the_papers(
    book: Any, ask: Any, mailed: Any, clock: Any
) -> None:
    reference = (await book()).json()["reference"]
    clock.forward(days=3)
    await ask(reference)
    assert len(await mailed()) == 1


@pytest.mark.parametrize("reference", ["", "HD", "HD-7K3M9", "HD-7K3M9QX", "7K3M9Q", "HD-7K3M0Q", "x" * 41])
async def test_what_is_no_number_is_refused_by_field(ask: Any, reference: str) -> None:
    answer = await ask(reference)
    assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (422, ["reference"])


async def test_what_nobody_served_is_forgotten_after_a_day(
    app: FastAPI, ask: Any, stored: Any, clock: Any, database: Database
) -> None:
    """As when the office's file is gone, so that no worker takes it."""
    await ask("HD-222222")
    await erase_what_is_over(app.state.deps.offices, database, clock() + timedelta(hours=23))
    assert len(await stored("link_request")) == 1
    await erase_what_is_over(app.state.deps.offices, database, clock() + timedelta(days=1, seconds=1))
    assert await stored("link_request") == []
