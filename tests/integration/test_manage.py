"""What a citizen does with an appointment, in a real browser and without an account: move, wait for an earlier time,
cancel, see and erase what is stored."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from browser import Browsers, until
from people import Citizen, Json, free_slots
from playwright.async_api import expect
from stored import Stored
from system import System
from town_hall import BERLIN
from visitor import Visitor

pytestmark = pytest.mark.journey


async def test_a_family_books_moves_waits_for_an_earlier_time_and_cancels(system: System, films: Path) -> None:
    async with Browsers(system.url, films) as browsers:
        visitor = Visitor(await browsers.open("phone"), system)
        booked = await visitor.books(("personalausweis", 2), ("fuehrungszeugnis", 1))
        stored = Stored(system, booked.appointment_id)
        assert [(s["service_id"], s["persons"]) for s in stored.appointment["services"]] == [
            ("personalausweis", 2),
            ("fuehrungszeugnis", 1),
        ]
        moved = await _moves(visitor, booked, stored)
        await _is_sent_away_with_the_old_link(visitor, booked)
        await visitor.opens(moved.booked["link"], "appointment")
        await _waits_for_an_earlier_time(visitor, stored)
        await _cancels(visitor, moved, stored)
        assert visitor.unexpected(410) == []


async def _moves(visitor: Visitor, booked: Citizen, stored: Stored) -> Citizen:
    before = stored.appointment["starts_at"]
    await visitor.window.click("go-appointment")
    await expect(visitor.at("appointment-what")).to_have_count(2)
    await visitor.window.click("move")
    await expect(visitor.at("move-page")).to_be_visible()
    # Another day: where a day is nearly full the earliest times may overlap what one has, and only that is free there.
    await visitor.window.click(f"day-{datetime.now(BERLIN).date() + timedelta(days=2)}")
    await visitor.at("slot").first.click()
    await expect(visitor.at("hold-timer")).to_be_visible()
    assert stored.appointment["starts_at"] == before, "a hold moves nothing"
    await visitor.window.photograph("20-move")
    await visitor.window.click("move-confirm")
    await expect(visitor.at("flash")).to_be_visible()
    assert stored.appointment["starts_at"] != before
    moved = visitor.citizen()
    assert (moved.appointment_id, moved.token != booked.token) == (booked.appointment_id, True)
    mail = await asyncio.to_thread(moved.mail, "verlegt")
    assert moved.booked["link"] in mail["links"]
    # The history still holds the page of the old link.
    await visitor.window.page.go_back()
    await expect(visitor.at("appointment")).to_be_visible()
    await expect(visitor.window.page).to_have_url(moved.booked["link"])
    return moved


async def _is_sent_away_with_the_old_link(visitor: Visitor, booked: Citizen) -> None:
    await visitor.opens(booked.booked["link"].replace("/done", "/appointment"), "link-expired")
    await visitor.window.photograph("21-old-link")


async def _waits_for_an_earlier_time(visitor: Visitor, stored: Stored) -> None:
    switch = visitor.at("earlier")
    await expect(switch).to_have_attribute("aria-checked", "false")
    await switch.click()
    await expect(visitor.at("earlier-since")).to_be_visible()
    await visitor.window.page.reload()
    await expect(switch).to_have_attribute("aria-checked", "true")
    await visitor.window.photograph("22-waiting")
    await switch.click()
    await expect(switch).to_have_attribute("aria-checked", "false")
    assert stored.appointment["state"] == "booked"


async def _cancels(visitor: Visitor, moved: Citizen, stored: Stored) -> None:
    await visitor.window.click("cancel")
    await visitor.window.click("cancel-no")
    assert stored.appointment["state"] == "booked"
    await visitor.window.click("cancel")
    await visitor.window.click("cancel-yes")
    await expect(visitor.at("cancelled")).to_be_focused()
    assert stored.appointment["state"] == "cancelled"
    await visitor.opens(moved.booked["link"], "link-cancelled")


async def test_a_citizen_sees_what_is_stored_and_has_it_erased(system: System, films: Path) -> None:
    async with Browsers(system.url, films) as browsers:
        visitor = Visitor(await browsers.open("desk"), system)
        citizen = await visitor.books(("anmeldung", 3))
        stored = Stored(system, citizen.appointment_id)
        await asyncio.to_thread(citizen.case)
        await visitor.window.click("go-appointment")
        async with visitor.window.page.expect_download() as started:
            await visitor.window.click("download-data")
        told = json.loads((await (await started.value).path()).read_text())
        assert (told["email"], told["services"][0]["persons"]) == (visitor.email, 3)
        async with visitor.window.page.expect_download() as started:
            await visitor.window.click("to-calendar")
        assert "BEGIN:VEVENT" in (await (await started.value).path()).read_text()
        await visitor.window.click("erase")
        await visitor.window.photograph("23-erase")
        await visitor.window.click("erase-yes")
        await expect(visitor.at("erased")).to_be_visible()
        row = stored.appointment
        assert row["state"] == "cancelled"
        assert not {visitor.email, "Amélie Müller-Yılmaz"} & {str(value) for value in row.values()}
        await until(lambda: _forgotten(stored), what="casework has forgotten, too")
        await visitor.opens(citizen.booked["link"].replace("/done", "/appointment"), "link-expired")
        assert visitor.unexpected(404, 410) == []


async def _forgotten(stored: Stored) -> Any:
    rows = await asyncio.to_thread(stored.rows, "casework", "case_file")
    return all("Müller" not in str(row) for row in rows)


def _well_ahead(system: System) -> tuple[Json, Json]:
    """Two free slots, the earlier one far enough ahead to be offered.

    One that is given back half an hour before it begins (and a few minutes that are drawn) goes to everybody at once.
    """
    soonest = datetime.now(UTC) + timedelta(minutes=45)
    slots = [slot for slot in free_slots(system) if datetime.fromisoformat(slot["starts_at"]) > soonest]
    return slots[0], slots[34]


async def test_a_time_that_becomes_free_is_offered_and_taken(system: System, films: Path) -> None:
    async with Browsers(system.url, films) as browsers:
        # Somebody has the earlier time; the visitor has a later one and waits.
        early, late = await asyncio.to_thread(_well_ahead, system)
        holder = await asyncio.to_thread(Citizen.books, system, slot=early)
        citizen = await asyncio.to_thread(Citizen.books, system, slot=late)
        visitor = Visitor(await browsers.open("phone"), system)
        await visitor.opens(citizen.booked["link"], "appointment")
        await visitor.window.click("earlier")
        await expect(visitor.at("earlier-since")).to_be_visible()
        assert (await asyncio.to_thread(holder.http.post, "/booking/appointment/cancellation")).is_success

        mail = await asyncio.to_thread(citizen.mail, "Früherer Termin frei", 60)
        link = next(link for link in mail["links"] if "/offer#" in link)
        await visitor.opens(link, "offer-accept")
        await visitor.window.photograph("24-offer")
        stored = Stored(system, citizen.appointment_id)
        assert stored.appointment["starts_at"] == datetime.fromisoformat(late["starts_at"]), "looking takes nothing"
        await visitor.window.click("offer-accept")
        await expect(visitor.at("flash")).to_be_visible()
        assert stored.appointment["starts_at"] < datetime.fromisoformat(late["starts_at"])
        await visitor.opens(link, "offer")
        await expect(visitor.at("offer")).to_have_attribute("data-state", "accepted")
        assert visitor.unexpected() == []
