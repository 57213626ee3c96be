"""Somebody who found no time waits for one, and stops waiting by the link in the mail, in a real browser."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from browser import Browsers, until
from people import Citizen, free_slots
from playwright.async_api import expect
from psycopg.rows import dict_row
from system import System
from visitor import Visitor

pytestmark = pytest.mark.journey


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_one_waits_is_written_to_and_leaves_by_the_link(system: System, films: Path, scheme: str) -> None:
    async with Browsers(system.url, films) as browsers:
        visitor = Visitor(await browsers.open("phone", color_scheme=scheme), system)
        # So far off that nothing is offered meanwhile, whatever other tests give back.
        await _joins(visitor, first=datetime.now(UTC) + timedelta(days=13))
        await visitor.window.photograph(f"{scheme}-30-joined")
        mail = await asyncio.to_thread(_mails(visitor).mail, "Warteliste")
        link = next(link for link in mail["links"] if "/waiting#" in link)
        await visitor.opens(link, "waiting-leave")
        await expect(visitor.at("entry-what")).to_have_text("Personalausweis, 2 Personen")
        await visitor.window.photograph(f"{scheme}-31-entry")
        found = await visitor.window.barriers("entry")
        async with visitor.window.page.expect_download() as started:
            await visitor.window.click("download-data")
        told = json.loads((await (await started.value).path()).read_text())
        assert (told["citizen"]["email"], told["services"][0]["persons"]) == (visitor.email, 2)
        assert _entry(system, visitor)["state"] == "waiting", "looking changes nothing"
        await visitor.window.click("waiting-leave")
        await expect(visitor.at("waiting-stay")).to_be_focused()
        await visitor.window.photograph(f"{scheme}-32-leave")
        found += await visitor.window.barriers("leaving")
        await visitor.window.click("waiting-stay")
        assert _entry(system, visitor)["state"] == "waiting"
        entry_id = _entry(system, visitor)["id"]
        await visitor.window.click("waiting-leave")
        await visitor.window.click("waiting-leave-yes")
        await expect(visitor.at("waiting-entry")).to_have_attribute("data-state", "left")
        await expect(visitor.window.page.locator("h1")).to_be_focused()
        await visitor.window.photograph(f"{scheme}-33-left")
        found += await visitor.window.barriers("left")
        assert _entry(system, visitor) is None, "the address is gone"
        await until(lambda: _forgotten(system, entry_id, visitor.email), what="notify has forgotten, too")
        await visitor.opens(link, "waiting-entry")
        await expect(visitor.at("waiting-entry")).to_have_attribute("data-state", "left")
        assert not found, "\n".join(found)
        assert visitor.unexpected(422) == []


async def test_a_link_without_its_end_or_of_another_time_is_answered_kindly(system: System, films: Path) -> None:
    async with Browsers(system.url, films) as browsers:
        visitor = Visitor(await browsers.open("desk"), system)
        for fragment, state in (("", "missing"), ("#a.b.c", "over")):
            await visitor.opens(f"{system.url}/demo/waiting{fragment}", "waiting-entry")
            await expect(visitor.at("waiting-entry")).to_have_attribute("data-state", state)
            assert await visitor.window.barriers(state) == []
            await visitor.window.photograph(f"34-{state}")
        assert visitor.unexpected(401) == []


async def test_leaving_gives_the_time_that_is_offered_to_the_next(system: System, films: Path) -> None:
    async with Browsers(system.url, films) as browsers:
        visitor = Visitor(await browsers.open("desk"), system)
        slots = await asyncio.to_thread(free_slots, system)
        holder = await asyncio.to_thread(
            Citizen.books, system, slot=slots[12]
        )  # sooner than half an hour it is public at once
        await _joins(visitor)
        assert (await asyncio.to_thread(holder.http.post, "/booking/appointment/cancellation")).is_success
        offered = await asyncio.to_thread(_mails(visitor).mail, "Ein Termin ist frei", 60)
        mail = await asyncio.to_thread(_mails(visitor).mail, "Warteliste")
        await visitor.opens(next(link for link in mail["links"] if "/waiting#" in link), "waiting-offered")
        await visitor.window.photograph("35-offered")
        assert await visitor.window.barriers("offered") == []
        await visitor.window.click("waiting-leave")
        await visitor.window.click("waiting-leave-yes")
        await expect(visitor.at("waiting-entry")).to_have_attribute("data-state", "left")
        await visitor.opens(next(link for link in offered["links"] if "/offer#" in link), "offer")
        await expect(visitor.at("offer")).to_have_attribute("data-state", "refused")
        assert visitor.unexpected() == []


async def _joins(visitor: Visitor, first: datetime | None = None) -> None:
    await visitor.window.page.goto(f"{visitor.system.url}/demo/")
    service, persons = ("personalausweis", 2) if first else ("fuehrungszeugnis", 1)
    await visitor.chooses(service, persons=persons)
    await visitor.window.page.goto(f"{visitor.system.url}/demo/waiting-list")
    await visitor.says_who_they_are()
    if first:
        # Further ahead than the office takes appointments: the field says so.
        await visitor.at("first").fill(str((first + timedelta(days=100)).date()))
        await visitor.window.click("join-waiting-list")
        await expect(visitor.at("error-summary")).to_be_visible()
        await expect(visitor.at("first")).to_have_attribute("aria-invalid", "true")
        await visitor.at("first").fill(str(first.date()))
    await visitor.window.click("join-waiting-list")
    await expect(visitor.at("waiting-mail")).to_be_visible()


def _mails(visitor: Visitor) -> Citizen:
    """Whoever reads the visitor's mails; they have no appointment."""
    return Citizen(visitor.system, {"appointment_id": "", "link": "#"}, visitor.email)


def _entry(system: System, visitor: Visitor) -> Any:
    with psycopg.connect(system.database("booking"), row_factory=dict_row) as connection:
        return connection.execute("SELECT * FROM waiting_entry WHERE email = %s", (visitor.email,)).fetchone()


async def _forgotten(system: System, entry_id: Any, email: str) -> bool:
    def read() -> Any:
        with psycopg.connect(system.database("notify")) as connection:
            asked = "SELECT recipient, context::text FROM message WHERE appointment_id = %s"
            return connection.execute(asked, (entry_id,)).fetchall()

    told = await asyncio.to_thread(read)
    return bool(told) and all(recipient == "" and email not in context for recipient, context in told)
