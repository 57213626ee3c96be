"""A clerk is ill: everybody keeps the time or is moved, once, and told once, whatever happens in the middle."""

import asyncio
import random
from collections import Counter
from typing import Any
from uuid import uuid4

import httpx
import pytest

from booking.appointments import usecases
from booking.clerks import store
from booking.errors import SlotTaken
from contracts.booking import BookingRescheduled

pytestmark = pytest.mark.asyncio(loop_scope="module")

TUESDAY = {"from": "2026-06-01T22:00:00Z", "to": "2026-06-02T22:00:00Z"}


@pytest.fixture
def move_many(client: httpx.AsyncClient, signed_in: Any) -> Any:
    """`await move_many("clerks-2", lane=0, dry_run=True, key=...)`: a lead moves a lane's Tuesday."""

    async def post(office: str = "clerks-2", *, key: str | None = None, **wish: Any) -> httpx.Response:
        headers = signed_in("lead", office) | ({"Idempotency-Key": key} if key else {})
        return await client.post("/office/moves", json={"lane": 0, **TUESDAY, **wish}, headers=headers)

    return post


@pytest.fixture
def busy_tuesday(book: Any) -> Any:
    """`await busy_tuesday("clerks-5", tries, seed)`: appointments of different length at random times."""

    async def fill(office: str, tries: int, seed: int) -> list[dict[str, Any]]:
        dice = random.Random(seed)
        booked = []
        for _ in range(tries):
            minute = 5 * dice.randrange(12 * 3)
            service = dice.choice(["fuehrungszeugnis", "anmeldung", "personalausweis"])
            answer = await book(
                office,
                starts_at=f"2026-06-02T{6 + minute // 60:02}:{minute % 60:02}:00Z",
                services=[{"service_id": service}],
            )
            booked += [answer.json()] if answer.status_code == 201 else []
        return booked

    return fill


def rescheduled(rows: list[dict[str, Any]]) -> Counter[str]:
    events = [BookingRescheduled.model_validate_json(row["body"]) for row in rows if "rescheduled" in row["subject"]]
    assert {event.rescheduled_by for event in events} <= {"office"}
    return Counter(str(event.appointment_id) for event in events)


@pytest.mark.parametrize(("office", "tries"), [("clerks-5", 80), ("clerks-2", 40), ("clerks-1", 20)])
@pytest.mark.parametrize("seed", [1, 2])
async def test_what_the_preview_says_is_what_happens(
    client: httpx.AsyncClient, move_many: Any, busy_tuesday: Any, stored: Any, office: str, tries: int, seed: int
) -> None:
    booked = await busy_tuesday(office, tries, seed)
    before = {str(row["id"]): row for row in await stored("appointment")}
    ill = {id_ for id_, row in before.items() if row["lane"] == 0}
    preview = (await move_many(office, dry_run=True)).json()
    assert {str(row["id"]): row for row in await stored("appointment")} == before
    assert await stored("blocked_time") == []
    assert rescheduled(await stored("outbox")) == Counter()

    answer = await move_many(office)
    assert (answer.status_code, answer.json()) == (200, preview)

    after = {str(row["id"]): row for row in await stored("appointment")}
    kept, moved, left = (
        {brief["appointment_id"] for brief in preview[part]} for part in ("kept_time", "moved", "left")
    )
    assert len(kept) + len(moved) + len(left) == len(ill)
    assert kept | moved | left == ill
    assert rescheduled(await stored("outbox")) == Counter(moved), "told once, and only those who have to know"
    for id_ in kept:
        assert (after[id_]["starts_at"], after[id_]["link_generation"]) == (before[id_]["starts_at"], 1)
        assert after[id_]["lane"] != 0
    assert all(after[id_]["link_generation"] == 2 for id_ in moved)
    assert all(after[id_] == before[id_] for id_ in before.keys() - kept - moved)
    assert await stored("freed_slot") == [], "the time of somebody who is ill is given to nobody"
    (blocked,) = await stored("blocked_time")
    assert (blocked["lane"], blocked["reason"], blocked["created_by"][:6]) == (0, "other", "clerk:")
    links = {answer["appointment_id"]: answer["link"].split("#")[1] for answer in booked}
    for id_ in ill:
        view = await client.get("/appointment", headers={"Authorization": f"Bearer {links[id_]}"})
        assert view.status_code == (410 if id_ in moved else 200)


async def test_the_same_request_again_is_the_same_answer_and_a_new_one_finds_nothing_to_do(
    move_many: Any, busy_tuesday: Any, stored: Any
) -> None:
    await busy_tuesday("clerks-2", 20, 3)
    key = uuid4().hex
    first = await move_many(key=key)
    assert first.json()["kept_time"] or first.json()["moved"]
    events = len(await stored("outbox"))
    assert (await move_many(key=key)).json() == first.json()
    again = (await move_many()).json()
    assert (again["kept_time"], again["moved"]) == ([], [])
    assert len(await stored("outbox")) == events
    assert len(await stored("blocked_time")) == 1
    mismatch = await move_many(key=key, lane=1)
    assert (mismatch.status_code, mismatch.json()["code"]) == (422, "idempotency_mismatch")


@pytest.mark.parametrize("step", [1, 2, 3, 5, 8])
async def test_killed_in_the_middle_and_repeated_everybody_is_moved_once(
    move_many: Any, busy_tuesday: Any, stored: Any, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    await busy_tuesday("clerks-2", 22, 4)
    before = {row["id"]: row for row in await stored("appointment")}
    preview = (await move_many(dry_run=True)).json()
    step = min(step, len(preview["kept_time"]) + len(preview["moved"]))  # lanes are given by chance
    noted = 0
    note = store.note

    async def dies(*args: Any) -> None:
        nonlocal noted
        await note(*args)
        noted += 1
        if noted > step:  # everything of this step is written, but not committed
            raise RuntimeError("killed")

    monkeypatch.setattr(store, "note", dies)
    key = uuid4().hex
    assert (await move_many(key=key)).status_code == 500
    halfway = {row["id"]: row for row in await stored("appointment")}
    assert sum(halfway[id_] != before[id_] for id_ in before) == step - 1
    assert max(rescheduled(await stored("outbox")).values(), default=1) == 1

    monkeypatch.setattr(store, "note", note)
    assert (await move_many(key=key)).json() == preview
    assert rescheduled(await stored("outbox")) == Counter(each["appointment_id"] for each in preview["moved"])
    assert all(row["link_generation"] <= 2 for row in await stored("appointment"))


async def test_sent_twice_at_once_it_is_done_once(move_many: Any, busy_tuesday: Any, stored: Any) -> None:
    await busy_tuesday("clerks-2", 22, 5)
    preview = (await move_many(dry_run=True)).json()
    key = uuid4().hex
    answers = await asyncio.gather(*(move_many(key=key) for _ in range(3)))
    assert [answer.json() for answer in answers] == [preview] * 3
    assert rescheduled(await stored("outbox")) == Counter(each["appointment_id"] for each in preview["moved"])


async def test_two_leads_at_once_move_nobody_twice(move_many: Any, busy_tuesday: Any, stored: Any) -> None:
    await busy_tuesday("clerks-5", 60, 6)
    answers = await asyncio.gather(*(move_many("clerks-5") for _ in range(3)))
    assert {answer.status_code for answer in answers} == {200}
    assert set(rescheduled(await stored("outbox")).values()) <= {1}
    assert {row["lane"] for row in await stored("appointment")} <= {1, 2, 3, 4}


async def test_while_citizens_go_on_booking(move_many: Any, busy_tuesday: Any, book: Any, stored: Any) -> None:
    await busy_tuesday("clerks-2", 20, 7)

    async def somebody(minute: int) -> int:
        answer = await book("clerks-2", starts_at=f"2026-06-02T{6 + minute // 60:02}:{minute % 60:02}:00Z")
        return int(answer.status_code)

    moved, *codes = await asyncio.gather(move_many(), *(somebody(5 * n) for n in range(40)))
    assert moved.status_code == 200
    assert set(codes) <= {201, 409}
    stayed = {brief["appointment_id"] for brief in moved.json()["left"]}
    lanes = {str(row["id"]): row["lane"] for row in await stored("appointment")}
    after = {id_ for id_, lane in lanes.items() if lane == 0} - stayed
    # Whoever booked in the moment before the time was blocked is a conflict that the week shows.
    assert len(after) <= codes.count(201)


async def test_who_cannot_be_moved_is_told_of_with_the_reason(
    client: httpx.AsyncClient, move_many: Any, book: Any, signed_in: Any, edit_timetable: Any, clock: Any
) -> None:
    held = (await client.get("/office/timetable", headers=signed_in("lead", "clerks-2"))).json()
    only_zero = [held["clerks"][0], held["clerks"][1] | {"skills": ["fuehrungszeugnis"]}]
    assert (await edit_timetable("clerks-2", clerks=only_zero)).status_code == 200
    begun = await book("clerks-2", starts_at="2026-06-02T06:00:00Z", services=[{"service_id": "anmeldung"}])
    stuck = await book("clerks-2", starts_at="2026-06-02T08:00:00Z", services=[{"service_id": "anmeldung"}])
    clock.forward(hours=23, minutes=5)  # Tuesday, 06:05
    whole_horizon = {"to": "2026-08-01T00:00:00Z"}
    answer = (await move_many(**whole_horizon)).json()
    assert (answer["kept_time"], answer["moved"]) == ([], [])
    assert [(left["appointment_id"], left["reason"]) for left in answer["left"]] == [
        (begun.json()["appointment_id"], "begun"),
        (stuck.json()["appointment_id"], "no_room"),
    ]
    nobody = [held["clerks"][0] | {"skills": []}, only_zero[1]]
    assert (await edit_timetable("clerks-2", clerks=nobody)).status_code == 200
    answer = (await move_many(**whole_horizon)).json()
    assert [left["reason"] for left in answer["left"]] == ["begun", "nobody_trained"]


async def test_a_lane_that_has_left_the_timetable_is_emptied_and_not_blocked(
    client: httpx.AsyncClient, move_many: Any, book: Any, signed_in: Any, edit_timetable: Any, stored: Any
) -> None:
    await asyncio.gather(*(book("clerks-2", starts_at="2026-06-02T06:00:00Z") for _ in range(2)))
    held = (await client.get("/office/timetable", headers=signed_in("lead", "clerks-2"))).json()
    saved = (await edit_timetable("clerks-2", clerks=[{"name": "Neu"}, held["clerks"][1]])).json()
    assert [clerk["lane"] for clerk in saved["clerks"]] == [2, 1]
    assert [conflict["reason"] for conflict in saved["conflicts"]] == ["lane_removed"]
    answer = (await move_many()).json()
    assert [brief["lane"] for brief in answer["kept_time"]] == [2]
    assert await stored("blocked_time") == []


async def test_a_slot_that_a_citizen_holds_is_theirs(client: httpx.AsyncClient, move_many: Any, book: Any) -> None:
    taken = await book("clerks-2", starts_at="2026-06-02T06:00:00Z")
    body = {"services": ["fuehrungszeugnis"], "starts_at": "2026-06-02T06:00:00Z"}
    assert (await client.post("/offices/clerks-2/holds", json=body)).status_code == 201
    answers = [(await move_many(lane=lane, dry_run=True)).json() for lane in (0, 1)]
    (moved,) = [moved for answer in answers for moved in answer["moved"]]
    assert (moved["appointment_id"], moved["to"]) == (taken.json()["appointment_id"], "2026-06-02T06:05:00Z")


async def test_a_lane_that_is_blocked_already_keeps_its_reason(
    client: httpx.AsyncClient, move_many: Any, signed_in: Any, stored: Any
) -> None:
    block = {"lane": 0, "starts_at": TUESDAY["from"], "ends_at": TUESDAY["to"], "reason": "sick"}
    await client.post("/office/blocked-times", json=block, headers=signed_in("lead", "clerks-2"))
    assert (await move_many()).status_code == 200
    assert [row["reason"] for row in await stored("blocked_time")] == ["sick"]


async def test_whoever_is_always_beaten_to_the_place_stays_where_they_are(
    move_many: Any, book: Any, stored: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await book("clerks-1", starts_at="2026-06-02T06:00:00Z")

    async def beaten(*args: Any, **kwargs: Any) -> None:
        raise SlotTaken([])

    monkeypatch.setattr(usecases, "move", beaten)
    answer = await move_many("clerks-1")
    assert [left["reason"] for left in answer.json()["left"]] == ["no_room"]
    assert [row["link_generation"] for row in await stored("appointment")] == [1]
