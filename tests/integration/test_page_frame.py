"""The frame around the pages: nothing jumps while they come, and what fails in one is said while the rest goes on."""

import re
from pathlib import Path
from typing import Any

import pytest
from browser import Browsers, Window
from playwright.async_api import Route, expect
from system import System

pytestmark = pytest.mark.journey

_KEEP_SHIFTS = """
window.shifts = [];
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) if (!one.hadRecentInput) window.shifts.push(one.value);
}).observe({ type: "layout-shift", buffered: true });
"""
# What the oldest browsers that we serve do not know (web/scripts/floor.mjs).
_AT_THE_FLOOR = """
delete AbortSignal.any;
delete Promise.withResolvers;
delete Promise.try;
delete Object.groupBy;
delete Map.groupBy;
delete URL.canParse;
delete URL.parse;
delete Array.prototype.toSorted;
delete Array.prototype.toReversed;
delete Array.prototype.toSpliced;
delete Array.fromAsync;
delete Iterator.prototype.map;
delete Iterator.prototype.filter;
delete window.requestIdleCallback;
delete HTMLElement.prototype.showPopover;
delete document.startViewTransition;
"""
# As browsers' translators do it: an element in the place of every text.
_TRANSLATE = """
() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const texts = [];
  while (walker.nextNode()) if (walker.currentNode.data.trim()) texts.push(walker.currentNode);
  for (const text of texts) {
    const font = document.createElement("font");
    font.append(document.createElement("font"));
    font.firstChild.textContent = `§${text.data}`;
    text.replaceWith(font);
  }
}
"""
_UNKNOWN_ZONE = """
const known = Intl.DateTimeFormat.prototype.resolvedOptions;
Intl.DateTimeFormat.prototype.resolvedOptions = function () {
  return { ...known.call(this), timeZone: "Etc/Unknown" };
};
"""


async def test_an_old_browser_books_while_pages_fail_aloud_and_parts_go_missing(system: System, films: Path) -> None:
    async with Browsers(system.url, films) as browsers:
        window = await browsers.open("phone")
        await window.context.add_init_script(_AT_THE_FLOOR)
        await window.context.add_init_script(_KEEP_SHIFTS)
        await window.context.add_init_script(_UNKNOWN_ZONE)
        await _nothing_jumps(window, system)
        await _an_unknown_answer_is_said(window, system)
        await _a_part_that_is_gone_offers_a_reload(window, system)
        await _a_translated_page_lives_on(window)
        await _it_is_booked_in_the_offices_time(window)
        await _below_the_floor_the_document_says_what_to_do(window, system)


async def _nothing_jumps(window: Window, system: System) -> None:
    for path, there in (("/", "office-demo"), ("/demo/", "service-fuehrungszeugnis")):
        await window.page.goto(system.url + path)
        await expect(window.at(there)).to_be_visible()
        await window.page.evaluate("document.fonts.ready")
        await expect(window.page.locator("#too-old")).to_have_count(0)
        shift = sum(await window.page.evaluate("window.shifts"))
        assert shift < 0.05, (path, shift)


async def _an_unknown_answer_is_said(window: Window, system: System) -> None:
    """An office without services, as no version of the service would say: the page fails, its frame stays."""

    async def without(route: Route) -> None:
        answer = await route.fetch()
        office: dict[str, Any] = await answer.json()
        await route.fulfill(response=answer, json={key: value for key, value in office.items() if key != "services"})

    await window.page.route("**/api/booking/offices/demo", without)
    await window.page.goto(f"{system.url}/demo/")
    await expect(window.at("page-failed")).to_contain_text(re.compile(r"Kennung für Rückfragen: \d{4}-\d\d-\d\d"))
    await expect(window.page.locator("header").first).to_contain_text("Bürgeramt")
    await window.photograph("page-failed")
    await window.page.unroute("**/api/booking/offices/demo", without)
    await window.page.reload()
    await expect(window.at("service-fuehrungszeugnis")).to_be_visible()


async def _a_part_that_is_gone_offers_a_reload(window: Window, system: System) -> None:
    """Another version was installed after the page was opened."""
    gone = "**/assets/TimeStep-*.js"
    await window.page.route(gone, lambda route: route.fulfill(status=404))
    await window.page.goto(f"{system.url}/demo/")
    await window.at("service-fuehrungszeugnis").check()
    for field in ("question-fuehrungszeugnis-age-yes", "question-fuehrungszeugnis-person-yes"):
        await window.at(field).check()
    await window.at("option-fuehrungszeugnis-belegart-N").check()
    await window.click("to-time")
    await expect(window.at("page-failed")).to_contain_text("neue Fassung")
    await window.photograph("part-missing")
    await window.page.unroute(gone)
    await window.click("reload")


async def _a_translated_page_lives_on(window: Window) -> None:
    await expect(window.at("earliest").first).to_be_visible()
    await window.page.evaluate(_TRANSLATE)
    await expect(window.page.locator("h1")).to_contain_text("§")
    await window.click("language-en")
    await expect(window.page.locator("h1")).not_to_contain_text("§")
    await window.click("language-de")


async def _it_is_booked_in_the_offices_time(window: Window) -> None:
    """The choices survived the reload; a device that knows no time zone books in the office's."""
    await window.at("earliest").nth(1).click()
    await expect(window.at("hold-timer")).to_be_visible()
    await window.click("to-details")
    await expect(window.at("review-when").last).to_contain_text("Uhr")
    await window.at("name").fill("Alma Altgerät")
    await window.at("email").fill("alma@example.org")
    await window.click("book")
    await expect(window.at("reference")).to_be_visible()


async def _below_the_floor_the_document_says_what_to_do(window: Window, system: System) -> None:
    browser = window.context.browser
    assert browser is not None
    older = await browser.new_context()
    await older.add_init_script("delete AbortSignal.timeout")
    without_script = await browser.new_context(java_script_enabled=False)
    for context, words in ((older, "zu alt"), (without_script, "braucht JavaScript")):
        page = await context.new_page()
        for path in ("/demo/", "/clerk/"):
            await page.goto(system.url + path)
            await expect(page.locator("h1:visible")).to_contain_text(words)
            await expect(page.locator("#app")).to_be_hidden()
        await context.close()
