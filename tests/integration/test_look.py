"""Every page of both clients, found by following links: nothing overlaps at any width, the keyboard's place is seen.

With SCHALTER_SCREENSHOTS each page is photographed at four widths, light and dark.
"""

import asyncio
import os
import re
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import pytest
from browser import Browsers, Window
from looks import faults, rings
from meeting import Desk
from people import Citizen, Clerk
from playwright.async_api import expect
from system import System
from visitor import Visitor

pytestmark = pytest.mark.journey

NAME = "Maximiliane-Wilhelmine von Donnersmarck-Oberhausen zu Schwarzenfels-Hohenlohe"
SERVICE = "untersuchungsberechtigungsschein"
# A phone, a tablet held upright, a desk, a wide screen.
WIDTHS = {390: 844, 820: 1180, 1280: 800, 1920: 1080}
_LINKS = """
() => [...document.querySelectorAll("a[href]:not([download], [target])")].map((link) => link.href)
"""

_SCROLLED = """
<style>
  div { height: 60px; overflow: auto; }
  p { margin: 0; line-height: 30px; overflow: hidden; }
  .over { margin-top: -30px; }
</style>
<div><p>eins</p><p>zwei</p><p>drei</p></div><p>darunter</p>
"""


async def test_words_scrolled_out_of_sight_lie_over_nothing(system: System, films: Path) -> None:
    async with Browsers(system.url, films) as browsers:
        window = await browsers.open("desk")
        await window.page.set_content(_SCROLLED)
        assert await faults(window, "a list that scrolls") == []
        await window.page.locator("body > p").evaluate("(line) => { line.className = 'over'; }")
        assert await faults(window, "pulled up") == ['pulled up: words overlap: "zwei" over "darunter"']


_NARROW = """
<style>
  p { width: 4em; overflow-wrap: anywhere; }
  .cut { white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
</style>
<p>Dampf&shy;schiff&shy;fahrt am Ober-Rhein</p><p>Donau</p><p class="cut" title="Dampfschifffahrt">Dampfschifffahrt</p>
"""


async def test_words_go_on_with_a_hyphen_and_end_in_dots_where_they_can_be_read(system: System, films: Path) -> None:
    async with Browsers(system.url, films) as browsers:
        window = await browsers.open("desk")
        await window.page.set_content(_NARROW)
        assert await faults(window, "narrow") == []
        await window.page.locator("p").nth(1).evaluate("(line) => { line.textContent = 'Donaudampfschiff'; }")
        await window.page.locator("p.cut").evaluate("(line) => line.removeAttribute('title')")
        assert await faults(window, "narrow") == [
            'narrow: words: broken: "Donaudampfschiff"',
            'narrow: words: cut: "Dampfschifffahrt"',
        ]


async def test_every_citizens_page_fits_and_shows_the_keyboard(system: System, films: Path) -> None:
    citizen = await asyncio.to_thread(Citizen.books, system, name=NAME, service=SERVICE)
    async with Browsers(system.url, films) as browsers:
        window = await browsers.open("desk", viewport={"width": 820, "height": 1180})
        seeds = [
            f"{system.url}/",
            *(f"{system.url}/demo/{page}#{citizen.token}" for page in ("appointment", "move", "reminders")),
        ]
        found = await _walks(window, seeds, ("/api", "/mail", "/clerk"))
        visitor = Visitor(window, system)
        await window.page.goto(f"{system.url}/demo/")
        await visitor.chooses(SERVICE)
        found += await _looked_at(window, "services-chosen")
        await window.click("to-time")
        await visitor.at("earliest").last.click()
        await expect(visitor.at("hold-timer")).to_be_visible()
        found += await _looked_at(window, "time")
        await window.click("to-details")
        await visitor.at("name").fill(NAME)
        await window.click("book")
        await expect(visitor.at("error-summary")).to_be_visible()
        found += await _looked_at(window, "details")
        await visitor.at("email").fill(visitor.email)
        await window.click("book")
        await expect(visitor.at("done")).to_be_visible()
        found += await _looked_at(window, "done")
        assert not found, "\n".join(found)


async def test_every_clerks_page_fits_and_shows_the_keyboard(system: System, films: Path) -> None:
    citizen = await asyncio.to_thread(Citizen.books, system, name=NAME, service=SERVICE)
    case_id = (await asyncio.to_thread(Clerk(system).finds, citizen))["case_id"]
    async with Browsers(system.url, films) as browsers:
        desk = Desk(await browsers.open("desk", viewport={"width": 820, "height": 1180}), system)
        await desk.window.page.goto(f"{system.url}/clerk/")
        await expect(desk.at("sign-in-form")).to_be_visible()
        found = await _looked_at(desk.window, "sign-in")
        await desk.signs_in()
        # The case first: of those in the agenda this one has the long name.
        found += await _walks(desk.window, [f"{system.url}/clerk/cases/{case_id}", f"{system.url}/clerk/"], ("/api",))
        assert not found, "\n".join(found)


async def _walks(window: Window, seeds: list[str], elsewhere: tuple[str, ...]) -> list[str]:
    """Look at these pages and at whatever their links lead to, each kind of page once."""
    found: list[str] = []
    seen: set[str] = set()
    queue = list(seeds)
    while queue:
        address = queue.pop(0)
        path = urlsplit(address).path
        kind = re.sub(r"[0-9a-f-]{36}", "one", path).strip("/").replace("/", "-") or "offices"
        if not address.startswith(window.origin) or path.startswith(elsewhere) or kind in seen:
            continue
        seen.add(kind)
        # Another fragment alone would be no new page.
        await window.page.goto("about:blank")
        await window.page.goto(address)
        await expect(window.page.locator("h1").first).to_be_visible()
        await expect(window.page.locator(".spinner")).to_have_count(0)
        found += await _looked_at(window, kind)
        queue += await window.page.evaluate(_LINKS)
    assert len(seen) > 6, seen
    return found


async def _looked_at(window: Window, where: str) -> list[str]:
    """The faults of this page at every width; the ring in each scheme, and where the system's colours are forced."""
    page, found = window.page, []
    for width, height in WIDTHS.items():
        await page.set_viewport_size({"width": width, "height": height})
        found += await faults(window, f"{where}, {width} px")
        await _photographed(window, f"{where}-{width}")
    await page.set_viewport_size({"width": 820, "height": 1180})
    looks: tuple[tuple[Literal["light", "dark"], Literal["active", "none"]], ...] = (
        ("light", "none"),
        ("dark", "none"),
        ("light", "active"),
    )
    for scheme, forced in looks:
        await page.emulate_media(color_scheme=scheme, forced_colors=forced)
        look = "forced colours" if forced == "active" else scheme
        found += await rings(window, f"{where}, {look}", forced=forced == "active")
    await page.emulate_media(color_scheme="light", forced_colors="none")
    return found


async def _photographed(window: Window, name: str) -> None:
    folder = os.environ.get("SCHALTER_SCREENSHOTS")
    if not folder:
        return
    Path(folder).mkdir(parents=True, exist_ok=True)
    for scheme in ("light", "dark"):
        await window.page.emulate_media(color_scheme=scheme)
        await window.page.screenshot(path=Path(folder) / f"{name}-{scheme}.png", full_page=True, animations="disabled")
    await window.page.emulate_media(color_scheme="light")
