"""The token stays in the address, whatever is focused or skipped to, and two links in one tab never mix."""

import re
from pathlib import Path

import pytest
from browser import Browsers, Window
from people import Citizen
from playwright.async_api import expect
from system import System

pytestmark = pytest.mark.journey


async def test_skipping_keeps_the_link_and_another_link_starts_afresh(system: System, films: Path) -> None:
    one, other = Citizen.books(system), Citizen.books(system)
    async with Browsers(system.url, films) as browsers:
        window = await browsers.open("phone")
        await _skips_on_the_appointment(window, system, one)
        await _skips_in_the_waiting_room(window, system, one)
        await _opens_the_other_link(window, system, other)
        assert window.troubles == []


async def _skips_on_the_appointment(window: Window, system: System, citizen: Citizen) -> None:
    await window.page.goto(f"{system.url}/demo/appointment#{citizen.token}")
    await expect(window.at("reference")).to_contain_text(citizen.booked["reference"])
    await _skips(window)
    assert window.page.url == f"{system.url}/demo/appointment#{citizen.token}"
    await window.page.reload()
    await expect(window.at("reference")).to_contain_text(citizen.booked["reference"])


async def _skips_in_the_waiting_room(window: Window, system: System, citizen: Citizen) -> None:
    await window.page.goto(f"{system.url}/demo/call#{citizen.token}")
    await window.click("enter-waiting-room")
    await expect(window.at("waiting-position")).to_have_attribute("data-ahead", re.compile(r"\d+"))
    await _skips(window)
    await expect(window.at("waiting-room")).to_be_visible()
    assert window.page.url == f"{system.url}/demo/call#{citizen.token}"


async def _opens_the_other_link(window: Window, system: System, citizen: Citizen) -> None:
    """In the same tab and on the same page, as from a mail: only the fragment differs."""
    await window.page.evaluate("token => { window.sameDocument = true; window.location.hash = token }", citizen.token)
    await expect(window.at("enter-waiting-room")).to_be_visible()
    await expect(window.at("waiting-room")).to_have_count(0)
    assert await window.page.evaluate("window.sameDocument")
    # Camera and socket of the first call are given back; the second one enters as itself.
    assert await window.page.evaluate("window.connections.every((one) => one.signalingState === 'closed')")
    asked: list[str] = []
    window.page.on("request", lambda request: asked.append(request.headers.get("authorization", "")))
    await window.click("enter-waiting-room")
    await expect(window.at("waiting-position")).to_have_attribute("data-ahead", re.compile(r"\d+"))
    assert {word for word in asked if word} == {f"Bearer {citizen.token}"}


async def _skips(window: Window) -> None:
    await window.page.evaluate("document.querySelector('a.skip').focus()")
    await window.page.keyboard.press("Enter")
    await expect(window.page.locator("main#content")).to_be_focused()
