"""A clerk looks at a case, comes into its call, and works with the ID card's picture in sight: in two real browsers."""

import asyncio
from pathlib import Path

import camera
import pytest
from browser import Browsers
from meeting import Desk, Phone, compare_codes
from people import Citizen, Clerk
from playwright.async_api import Page, expect
from system import System

pytestmark = pytest.mark.journey

_COUNT_DEVICES = """
window.devicesAsked = 0;
const devices = navigator.mediaDevices;
const ask = devices.getUserMedia.bind(devices);
devices.getUserMedia = (wanted) => { window.devicesAsked += 1; return ask(wanted); };
"""


async def test_looking_opens_no_camera_and_a_reload_leads_back_into_the_call(system: System, films: Path) -> None:
    citizen = await asyncio.to_thread(Citizen.books, system)
    case_id = (await asyncio.to_thread(Clerk(system).finds, citizen))["case_id"]
    async with Browsers(system.url, films) as browsers:
        phone, desk = Phone(await browsers.open("phone"), system), Desk(await browsers.open("desk"), system)
        await desk.window.context.add_init_script(_COUNT_DEVICES)
        await phone.enters(citizen)
        await desk.signs_in()
        await _looks(phone, desk, case_id)
        await _sees_only_oneself(desk)
        await desk.does_next()
        await phone.sees_clerk()
        await _reloads(phone, desk)
        await _keeps_the_card_in_sight(desk)
        assert desk.window.troubles == []


async def _looks(phone: Phone, desk: Desk, case_id: str) -> None:
    """The clerk sees that somebody waits and how to reach them; nobody sees the clerk."""
    # That somebody has signed in is told; that somebody looks is not.
    await expect(phone.at("waiting-position")).to_contain_text("Jemand vom Amt ist da")
    told = await phone.at("waiting-position").text_content()
    await desk.window.page.goto(f"{desk.system.url}/clerk/cases/{case_id}")
    await expect(desk.at("presence")).to_contain_text("im Warteraum")
    await expect(desk.at("primary-action")).to_have_text("Einlassen")
    await expect(desk.at("before-call")).to_have_attribute("data-camera", "off")
    await expect(desk.at("stage-panel").locator('a[href^="mailto:citizen-"]')).to_be_visible()
    await desk.window.photograph("looking")
    assert await _devices_asked(desk.window.page) == 0
    assert await phone.at("waiting-position").text_content() == told


async def _devices_asked(page: Page) -> int:
    asked: int = await page.evaluate("() => window.devicesAsked")
    return asked


async def _sees_only_oneself(desk: Desk) -> None:
    """A click shows the own picture, another switches the camera off: still nobody is in the call."""
    await desk.window.click("preview-on")
    await desk.window.sees_moving(camera.CLERK.wall, "own-video")
    await desk.window.photograph("preview")
    assert await desk.window.page.evaluate("() => window.connections.length") == 0
    await desk.window.click("preview-off")
    await expect(desk.at("before-call")).to_have_attribute("data-camera", "off")


async def _reloads(phone: Phone, desk: Desk) -> None:
    """The tab was in the call: reloaded, it is again, without a click."""
    await desk.sees_citizen()
    await expect(desk.at("verification-code")).to_be_visible()
    desk.window.page.once("dialog", lambda dialog: dialog.accept())
    await desk.window.page.reload()
    await desk.sees_citizen()
    await phone.sees_clerk()
    await expect(desk.at("verification-code")).to_be_visible()
    await expect(phone.at("verification-code")).to_be_visible()
    await compare_codes(phone, desk)


async def _keeps_the_card_in_sight(desk: Desk) -> None:
    """From the look at the card to the last field that is typed off it; the focus goes along."""
    await desk.does_next()
    await expect(desk.at("stage-panel")).to_have_attribute("data-stage", "identity")
    await expect(desk.at("stage-panel")).to_be_focused()
    await desk.window.click("freeze")
    await expect(desk.at("frozen-frame")).to_be_focused()
    await desk.window.click("check-all")
    await desk.does_next()
    await expect(desk.at("stage-panel")).to_have_attribute("data-stage", "application")
    await expect(desk.at("frozen-frame")).to_be_visible()
    await desk.window.click("zoom-in")
    await desk.window.click("rotate-right")
    await desk.at("input-family_name").fill("Müller")
    await desk.window.photograph("card-beside-the-form")
    await desk.at("stage-signature").click()
    await expect(desk.at("frozen-frame")).to_have_count(0)
    await desk.at("stage-application").click()
    await expect(desk.at("input-family_name")).to_be_visible()
    await expect(desk.at("frozen-frame")).to_have_count(0)
