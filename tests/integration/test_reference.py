"""An error shows its reference in both clients, and hands it over to be pasted."""

import os
from pathlib import Path

import pytest
from browser import Browsers, Window
from meeting import Desk
from playwright.async_api import Route, expect
from system import System

pytestmark = pytest.mark.journey
REFERENCE = "4bf92f3577b34da6a3ce929d0e0e4736"


async def fails(route: Route) -> None:
    body = {"type": "urn:schalter:problem:internal_error", "title": "x", "status": 500, "code": "internal_error"}
    await route.fulfill(status=500, json=body | {"detail": "x", "correlation_id": REFERENCE})


async def is_handed_over(window: Window, name: str, notice: str) -> None:
    problem = window.at(notice)
    await expect(problem).to_contain_text(REFERENCE)
    await _photographed(window, name)
    await window.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await problem.get_by_test_id("copy-reference").click()
    await expect(problem.get_by_test_id("copy-reference")).to_contain_text("kopiert")
    assert await window.page.evaluate("navigator.clipboard.readText()") == REFERENCE
    assert await window.barriers(name) == []
    window.troubles.clear()  # that the request failed


async def test_a_citizen_copies_the_reference_of_an_error(system: System, films: Path) -> None:
    async with Browsers(system.url, films) as browsers:
        window = await browsers.open("desk")
        await window.page.route("**/api/booking/offices/demo", fails)
        await window.page.goto(f"{system.url}/demo/")
        await is_handed_over(window, "citizen", "problem")


async def test_a_clerk_copies_the_reference_of_an_error(system: System, films: Path) -> None:
    async with Browsers(system.url, films) as browsers:
        window = await browsers.open("desk")
        await window.page.route("**/api/casework/session", fails)
        await Desk(window, system).says_who_signs_in()
        await window.click("sign-in")
        await is_handed_over(window, "clerk", "sign-in-error")


async def _photographed(window: Window, name: str) -> None:
    folder = os.environ.get("SCHALTER_SCREENSHOTS")
    for width in (390, 1280) if folder else ():
        await window.page.set_viewport_size({"width": width, "height": 800})
        for scheme in ("light", "dark"):
            await window.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            await window.page.screenshot(path=f"{folder}/reference-{name}-{width}-{scheme}.png", animations="disabled")
