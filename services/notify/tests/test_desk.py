"""What clerks do when a mail did not arrive, and what operators look at."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from chassis.database import Database
from contracts.offices import Office
from notify import usecases
from notify.model import Trouble, masked
from notify.retention import erase_what_is_over

Apply = Callable[..., Awaitable[bool]]
BOOKED, MOVED, OFF, OFFERED = (
    "booking.completed.v1",
    "booking.rescheduled.v1",
    "booking.cancelled.v1",
    "booking.slot_offered.v1",
)
OF_SAMPLE = "/appointments/0b6f8a52-6c1e-4d0e-9a53-3f2f9a1d7c10/messages"


@pytest.fixture
def clerk(clerk_token: Callable[..., str], clock: Any) -> Callable[..., dict[str, str]]:
    """`clerk(office="demo", role="clerk")`: the headers of a signed-in clerk."""

    def headers(office: str = "demo", role: str = "clerk") -> dict[str, str]:
        return {"Authorization": f"Bearer {clerk_token(office, role=role, now=clock())}"}

    return headers


@pytest.fixture
def failed(apply: Apply, database: Database, clock: Any) -> Callable[[], Awaitable[None]]:
    """`await failed()`: a booking whose confirmation did not arrive."""

    async def arrange() -> None:
        await apply(BOOKED)
        (message,) = await usecases.claim_due(database, clock())
        await usecases.settle_trouble(database, message, Trouble.INVALID_ADDRESS, clock())

    return arrange


async def resend(client: httpx.AsyncClient, headers: dict[str, str], key: str = "", **body: object) -> httpx.Response:
    """A click on "send again" beside the first confirmation."""
    shown = (await client.get(OF_SAMPLE, headers=headers)).json()["messages"]
    message = next(one for one in shown if one["kind"] == "confirmation" and one["tries"])
    path = f"{OF_SAMPLE}/{message['message_id']}/resend"
    return await client.post(path, json=body, headers=headers | {"Idempotency-Key": key or uuid4().hex})


async def pending(database: Database) -> list[tuple[str, str]]:
    async with database.transaction() as tx:
        rows = await tx.rows(
            "SELECT kind, recipient FROM ours.message WHERE state = 'pending' ORDER BY created_at, kind"
        )
    return [(row["kind"], row["recipient"]) for row in rows]


async def test_a_clerk_sees_what_became_of_the_mails_and_not_to_whom_exactly(
    client: httpx.AsyncClient, clerk: Any, failed: Any
) -> None:
    await failed()
    answer = await client.get(OF_SAMPLE, headers=clerk())
    assert answer.status_code == 200, answer.text
    (message,) = answer.json()["messages"]
    assert (message["kind"], message["state"], message["tries"]) == ("confirmation", "failed", 1)
    assert (message["trouble"], message["address"]) == ("invalid_address", "a…@example.org")
    assert "amelie" not in answer.text
    assert "eyJ" not in answer.text


def test_an_address_is_masked_to_what_one_recognises() -> None:
    assert masked("amelie@example.org") == "a…@example.org"
    assert masked("+491712345678") == "…678"
    assert masked("") == ""


async def test_once_more_is_a_new_mail_with_the_same_content(
    client: httpx.AsyncClient, clerk: Any, failed: Any, database: Database
) -> None:
    await failed()
    answer = await resend(client, clerk())
    assert (answer.status_code, answer.json()["state"]) == (202, "pending")
    async with database.transaction() as tx:
        rows = await tx.rows("SELECT id, context, state FROM ours.message ORDER BY state")
    assert [row["state"] for row in rows] == ["failed", "pending"]
    assert rows[0]["context"] == rows[1]["context"]
    assert rows[0]["id"] != rows[1]["id"]  # another Message-ID: mail programs hide a second copy of the same


async def test_a_click_that_is_repeated_sends_once(
    client: httpx.AsyncClient, clerk: Any, failed: Any, database: Database
) -> None:
    await failed()
    key = uuid4().hex
    first, second = await resend(client, clerk(), key), await resend(client, clerk(), key)
    assert second.json() == first.json()
    assert len(await pending(database)) == 1


async def test_it_goes_to_the_address_that_was_corrected_and_nobody_corrects_it_here(
    client: httpx.AsyncClient, clerk: Any, apply: Apply, database: Database, samples: Mapping[str, Any], clock: Any
) -> None:
    await apply(BOOKED)
    right = samples["booking.contact_changed.v1"][1].citizen.model_copy(update={"email": "right@example.org"})
    await apply("booking.contact_changed.v1", citizen=right)
    (message,) = await usecases.claim_due(database, clock())
    await usecases.settle_trouble(database, message, Trouble.REFUSED, clock())
    refused = await resend(client, clerk(), email="x@example.org")
    assert (refused.status_code, refused.json()["code"]) == (409, "stale_page")
    assert (await resend(client, clerk())).json()["address"] == "r…@example.org"
    assert await pending(database) == [("confirmation", "right@example.org")]
    await apply("booking.erased.v1")
    async with database.transaction() as tx:
        stored = str([await tx.rows("SELECT * FROM ours.recipient"), await tx.rows("SELECT * FROM ours.message")])
    assert "right@" not in stored


async def test_another_offices_clerk_finds_nothing(
    client: httpx.AsyncClient, clerk: Any, failed: Any, database: Database
) -> None:
    await failed()
    own = (await client.get(OF_SAMPLE, headers=clerk())).json()["messages"][0]["message_id"]
    assert (await client.get(OF_SAMPLE, headers=clerk("heidelberg"))).status_code == 404
    headers = clerk("heidelberg") | {"Idempotency-Key": uuid4().hex}
    answer = await client.post(f"{OF_SAMPLE}/{own}/resend", json={}, headers=headers)
    assert answer.status_code == 404
    assert await pending(database) == []
    assert (await client.get(OF_SAMPLE)).status_code == 401


@pytest.mark.parametrize("after", [MOVED, OFF, "booking.erased.v1"])
async def test_a_dead_link_is_not_sent_again(
    client: httpx.AsyncClient, clerk: Any, failed: Any, apply: Apply, after: str
) -> None:
    await failed()
    await apply(after)
    assert (await resend(client, clerk())).json()["code"] == "not_resendable"


@pytest.mark.parametrize(
    "forget", ["UPDATE ours.message SET recipient = ''", "UPDATE ours.recipient SET erased_at = now()"]
)
async def test_who_is_forgotten_is_not_written_to_again(
    client: httpx.AsyncClient, clerk: Any, failed: Any, database: Database, forget: str
) -> None:
    """Whether the message has lost its address or the appointment its person."""
    await failed()
    async with database.transaction() as tx:
        await tx.execute(forget)
    answer = await resend(client, clerk())
    assert (answer.status_code, answer.json()["code"]) == (409, "not_resendable")
    assert await pending(database) == []


async def test_an_offer_that_has_expired_is_not_sent_again(
    client: httpx.AsyncClient, clerk: Any, apply: Apply, clock: Any
) -> None:
    await apply(BOOKED)
    await apply(OFFERED, expires_at=clock() + timedelta(minutes=5))
    clock.now += timedelta(minutes=5)
    shown = (await client.get(OF_SAMPLE, headers=clerk())).json()["messages"]
    offer = next(one for one in shown if one["kind"] == "slot_offer")
    path = f"{OF_SAMPLE}/{offer['message_id']}/resend"
    answer = await client.post(path, json={}, headers=clerk() | {"Idempotency-Key": uuid4().hex})
    assert answer.json()["code"] == "not_resendable"


class TestPreview:
    async def test_leads_see_every_mail_of_their_office(self, client: httpx.AsyncClient, clerk: Any) -> None:
        headers = clerk("heidelberg", "lead")
        found = (await client.get("/preview", headers=headers)).json()["previews"]
        assert {"kind": "reminder", "language": "de", "plain": True} in found
        for one in found:
            answer = await client.get(f"/preview/{one.pop('kind')}", params=one, headers=headers)
            assert "Bergheimer Straße 69" in answer.text
            assert "sandbox" in answer.headers["content-security-policy"]

    @pytest.mark.parametrize(("form", "media"), [("text", "text/plain"), ("ics", "text/calendar")])
    async def test_in_every_form(self, client: httpx.AsyncClient, clerk: Any, form: str, media: str) -> None:
        answer = await client.get("/preview/confirmation", params={"format": form}, headers=clerk("demo", "admin"))
        assert answer.headers["content-type"].startswith(media)

    async def test_a_form_that_a_mail_lacks_is_not_there(self, client: httpx.AsyncClient, clerk: Any) -> None:
        answer = await client.get("/preview/receipt", params={"format": "ics"}, headers=clerk("demo", "admin"))
        assert answer.status_code == 404

    async def test_not_for_others(self, client: httpx.AsyncClient, clerk: Any) -> None:
        assert (await client.get("/preview", headers=clerk())).json()["code"] == "role_missing"
        assert (await client.get("/preview/receipt")).status_code == 401


class TestRetention:
    async def stored(self, database: Database) -> str:
        async with database.transaction() as tx:
            return str([await tx.rows("SELECT * FROM ours.recipient"), await tx.rows("SELECT * FROM ours.message")])

    async def test_people_are_forgotten_after_the_offices_days(
        self, apply: Apply, database: Database, clock: Any, offices: Mapping[str, Office]
    ) -> None:
        clock.now = clock().replace(year=2026, month=11, day=24)
        await apply(BOOKED)
        await apply("payment.captured.v1")
        ends_at = clock().replace(month=12, day=1, hour=8, minute=5, second=0, microsecond=0)
        days = timedelta(days=offices["demo"].retention.appointment_days)
        assert await erase_what_is_over(offices, database, ends_at + days - timedelta(minutes=1)) == 0
        assert "amelie" in await self.stored(database)
        assert await erase_what_is_over(offices, database, ends_at + days + timedelta(minutes=1)) == 1
        stored = await self.stored(database)
        assert [word for word in ("Amélie", "amelie", "DE-7K", "eyJ", "fuehrungs") if word in stored] == []
        assert "confirmation" in stored

    async def test_who_still_waits_is_written_to_after_old_offers_are_forgotten(
        self, apply: Apply, database: Database, clock: Any, offices: Mapping[str, Office]
    ) -> None:
        await apply(OFFERED, current_starts_at=None)
        async with database.transaction() as tx:
            await tx.execute("UPDATE ours.message SET state = 'delivered'")
        await erase_what_is_over(offices, database, clock() + timedelta(days=60))
        assert "amelie" not in await self.stored(database)
        await apply(BOOKED)
        assert await pending(database) == [("confirmation", "amelie@example.org")]


@pytest.mark.parametrize("kind", ["completion", "receipt"])
async def test_papers_that_are_sent_again_lead_there_by_the_newest_link(
    client: httpx.AsyncClient, clerk: Any, apply: Apply, database: Database, kind: str
) -> None:
    await apply(BOOKED)
    await apply("casework.case_completed.v1" if kind == "completion" else "payment.captured.v1")
    async with database.transaction() as tx:
        await tx.execute("UPDATE ours.message SET state = 'delivered' WHERE kind = :kind", kind=kind)
    event = "booking.contact_changed.v1"
    await apply(event, link_token="the.newest.link", link_generation=4)
    headers = clerk() | {"Idempotency-Key": uuid4().hex}
    listed = (await client.get(OF_SAMPLE, headers=headers)).json()["messages"]
    old = next(one for one in listed if one["kind"] == kind and one["state"] == "delivered")
    assert (await client.post(f"{OF_SAMPLE}/{old['message_id']}/resend", json={}, headers=headers)).status_code == 202
    async with database.transaction() as tx:
        rows = await tx.rows("SELECT context FROM ours.message WHERE kind = :kind AND state = 'pending'", kind=kind)
    assert {row["context"]["link_token"] for row in rows} == {"the.newest.link"}
