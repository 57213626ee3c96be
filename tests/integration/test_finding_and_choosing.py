"""A citizen with a phone finds a service by everyday words, reads what it needs and costs as chosen, and picks a time:
on the 30th of a month too, and without the focus ever falling to the page's body."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from browser import Browsers, Window
from playwright.async_api import Route, expect
from system import System
from visitor import Visitor

pytestmark = pytest.mark.journey

ADDRESS = "Anschrift der Behörde und der Verwendungszweck"
EXEMPT = "kostenlos bei Ehrenamt oder ohne eigene Mittel"
THE_30TH = datetime(2026, 10, 30, 8, 0, tzinfo=UTC)
#: Whether the middle of an element is what a finger would touch there: not below the bar, not outside the screen.
_REACHABLE = """
(element) => {
  const { left, top, width, height } = element.getBoundingClientRect();
  const hit = document.elementFromPoint(left + width / 2, top + height / 2);
  return element === hit || element.contains(hit);
}
"""


async def test_a_service_is_found_and_says_what_it_needs_and_costs_as_chosen(system: System, films: Path) -> None:
    async with Browsers(system.url, films) as browsers:
        visitor = Visitor(await browsers.open("phone"), system)
        await visitor.window.page.goto(f"{system.url}/demo/")
        await _jumps_to_a_group(visitor)
        await _is_found_by_other_words(visitor)
        await _nothing_found_says_what_to_do(visitor)
        await _follows_the_choices(visitor)
        await visitor.window.click("to-time")
        await _keeps_the_focus_while_choosing(visitor.window)
        await visitor.window.click("to-details")
        await expect(visitor.at("review-bring")).to_contain_text(ADDRESS)
        await visitor.says_who_they_are()
        await visitor.window.click("book")
        await expect(visitor.at("things-to-bring")).to_contain_text(ADDRESS)
        mail = await asyncio.to_thread(visitor.citizen().mail, "Videotermin")
        assert ADDRESS in re.sub(r"\s+", " ", mail["text"])
        await visitor.window.click("go-appointment")
        await expect(visitor.at("things-to-bring")).to_contain_text(ADDRESS)
        assert visitor.unexpected() == []


async def _is_found_by_other_words(visitor: Visitor) -> None:
    search = visitor.at("service-search")
    cards = visitor.window.page.locator("[data-testid^='service-card-']")
    for words, service in (
        ("Umzug", "ummeldung"),
        ("ausweiss", "personalausweis"),
        ("police clearance", "fuehrungszeugnis"),
    ):
        await search.fill(words)
        await expect(cards.first).to_have_attribute("data-testid", f"service-card-{service}")
    await search.fill("")
    await search.press_sequentially("polizeiliches", delay=20)
    await visitor.window.announced("2 Anliegen gefunden")
    await expect(search).to_be_focused()
    await visitor.window.photograph("60-found")


async def _jumps_to_a_group(visitor: Visitor) -> None:
    """The heading takes the focus, so the group and how much is in it is what a screen reader says."""
    await visitor.at("jump-residence").press("Enter")
    heading = visitor.at("category-residence").get_by_role("heading").first
    await expect(heading).to_be_focused()
    await expect(heading).to_have_text(re.compile(r"^Wohnen und Umziehen, \d+ Anliegen$"))


async def _nothing_found_says_what_to_do(visitor: Visitor) -> None:
    await visitor.at("service-search").fill("zeppelin")
    await expect(visitor.at("nothing-found").get_by_role("link")).to_have_attribute("href", re.compile(r"^tel:\+?\d+$"))
    await visitor.window.photograph("61-nothing-found")
    await visitor.window.click("nothing-found-advice")
    await expect(visitor.at("service-beratung")).to_be_focused()
    await expect(visitor.at("service-beratung")).to_be_checked()
    await visitor.at("service-beratung").uncheck()


async def _follows_the_choices(visitor: Visitor) -> None:
    await visitor.chooses("fuehrungszeugnis")
    bring, total = visitor.at("bring-fuehrungszeugnis"), visitor.at("chosen-sum")
    await expect(bring).not_to_contain_text("Behörde")
    await expect(total).to_contain_text(f"13,00 €, {EXEMPT}")
    await visitor.window.announced("1 Anliegen, etwa 5 Minuten")
    await visitor.at("option-fuehrungszeugnis-scope-european").check()
    await expect(total).to_contain_text("17,00 €")
    await visitor.at("option-fuehrungszeugnis-scope-national").check()
    await visitor.at("option-fuehrungszeugnis-belegart-O").check()
    await expect(bring).to_contain_text(ADDRESS)
    await visitor.window.photograph("62-choices")
    await visitor.chooses("personalausweis")
    await expect(total).to_contain_text("40,60 € bis 59,00 €")
    await expect(total).not_to_contain_text("kostenlos")
    await visitor.at("service-personalausweis").uncheck()


@asynccontextmanager
async def _held_for(window: Window, seconds: int) -> AsyncIterator[None]:
    """The next hold ends so soon, as the page is told."""

    async def shorten(route: Route) -> None:
        answer = await route.fetch()
        hold = await answer.json()
        hold["expires_at"] = (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()
        await route.fulfill(response=answer, body=json.dumps(hold))

    await window.page.route("**/holds", shorten)
    yield
    await window.page.unroute("**/holds")


async def _keeps_the_focus_while_choosing(window: Window) -> None:
    day = window.page.locator("button.day.free").first
    await day.focus()
    await day.press("Enter")
    await expect(day).to_be_focused()
    async with _held_for(window, 50):
        slot = window.at("slot").nth(2)
        await slot.press("Enter")
        await expect(window.at("hold-extend")).to_be_visible()
        await expect(slot).to_be_focused()
    await window.at("hold-extend").press("Enter")
    await expect(window.at("hold-extend")).to_have_count(0)
    await expect(window.at("hold-timer")).to_be_focused()
    async with _held_for(window, 2):
        await window.at("slot").nth(3).press("Enter")
        await expect(window.at("hold-expired")).to_be_visible()
    await window.at("hold-again").press("Enter")
    await expect(window.at("hold-timer")).to_be_focused()


async def test_on_the_30th_the_next_days_come_first(system: System, films: Path) -> None:
    async with Browsers(system.url, films) as browsers:
        window = await browsers.open("phone")
        asked = await _it_is_the_30th(window)
        visitor = Visitor(window, system)
        await window.page.goto(f"{system.url}/demo/")
        await visitor.chooses("fuehrungszeugnis")
        await window.click("to-time")
        today, tomorrow = window.at("day-2026-10-30"), window.at("day-2026-10-31")
        await expect(today).to_be_visible()
        assert asked == [("2026-10-30", "2026-11-13")], "one request for what is shown first"
        days = window.page.locator("button.day")
        assert await days.count() == 14
        await expect(days.first).to_have_attribute("data-testid", "day-2026-10-30")
        await today.scroll_into_view_if_needed()
        assert await today.evaluate(_REACHABLE), "the live day lies behind the bar"
        await window.photograph("63-the-30th")
        await _walks_by_keys(window)
        await expect(tomorrow).to_have_attribute("aria-disabled", "true")
        await expect(tomorrow).to_contain_text("keine freie Zeit")
        assert await window.barriers("the next days") == []


async def _walks_by_keys(window: Window) -> None:
    await window.at("day-2026-10-30").focus()
    for key, day in (("ArrowRight", "10-31"), ("ArrowDown", "11-07"), ("Home", "11-02"), ("ArrowDown", "11-09")):
        await window.page.keyboard.press(key)
        await expect(window.at(f"day-2026-{day}")).to_be_focused()
        assert await window.page.evaluate(f"({_REACHABLE})(document.activeElement)"), day
    await window.page.keyboard.press("PageDown")
    await expect(window.at("day-2026-11-23")).to_be_focused()
    await window.page.keyboard.press("PageUp")
    await expect(window.at("day-2026-11-09")).to_be_focused()
    assert await window.page.locator("button.day[tabindex='0']").count() == 1


async def _it_is_the_30th(window: Window) -> list[tuple[str, str]]:
    """Client and server agree that it is so, and something is free on that day. Returns the days that are asked for."""
    asked: list[tuple[str, str]] = []

    async def answer(route: Route) -> None:
        real = await route.fetch()
        headers = real.headers | {"date": format_datetime(THE_30TH, usegmt=True)}
        query = parse_qs(urlsplit(route.request.url).query)
        if route.request.url.endswith("/offices/demo"):
            office = await real.json()
            office["booking"]["horizon_days"] = 40
            await route.fulfill(response=real, headers=headers, body=json.dumps(office))
            return
        if "/slots" not in route.request.url:
            await route.fulfill(response=real, headers=headers)
            return
        first, last = query["from"][0], query["to"][0]
        asked.append((first, last))
        free = [THE_30TH + timedelta(hours=hours) for hours in (3, 4, 24 * 3, 24 * 10, 24 * 24)]
        slots = [
            {"starts_at": each.isoformat(), "ends_at": (each + timedelta(minutes=5)).isoformat()}
            for each in free
            if first <= str(each.date()) <= last
        ]
        body = json.dumps({"time_zone": "Europe/Berlin", "minutes": 5, "slots": slots})
        await route.fulfill(
            status=200, headers={"content-type": "application/json", "date": headers["date"]}, body=body
        )

    await window.page.clock.set_fixed_time(THE_30TH)
    await window.page.route("**/api/booking/**", answer)
    return asked
