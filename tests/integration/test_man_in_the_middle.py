"""Whoever rules the signaling server never gets two equal verification codes with media flowing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from browser import Browsers
from intruder import Forger, Intruder, Manner
from meeting import Desk, Phone, code, frames_go_on
from people import Citizen
from playwright.async_api import expect
from system import System

pytestmark = pytest.mark.journey


@asynccontextmanager
async def _two_people(system: System, films: Path) -> AsyncIterator[tuple[Phone, Desk, Citizen]]:
    citizen = Citizen.books(system)
    async with Browsers(system.url, films) as browsers:
        yield Phone(await browsers.open("phone"), system), Desk(await browsers.open("desk"), system), citizen


async def _lets_in(phone: Phone, desk: Desk, citizen: Citizen) -> None:
    await desk.signs_in()
    await phone.enters(citizen)
    await desk.lets_in(str(citizen.case()["case_id"]))


async def test_forged_fingerprints_connect_nobody(system: System, films: Path) -> None:
    async with _two_people(system, films) as (phone, desk, citizen):
        forger = Forger()
        await forger.sit_between(phone.window.page, desk.window.page)
        await _lets_in(phone, desk, citizen)
        for window in (phone.window, desk.window):
            await expect(window.at("verification-failed")).to_be_visible()
            await expect(window.at("verification-code")).to_have_count(0)
            assert (await window.packets())["sent"] == 0
        assert forger.forged >= 2


async def test_playing_both_roles_gives_two_different_codes(system: System, films: Path) -> None:
    """Each call by itself is in order, so both connect and pictures flow; the two people see that the codes differ."""
    async with _two_people(system, films) as (phone, desk, citizen):
        intruder = await _intrude("plays both roles", phone, desk, citizen)
        await _lets_in(phone, desk, citizen)
        for window in (phone.window, desk.window):
            await expect(window.at("verification-code")).to_be_visible()
        # Media flow: what the two see comes from the intruder.
        await frames_go_on(phone.window, desk.window)
        assert await code(phone.window) != await code(desk.window)
        await phone.window.click("code-different")
        await phone.window.click("code-reject-confirm")
        await expect(phone.at("verification-failed")).to_be_visible()
        sent = (await phone.window.packets())["sent"]
        await phone.window.page.wait_for_timeout(500)
        assert (await phone.window.packets())["sent"] == sent
        await intruder.close()


async def test_passing_the_codes_messages_on_is_noticed_by_the_clerks_browser(system: System, films: Path) -> None:
    async with _two_people(system, films) as (phone, desk, citizen):
        intruder = await _intrude("passes the code's messages on", phone, desk, citizen)
        await _lets_in(phone, desk, citizen)
        await expect(desk.at("verification-failed")).to_be_visible()
        await expect(desk.at("verification-code")).to_have_count(0)
        assert (await desk.window.packets())["sent"] == 0
        await intruder.close()


async def _intrude(manner: Manner, phone: Phone, desk: Desk, citizen: Citizen) -> Intruder:
    intruder = Intruder(manner, citizen.appointment_id)
    await intruder.sit_between(phone.window.page, desk.window.page)
    return intruder
