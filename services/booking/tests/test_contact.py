"""Correcting a mistyped address: the appointment stays, the link is another, and whoever needs to know is told."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from booking.appointments import contact, model, store, worker
from contracts.booking import BookingContactChanged, SlotOffered
from contracts.ids import AppointmentId

pytestmark = pytest.mark.asyncio(loop_scope="module")

SLOT = datetime(2026, 6, 2, 6, 0, tzinfo=UTC)
RIGHT = "amelie@gmail.com"


def bearer(link: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {link.split('#')[1]}"}


@pytest.fixture
def correct(client: httpx.AsyncClient) -> Any:
    """`await correct(link, email, key, phone=...)`: the holder of the link says where to write to."""

    async def post(link: str, email: str = RIGHT, key: str = "", **more: object) -> httpx.Response:
        headers = bearer(link) | {"Idempotency-Key": key or uuid4().hex}
        return await client.post("/appointment/contact", json={"email": email} | more, headers=headers)

    return post


@pytest.fixture
def told(stored: Any) -> Any:
    """`await told()`: what was published about corrected addresses, oldest first."""

    async def read() -> list[BookingContactChanged]:
        rows = [row for row in await stored("outbox") if row["subject"] == BookingContactChanged.SUBJECT]
        return [BookingContactChanged.model_validate_json(row["body"]) for row in rows]

    return read


async def test_the_appointment_stays_and_its_link_is_another(
    client: httpx.AsyncClient, book: Any, correct: Any, told: Any
) -> None:
    before = (await book(email="amelie@gmial.com", phone="06221 58000", needs=["interpreter"])).json()
    corrected = await correct(before["link"])
    assert corrected.status_code == 200, corrected.text
    after = corrected.json()
    assert {name: after[name] for name in after if name != "link"} == {
        name: before[name] for name in before if name != "link"
    }
    old = await client.get("/appointment", headers=bearer(before["link"]))
    assert (old.status_code, old.json()["code"]) == (410, "link_expired")
    view = (await client.get("/appointment", headers=bearer(after["link"]))).json()
    assert (view["email"], view["phone"], view["state"], view["correctable"]) == (RIGHT, "+49622158000", "booked", True)
    (event,) = await told()
    assert (event.link_generation, event.changed_by, event.needs) == (2, "citizen", ("interpreter",))
    assert (event.citizen.email, event.citizen.phone) == (RIGHT, "+49622158000")
    assert after["link"].endswith(event.link_token)


@pytest.mark.parametrize(("phone", "kept"), [("0171 2345678", "+491712345678"), (None, None)])
async def test_the_telephone_number_is_corrected_the_same_way(
    client: httpx.AsyncClient, book: Any, correct: Any, phone: str | None, kept: str | None
) -> None:
    link = (await correct((await book(phone="06221 58000")).json()["link"], phone=phone)).json()["link"]
    assert (await client.get("/appointment", headers=bearer(link))).json()["phone"] == kept


async def test_a_click_that_is_repeated_corrects_once_and_has_the_same_answer(
    book: Any, correct: Any, told: Any
) -> None:
    link, key = (await book()).json()["link"], uuid4().hex
    first, second = await correct(link, key=key), await correct(link, key=key)
    assert (second.status_code, second.json()) == (200, first.json())
    assert len(await told()) == 1


@pytest.mark.parametrize("changes", [{"email": "amelie@"}, {"phone": "+"}])
async def test_what_is_no_address_is_refused_by_field_and_changes_nothing(
    client: httpx.AsyncClient, book: Any, correct: Any, changes: dict[str, str]
) -> None:
    link = (await book()).json()["link"]
    refused = await correct(link, **changes)
    assert (refused.status_code, [each["field"] for each in refused.json()["errors"]]) == (422, list(changes))
    assert (await client.get("/appointment", headers=bearer(link))).status_code == 200


async def test_from_its_beginning_on_the_citizen_asks_the_clerk(book: Any, correct: Any, clock: Any, told: Any) -> None:
    link = (await book()).json()["link"]
    clock.now = SLOT
    refused = await correct(link)
    assert (refused.status_code, refused.json()["code"]) == (409, "not_correctable")
    assert await told() == []


async def test_of_a_cancelled_appointment_nothing_is_corrected(
    client: httpx.AsyncClient, book: Any, correct: Any
) -> None:
    link = (await book()).json()["link"]
    await client.post("/appointment/cancellation", headers=bearer(link))
    assert (await correct(link)).status_code == 410


async def test_after_some_corrections_only_the_office_makes_more(
    client: httpx.AsyncClient, book: Any, correct: Any, signed_in: Any
) -> None:
    booked = (await book()).json()
    link = booked["link"]
    for count in range(model.MAX_CORRECTIONS):
        link = (await correct(link, f"try{count}@example.org")).json()["link"]
    assert (await client.get("/appointment", headers=bearer(link))).json()["correctable"] is False
    refused = await correct(link)
    assert (refused.status_code, refused.json()["code"]) == (409, "corrections_used_up")
    assert "office" in refused.json()["detail"]
    path = f"/office/appointments/{booked['appointment_id']}/contact"
    assert (await client.post(path, json={"email": RIGHT}, headers=signed_in())).status_code == 200


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=st.lists(st.sampled_from(["citizen", "office", "move"]), min_size=1, max_size=4))
async def test_whoever_corrects_and_moves_in_whatever_order_only_the_newest_link_is_good(
    client: httpx.AsyncClient, book: Any, correct: Any, signed_in: Any, stored: Any, database: Any, acts: list[str]
) -> None:
    async with database.transaction() as tx:  # what the example before gave back would return late
        await tx.execute("DELETE FROM ours.appointment")
        await tx.execute("DELETE FROM ours.freed_slot")
    booked = (await book()).json()
    links = [booked["link"]]
    for count, act in enumerate(acts):
        if act == "citizen":
            links.append((await correct(links[-1], f"{uuid4().hex}@example.org")).json()["link"])
        elif act == "office":
            path = f"/office/appointments/{booked['appointment_id']}/contact"
            headers = signed_in()
            answer = await client.post(path, json={"email": f"{uuid4().hex}@example.org"}, headers=headers)
            assert "link" not in answer.json()  # whoever has it signs and pays as the citizen
            event = BookingContactChanged.model_validate_json((await stored("outbox"))[-1]["body"])
            links.append(f"#{event.link_token}")
        else:
            headers = bearer(links[-1]) | {"Idempotency-Key": uuid4().hex}
            at = {"starts_at": (SLOT + timedelta(hours=1, minutes=5 * count)).isoformat()}
            links.append((await client.post("/appointment/rescheduling", json=at, headers=headers)).json()["link"])
    answers = [(await client.get("/appointment", headers=bearer(link))).status_code for link in links]
    assert answers == [410] * len(acts) + [200]
    (row,) = await stored("appointment")
    assert row["link_generation"] == len(links)


class TestByTheOffice:
    @pytest.fixture
    def office_corrects(self, client: httpx.AsyncClient, signed_in: Any) -> Any:
        async def post(appointment_id: str, office: str = "heidelberg") -> httpx.Response:
            path = f"/office/appointments/{appointment_id}/contact"
            return await client.post(path, json={"email": RIGHT}, headers=signed_in(office=office))

        return post

    async def test_another_offices_clerk_finds_nothing(self, book: Any, office_corrects: Any, told: Any) -> None:
        booked = (await book()).json()
        assert (await office_corrects(booked["appointment_id"], "demo")).status_code == 404
        assert await told() == []

    async def test_from_when_the_room_is_open_the_link_stays_for_the_citizen_is_in_the_call_by_it(
        self, client: httpx.AsyncClient, book: Any, office_corrects: Any, clock: Any, told: Any
    ) -> None:
        booked = (await book()).json()
        clock.now = SLOT
        assert (await office_corrects(booked["appointment_id"])).status_code == 200
        view = await client.get("/appointment", headers=bearer(booked["link"]))
        assert (view.status_code, view.json()["email"]) == (200, RIGHT)
        assert [(event.link_generation, event.citizen.email) for event in await told()] == [(1, RIGHT)]

    @pytest.mark.parametrize("end", ["completed", "no_show"])
    async def test_once_nobody_is_in_the_call_by_it_the_link_that_strayed_is_replaced(
        self, client: httpx.AsyncClient, book: Any, office_corrects: Any, clock: Any, told: Any, app: Any, end: str
    ) -> None:
        booked = (await book(email="amelie@gmial.com")).json()
        clock.now = SLOT
        await office_corrects(booked["appointment_id"])
        async with app.state.database.transaction() as tx:
            await tx.execute("UPDATE ours.appointment SET state = :end", end=end)
        bookable = app.state.deps.offices["heidelberg"]

        async def renewed() -> int:
            async with app.state.database.transaction() as tx:
                return await contact.renew_strayed(app.state.deps, tx, bookable, clock())

        clock.now = SLOT + contact.STRAYED_LINK_LIVES
        assert await renewed() == 0, "the citizen still looks at their papers"
        assert (await client.get("/appointment", headers=bearer(booked["link"]))).status_code == 200
        clock.forward(minutes=6)
        assert (await renewed(), await renewed()) == (1, 0)
        assert (await client.get("/appointment", headers=bearer(booked["link"]))).status_code == 410
        assert [(event.link_generation, event.revision, event.citizen.email) for event in await told()] == [
            (1, 1, RIGHT),
            (2, 2, RIGHT),
        ]
        link = f"#{(await told())[-1].link_token}"
        assert (await client.get("/appointment", headers=bearer(link))).json()["state"] == end

    async def test_who_is_still_in_the_call_keeps_their_link(
        self, book: Any, office_corrects: Any, clock: Any, app: Any
    ) -> None:
        booked = (await book()).json()
        bookable, appointment = app.state.deps.offices["heidelberg"], AppointmentId(booked["appointment_id"])
        clock.now = SLOT
        await office_corrects(booked["appointment_id"])
        async with app.state.database.transaction() as tx:
            await store.citizen_seen(tx, "heidelberg", appointment, SLOT, here=True)
            await store.call_took(tx, "heidelberg", appointment, 60)  # the connection broke once
        clock.forward(hours=3)
        assert await worker.end_what_is_over(app.state.deps, app.state.database, bookable, clock()) == (0, 0)
        async with app.state.database.transaction() as tx:
            await store.citizen_seen(tx, "heidelberg", appointment, clock(), here=False)
        assert await worker.end_what_is_over(app.state.deps, app.state.database, bookable, clock()) == (1, 1)

    @pytest.mark.parametrize("act", ["same address", "cancelled"])
    async def test_a_link_that_did_not_stray_or_is_dead_is_not_replaced(
        self, client: httpx.AsyncClient, book: Any, signed_in: Any, clock: Any, app: Any, told: Any, act: str
    ) -> None:
        booked = (await book(email="amelie@gmial.com")).json()
        clock.now = SLOT - timedelta(minutes=5)
        path = f"/office/appointments/{booked['appointment_id']}/contact"
        email = "Amelie@gmial.com" if act == "same address" else RIGHT
        assert (await client.post(path, json={"email": email}, headers=signed_in())).status_code == 200
        if act == "cancelled":
            assert (await client.post("/appointment/cancellation", headers=bearer(booked["link"]))).status_code == 200
        clock.forward(days=2)
        bookable = app.state.deps.offices["heidelberg"]
        assert (await worker.end_what_is_over(app.state.deps, app.state.database, bookable, clock()))[1] == 0
        assert len(await told()) == 1

    async def test_what_clerks_correct_does_not_use_up_the_citizens_corrections(
        self, client: httpx.AsyncClient, book: Any, office_corrects: Any, told: Any, correct: Any
    ) -> None:
        booked = (await book()).json()
        for _ in range(model.MAX_CORRECTIONS):
            await office_corrects(booked["appointment_id"])
        assert (await correct(f"#{(await told())[-1].link_token}", "other@example.org")).status_code == 200

    async def test_when_all_is_over_receipts_go_to_the_right_address_and_the_strayed_link_dies(
        self, client: httpx.AsyncClient, book: Any, office_corrects: Any, clock: Any, database: Any
    ) -> None:
        booked = (await book()).json()
        clock.now = SLOT + timedelta(hours=1)
        async with database.transaction() as tx:
            await tx.execute("UPDATE ours.appointment SET state = 'completed'")
        assert (await office_corrects(booked["appointment_id"])).status_code == 200
        assert (await client.get("/appointment", headers=bearer(booked["link"]))).status_code == 410

    async def test_who_was_erased_is_not_written_to_again(
        self, client: httpx.AsyncClient, book: Any, office_corrects: Any, told: Any
    ) -> None:
        booked = (await book()).json()
        await client.post("/appointment/erasure", headers=bearer(booked["link"]))
        assert (await office_corrects(booked["appointment_id"])).status_code == 410
        assert await told() == []


async def test_beyond_what_is_usual_under_one_address_a_correction_costs_work_too(
    client: httpx.AsyncClient, correct: Any, book: Any, app: Any
) -> None:
    limit = app.state.deps.offices["clerks-5"].office.booking.max_open_per_email
    for count in range(limit):
        at = SLOT + timedelta(minutes=5 * (count // 5))
        assert (await book("clerks-5", email=RIGHT, starts_at=at.isoformat())).status_code == 201
    link = (await book("clerks-5", starts_at=(SLOT + timedelta(hours=3)).isoformat())).json()["link"]
    asked = await correct(link, RIGHT.upper())
    assert (asked.status_code, asked.json()["code"]) == (429, "proof_required")


async def test_an_offer_that_went_astray_is_worth_nothing_and_goes_out_anew(
    client: httpx.AsyncClient, room: Any, correct: Any, stored: Any
) -> None:
    gone = await room.book(SLOT, "Gone")
    anna = await room.wait(SLOT + timedelta(hours=2), "Anna")
    await room.cancel(gone)
    await room.round()
    strayed = await room.newest()
    link = f"#{anna['Authorization'].removeprefix('Bearer ')}"
    corrected = (await correct(link)).json()["link"]
    for act in (client.get("/offer", headers=strayed), client.post("/offer/acceptance", headers=strayed)):
        assert (await act).status_code == 404
    mails = [
        SlotOffered.model_validate_json(row["body"]) for row in await stored("outbox") if "offered" in row["subject"]
    ]
    assert [(mail.citizen.email, mail.link_generation) for mail in mails] == [("anna@example.org", 1), (RIGHT, 2)]
    assert mails[0].expires_at == mails[1].expires_at
    accepted = await client.post("/offer/acceptance", headers=await room.newest())
    assert accepted.json()["starts_at"] == SLOT.isoformat().replace("+00:00", "Z")
    assert (await client.get("/appointment", headers=bearer(corrected))).status_code == 410
