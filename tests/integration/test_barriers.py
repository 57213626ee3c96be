"""The main pages as axe sees them, on a phone and at a desk, in both colour schemes (WCAG 2.2 AA)."""

import asyncio
from pathlib import Path
from typing import Literal

import pytest
from browser import Browsers, Window
from looks import faults
from meeting import Desk, Phone
from people import Citizen, Clerk
from playwright.async_api import expect
from system import System
from visitor import Visitor

pytestmark = pytest.mark.journey

Scheme = Literal["light", "dark"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_pages_have_no_barrier_that_axe_finds(system: System, films: Path, scheme: Scheme) -> None:
    citizen = await asyncio.to_thread(Citizen.books, system)
    case_id = (await asyncio.to_thread(Clerk(system).finds, citizen))["case_id"]
    async with Browsers(system.url, films) as browsers:
        phone = Phone(await browsers.open("phone", color_scheme=scheme), system)
        desk = Desk(await browsers.open("desk", color_scheme=scheme), system)
        found = await _booking(Visitor(phone.window, system))
        found += await _citizen_before_the_call(phone.window, system, citizen)
        found += await desk.window.barriers(await _goes(desk.window, f"{system.url}/clerk/", "sign-in"))
        await phone.enters(citizen)
        found += await phone.window.barriers("waiting room")
        await desk.signs_in()
        await expect(desk.window.page.locator(f'[data-testid="waiting"][data-case="{case_id}"]')).to_be_visible()
        found += await desk.window.barriers("agenda")
        await desk.lets_in(case_id)
        for window in (phone.window, desk.window):
            await expect(window.at("verification-code")).to_be_visible()
            found += await window.barriers(f"code, {window.device}")
            await window.click("code-same")
        for stage in ("identity", "application"):
            await desk.at(f"stage-{stage}").click()
            await desk.window.click("show-stage")
            await expect(phone.at("stage")).to_have_attribute("data-stage", stage)
            await expect(desk.at("stage-panel")).to_have_attribute("data-stage", stage)
            for window in (phone.window, desk.window):
                await window.photograph(f"{scheme}-{stage}")
                found += await window.barriers(f"{stage}, {window.device}")
            found += await _on_a_tablet(phone.window, stage)
        assert not found, "\n".join(found)


async def _booking(visitor: Visitor) -> list[str]:
    """Every step of booking, with what opens on the way; then the pages beside it."""
    window, at, url = visitor.window, visitor.at, f"{visitor.system.url}/demo"
    await window.page.goto(f"{url}/")
    await visitor.chooses("personalausweis", persons=2)
    await window.click("to-time")
    await at("earliest").last.click()
    await expect(at("hold-timer")).to_be_visible()
    found = await _seen_to_the_end(window, "time")
    await window.click("to-details")
    await window.click("book")
    await expect(at("error-summary")).to_be_visible()
    found += await _seen_to_the_end(window, "details, refused")
    await window.page.goto(f"{url}/")
    await expect(at("persons-personalausweis")).to_be_visible()
    found += await _seen_to_the_end(window, "services, chosen")
    await at("question-personalausweis-photo-no").check()
    await expect(at("take-out-personalausweis")).to_be_visible()
    found += await _seen_to_the_end(window, "services, blocked")
    await at("question-personalausweis-photo-yes").check()
    # Whether a number can be had depends on what the clerks do in other tests.
    for page, ready in (
        ("waiting-list", at("join-waiting-list")),
        ("walk-in", at("draw-number").or_(at("walk-in-closed"))),
    ):
        await window.page.goto(f"{url}/{page}")
        await expect(ready).to_be_visible()
        found += await _seen_to_the_end(window, page)
    return found


async def _on_a_tablet(window: Window, where: str) -> list[str]:
    """Held upright it is wider than a phone and narrower than a desk: labels must not run into what they name."""
    page = window.page
    before = page.viewport_size
    assert before is not None
    await page.set_viewport_size({"width": 820, "height": 1180})
    found = await faults(window, f"{where}, tablet")
    await window.photograph(f"tablet-{where}")
    await page.set_viewport_size(before)
    return found


async def _seen_to_the_end(window: Window, where: str) -> list[str]:
    """At the page's end nothing lies half under the bar that sticks to the bottom."""
    await window.page.evaluate("() => window.scrollTo(0, document.documentElement.scrollHeight)")
    return await window.barriers(where)


async def _citizen_before_the_call(window: Window, system: System, citizen: Citizen) -> list[str]:
    found = []
    for address, ready in (
        ("/", "office-demo"),
        ("/demo/", "service-fuehrungszeugnis"),
        (f"/demo/appointment#{citizen.token}", "appointment"),
        ("/demo/offer", "offer"),
        (f"/demo/check#{citizen.token}", "start-check"),
        (f"/demo/call#{citizen.token}", "enter-waiting-room"),
        ("/demo/privacy", "privacy"),
    ):
        found += await window.barriers(await _goes(window, system.url + address, ready))
    return found


async def _goes(window: Window, address: str, ready: str) -> str:
    """Open the page; return its name without the token once it is drawn."""
    await window.page.goto(address)
    await expect(window.at(ready)).to_be_visible()
    return address.split("#", 1)[0]
