"""Who wants no reminders of an appointment says so by its link; notify hears of it, and it holds over all moves."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from contracts.booking import RemindersChosen

pytestmark = pytest.mark.asyncio(loop_scope="module")

SLOT = datetime(2026, 6, 2, 6, 0, tzinfo=UTC)
PATH = "/appointment/reminders"


def bearer(link: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {link.split('#')[1]}"}


@pytest.fixture
def told(stored: Any) -> Any:
    """`await told()`: what was published, oldest first."""

    async def read() -> Sequence[tuple[bool, int]]:
        rows = [row for row in await stored("outbox") if row["subject"] == RemindersChosen.SUBJECT]
        events = [RemindersChosen.model_validate_json(row["body"]) for row in rows]
        return [(event.wanted, event.revision) for event in events]

    return read


async def test_they_are_declined_and_turned_on_again_as_often_as_one_likes(
    client: httpx.AsyncClient, book: Any, told: Any
) -> None:
    link = bearer((await book()).json()["link"])
    assert (await client.get("/appointment", headers=link)).json()["reminders"] is True
    for method, wanted in (("DELETE", False), ("DELETE", False), ("PUT", True), ("PUT", True), ("DELETE", False)):
        answer = await client.request(method, PATH, headers=link)
        assert (answer.status_code, answer.json()["reminders"]) == (200, wanted), answer.text
        assert (await client.get("/appointment", headers=link)).json()["reminders"] is wanted
    assert await told() == [(False, 1), (True, 2), (False, 3)]
    assert (await client.get("/appointment/data", headers=link)).json()["reminders_declined"] is True


async def test_looking_declines_nothing(client: httpx.AsyncClient, book: Any, told: Any) -> None:
    link = bearer((await book()).json()["link"])
    for method in ("GET", "HEAD", "POST"):
        assert (await client.request(method, PATH, headers=link)).status_code == 405
    assert await told() == []


async def test_it_holds_after_a_move_and_the_link_of_before_is_refused(
    client: httpx.AsyncClient, book: Any, told: Any
) -> None:
    old = bearer((await book()).json()["link"])
    await client.delete(PATH, headers=old)
    at = {"starts_at": (SLOT + timedelta(hours=1)).isoformat()}
    moved = await client.post("/appointment/rescheduling", json=at, headers=old | {"Idempotency-Key": uuid4().hex})
    new = bearer(moved.json()["link"])
    assert (await client.get("/appointment", headers=new)).json()["reminders"] is False
    refused = await client.put(PATH, headers=old)
    assert (refused.status_code, refused.json()["code"]) == (410, "link_expired")
    assert await told() == [(False, 1)]


async def test_where_nobody_would_be_reminded_there_is_nothing_to_choose(
    client: httpx.AsyncClient, book: Any, clock: Any
) -> None:
    elsewhere = bearer((await book("by-appointment")).json()["link"])
    assert (await client.get("/appointment", headers=elsewhere)).json()["reminders"] is None
    link = bearer((await book()).json()["link"])
    clock.now = SLOT
    assert (await client.delete(PATH, headers=link)).json()["reminders"] is None, "it has begun"


async def test_who_is_erased_has_chosen_nothing(client: httpx.AsyncClient, book: Any, stored: Any) -> None:
    link = bearer((await book()).json()["link"])
    await client.delete(PATH, headers=link)
    assert (await client.post("/appointment/erasure", headers=link)).status_code == 204
    (row,) = await stored("appointment")
    assert row["reminders_declined"] is False
    assert (await client.put(PATH, headers=link)).status_code == 410


async def test_only_a_link_that_is_used_all_the_time_costs_work(
    client: httpx.AsyncClient, book: Any, app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = bearer((await book()).json()["link"])
    gate = app.state.gate
    few = gate.limits.model_copy(update={"link": gate.limits.link.model_copy(update={"proof_from": 1})})
    monkeypatch.setitem(app.state._state, "gate", replace(gate, limits=few))
    answers = [(await client.put(PATH, headers=link)).status_code for _ in range(2)]
    assert answers == [200, 429]
    end = few.model_copy(update={"link": few.link.model_copy(update={"proof_from": 1, "at_most": 1})})
    monkeypatch.setitem(app.state._state, "gate", replace(gate, limits=end))
    assert (await client.put(PATH, headers=link)).json()["code"] == "limit_reached"
