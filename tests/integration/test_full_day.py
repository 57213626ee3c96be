"""A clerk's full day in a real browser: what comes next, who waits, and a week in which five minutes can be read."""

import asyncio
import re
from datetime import datetime
from pathlib import Path

import pytest
from browser import Browsers
from meeting import Desk, Phone
from people import Citizen, Json
from playwright.async_api import expect
from system import System, eventually
from town_hall import BERLIN, Lead, a_while_ago

pytestmark = pytest.mark.journey


async def test_a_full_day_at_the_desk(system: System, films: Path) -> None:
    async with Browsers(system.url, films) as browsers:
        desk = Desk(await browsers.open("desk"), system)
        await desk.signs_in()
        lead = Lead(desk, "demo")
        booked = await asyncio.to_thread(lead.fills_the_day, 36)
        await _somebody_did_not_come(lead, booked.pop())
        await _reads_the_agenda(lead)
        await _opens_the_week(lead)
        await _sees_who_waits(lead, Phone(await browsers.open("phone"), system))
        assert desk.window.troubles == []


async def _somebody_did_not_come(lead: Lead, missed: Json) -> None:
    """One of the day is over, the others are in casework's list."""
    a_while_ago(lead.system, missed["appointment_id"])
    path = f"/booking/office/appointments/{missed['appointment_id']}/no-show"
    answer = await asyncio.to_thread(lead.http.post, path, headers={"Idempotency-Key": missed["appointment_id"]})
    assert answer.status_code == 200, answer.text

    def over() -> bool:
        return any(case["state"] == "aborted" for case in lead.agenda()) and len(lead.agenda()) > 30

    await asyncio.to_thread(eventually, over, 60, "the day is in the agenda")


async def _reads_the_agenda(lead: Lead) -> None:
    """Dense, by the clock, opened at now, with one next; filters and words narrow it."""
    at, page = lead.window.at, lead.window.page
    await page.reload()
    cases = await asyncio.to_thread(lead.agenda)
    over = [case for case in cases if case["state"] in ("aborted", "completed", "cancelled")]
    rows = page.locator('[data-testid="agenda-row"]:visible')
    await expect(rows).to_have_count(len(cases) - len(over))
    await expect(at("finished")).to_have_text(f"{len(over)} vorbei")
    await expect(at("agenda-title")).to_have_text(re.compile("^Heute, [A-Z]"))
    await expect(page.locator('[data-kind="next"][data-testid="agenda-row"]')).to_have_count(1)
    await expect(at("now-line")).to_be_in_viewport()
    for box in [await rows.nth(number).bounding_box() for number in (0, 5)]:
        assert box is not None
        assert 40 <= box["height"] <= 48, box
    times = await rows.locator(".time").all_text_contents()
    assert times == sorted(times)
    await lead.window.photograph("agenda-full-day")
    assert await lead.window.barriers("agenda") == []

    await at("filter-text").fill("fuehrungszeugnis jurgen")
    await expect(rows).to_have_count(0)
    await at("filter-text").fill("führungszeugnis jurgen")
    await expect(rows.first).to_contain_text("Jürgen Groß")
    assert await rows.count() < len(cases) - len(over)
    await at("filter-text").fill("")
    await lead.window.click("filter-waiting")
    await expect(at("filter-nothing")).to_be_visible()
    await page.get_by_role("button", name="Alle zeigen").click()
    names = page.locator('[data-testid="agenda-row"]:visible [data-testid="open-case"]')
    await names.first.focus()
    await page.keyboard.press("ArrowDown")
    await expect(names.nth(1)).to_be_focused()


async def _opens_the_week(lead: Lead) -> None:
    """At now, with five minutes readable; the focus goes along with zooming and cancelling."""
    at, click, page = lead.window.at, lead.window.click, lead.window.page
    today = datetime.now(BERLIN).date()
    await lead.opens("week")
    await expect(at("week-now")).to_be_in_viewport()
    blocks = page.locator(f'[data-testid="day-{today}"] [data-testid="appointment"]')
    boxes = await blocks.evaluate_all("(all) => all.map((one) => one.getBoundingClientRect().height)")
    assert boxes
    assert min(boxes) >= 24
    await expect(blocks.last).to_have_text(re.compile(r"\d\d:\d\d \w"))
    overlaps = await blocks.evaluate_all(
        """(all) => all.filter((one) => all.some((other) => {
          const [a, b] = [one.getBoundingClientRect(), other.getBoundingClientRect()];
          return one !== other && a.left === b.left && a.top < b.top && a.bottom > b.top + 0.5;
        })).length"""
    )
    assert overlaps == 0
    await lead.window.photograph("week-full-day")
    assert await lead.window.barriers("week") == []

    await click(f"zoom-{today}")
    await expect(page.locator(f"#day-title-{today}")).to_be_focused()
    await expect(at("week-now")).to_be_in_viewport()
    await blocks.last.click()
    await expect(at("panel-email")).to_have_attribute("href", re.compile("^mailto:citizen-"))
    await click("panel-cancel")
    await click("panel-confirm")
    await expect(at("panel")).to_have_count(0)
    await expect(page.locator('[data-testid="appointment"]:focus')).to_have_count(1)
    await click("view-week")


async def _sees_who_waits(lead: Lead, phone: Phone) -> None:
    """Beside the week, by name; the list opens the door."""
    at, click, page = lead.window.at, lead.window.click, lead.window.page
    citizen = await asyncio.to_thread(Citizen.books, lead.system)
    await expect(at("who-waits")).to_have_count(0)
    await phone.enters(citizen)
    await expect(at("who-waits")).to_have_text(re.compile("1 wartet: Amélie Müller-Yılmaz"))
    for name in ("statistics", "hours", "week"):
        await lead.opens(name)
        await expect(at("who-waits")).to_be_visible()
    await click("who-waits")
    row = at("who-waits-row")
    await expect(row).to_contain_text("Amélie Müller-Yılmaz")
    await lead.window.photograph("who-waits")
    assert await lead.window.barriers("who waits") == []
    await page.keyboard.press("Escape")
    await expect(at("who-waits")).to_be_focused()
    await expect(row).to_have_count(0)
    await click("who-waits")
    await click("who-waits-let-in")
    await expect(page).to_have_url(re.compile("/clerk/cases/"))
    await expect(phone.at("remote-video")).to_be_visible()
    await click("hang-up")
