"""Times that the public does not see: clerks see what was just given back and book it, and what somebody has yet to
confirm; and an act that fails after the week was left is told. In a real browser."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal
from uuid import uuid4

import httpx
import psycopg
import pytest
from browser import Browsers
from meeting import Desk
from people import Citizen, Json, free_slots, ok
from playwright.async_api import Route, expect
from system import System
from town_hall import BERLIN

pytestmark = pytest.mark.journey


def _given_back(system: System) -> Json:
    """A slot whose desks were all taken, one for a while; it was given back, and returns in more than an hour."""
    slot = free_slots(system)[-20]
    citizens = [Citizen.books(system, slot=slot) for _ in range(4)]
    first = citizens[0]
    with psycopg.connect(system.database("booking")) as connection:
        question = "UPDATE appointment SET booked_at = now() - interval '1 hour' WHERE id = %s"
        connection.execute(question, (first.appointment_id,))
    ok(first.http.post("/booking/appointment/cancellation"))
    returns_at = datetime.now(UTC) + timedelta(minutes=75)
    with psycopg.connect(system.database("booking")) as connection:
        question = "UPDATE freed_slot SET public_at = %s WHERE left_by = %s"
        connection.execute(question, (returns_at, first.appointment_id))
    return slot


def _public(system: System) -> list[str]:
    return [slot["starts_at"] for slot in free_slots(system)]


def _reserved(system: System) -> Json:
    """Somebody has booked where addresses are confirmed, and has not said yes."""
    slot = free_slots(system, "sorgental")[-20]
    body = {
        "services": [{"service_id": "fuehrungszeugnis", "options": {"belegart": "N"}}],
        "starts_at": slot["starts_at"],
        "name": "Wilhelmine Ungewiss",
        "email": f"kept-{uuid4().hex[:8]}@example.org",
        "language": "de",
    }
    url = f"{system.url}/api/booking/offices/sorgental/appointments"
    booked: Json = ok(httpx.post(url, json=body, headers={"Idempotency-Key": uuid4().hex}, timeout=15))
    return booked


@pytest.mark.parametrize(("device", "scheme"), [("desk", "light"), ("desk", "dark"), ("phone", "light")])
async def test_a_clerk_books_what_was_just_given_back(
    system: System, films: Path, device: Literal["phone", "desk"], scheme: str
) -> None:
    async with Browsers(system.url, films) as browsers:
        slot = await asyncio.to_thread(_given_back, system)
        assert slot["starts_at"] not in await asyncio.to_thread(_public, system)
        desk = Desk(await browsers.open(device, color_scheme=scheme), system)
        await desk.signs_in()
        page, at = desk.window.page, desk.at
        await page.goto(f"{system.url}/clerk/book")
        await at("book-service-fuehrungszeugnis").check()
        await desk.window.click("question-fuehrungszeugnis-age-yes")
        await desk.window.click("question-fuehrungszeugnis-person-yes")
        await at("option-fuehrungszeugnis-belegart").select_option("O")
        await desk.window.click(f"slot-day-{datetime.fromisoformat(slot['starts_at']).astimezone(BERLIN).date()}")
        kept = page.locator(f'[data-testid="slot"][data-starts-at="{slot["starts_at"]}"]')
        returns = await kept.get_attribute("data-returns")
        line = kept.locator("..")
        empty = "document.documentElement.scrollHeight - document.body.getBoundingClientRect().bottom - window.scrollY"
        assert await page.evaluate(empty) < 2, "nothing is below the page"
        await expect(line).to_contain_text(f"öffentlich ab {returns}")
        await expect(at("slots-kept")).to_be_visible()
        await line.scroll_into_view_if_needed()
        await desk.window.photograph(f"{device}-{scheme}-80-kept")
        assert await desk.window.barriers("kept") == []
        await line.click()
        await expect(kept).to_be_checked()
        await at("book-name").fill("Amélie Müller-Yılmaz")
        await at("book-email").fill(f"desk-{uuid4().hex[:8]}@example.org")
        await desk.window.photograph(f"{device}-{scheme}-81-chosen")
        await desk.window.click("book-confirm")
        await expect(at("booked-reference")).to_be_visible()
        assert slot["starts_at"] not in await asyncio.to_thread(_public, system)
        assert desk.window.troubles == []


@pytest.mark.parametrize(("device", "scheme"), [("desk", "light"), ("desk", "dark"), ("phone", "dark")])
async def test_the_week_shows_what_is_taken_until_somebody_confirms(
    system: System, films: Path, device: Literal["phone", "desk"], scheme: str
) -> None:
    async with Browsers(system.url, films) as browsers:
        booked = await asyncio.to_thread(_reserved, system)
        desk = Desk(await browsers.open(device, color_scheme=scheme), system)
        await desk.signs_in("sorgental")
        day = datetime.fromisoformat(booked["starts_at"]).astimezone(BERLIN).date()
        await desk.window.page.goto(f"{system.url}/clerk/week?day={day}")
        until = f"{datetime.fromisoformat(booked['confirm_by']).astimezone(BERLIN):%H:%M}"
        where, words = ("provisional", "vorl.") if device == "desk" else ("list-provisional", "vorläufig vergeben")
        shown = desk.at(where).filter(has_text=f"{words} bis {until}").first
        await expect(shown).to_be_visible()
        await shown.scroll_into_view_if_needed()
        await desk.window.photograph(f"{device}-{scheme}-82-provisional")
        assert await desk.window.barriers("provisional") == []
        assert "Wilhelmine" not in await desk.window.page.locator("main").inner_text()


async def test_what_fails_after_the_week_was_left_is_told_on_the_page_that_one_is_on(
    system: System, films: Path
) -> None:
    async with Browsers(system.url, films) as browsers:
        citizen = await asyncio.to_thread(Citizen.books, system)
        desk = Desk(await browsers.open("desk"), system)
        await desk.signs_in()
        page, at = desk.window.page, desk.at
        day = datetime.fromisoformat(citizen.booked["starts_at"]).astimezone(BERLIN).date()
        let_fail = asyncio.Event()

        async def slowly(route: Route) -> None:
            await let_fail.wait()
            await route.abort()

        await page.route("**/cancellation", slowly)
        await page.goto(f"{system.url}/clerk/week?day={day}&appointment={citizen.appointment_id}")
        await desk.window.click("panel-cancel")
        await desk.window.click("panel-confirm")
        await page.keyboard.press("Escape")
        await desk.window.click("nav-book")
        await expect(at("book")).to_be_visible()
        await expect(at("act-failed")).to_have_count(0)
        let_fail.set()
        await expect(at("act-failed")).to_be_visible()
        await desk.window.photograph("83-failed-elsewhere")
        assert await desk.window.barriers("failed elsewhere") == []
        await desk.window.click("act-failed-show")
        await expect(at("panel-problem")).to_be_visible()


@pytest.mark.parametrize("device", ["desk", "phone"])
async def test_what_the_citizen_cancels_while_the_clerk_moves_it_is_said_where_the_clerk_looks(
    system: System, films: Path, device: Literal["phone", "desk"]
) -> None:
    async with Browsers(system.url, films) as browsers:
        slot = (await asyncio.to_thread(free_slots, system))[-40]
        citizen = await asyncio.to_thread(Citizen.books, system, slot=slot)
        desk = Desk(await browsers.open(device), system)
        await desk.signs_in()
        page, at = desk.window.page, desk.at
        day = datetime.fromisoformat(slot["starts_at"]).astimezone(BERLIN).date()
        await page.goto(f"{system.url}/clerk/week?day={day}&appointment={citizen.appointment_id}")
        await desk.window.click("panel-move")
        await at("slot").first.locator("..").click()
        await asyncio.to_thread(lambda: ok(citizen.http.post("/booking/appointment/cancellation")))
        await at("move-confirm").click()
        said = at("changed-meanwhile")
        await expect(said).to_be_visible()
        await expect(said).to_be_in_viewport()
        await expect(page.locator("#panel-refused")).to_be_focused()
        await expect(at("panel")).to_have_attribute("data-state", "cancelled")
        assert await at("panel-move").count() == 0
        await desk.window.photograph(f"{device}-light-84-cancelled-meanwhile")
        assert await desk.window.barriers("cancelled meanwhile") == []
