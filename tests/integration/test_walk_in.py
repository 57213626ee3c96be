"""Without an appointment, in a real browser: take a number, be called, enter the waiting room."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from browser import Browsers, until
from meeting import Desk
from people import Clerk
from playwright.async_api import expect
from presses import Presses
from system import System
from visitor import Visitor

from schalter.embedded import free_port

pytestmark = pytest.mark.journey


@pytest.fixture
def quiet(servers_dir: Path) -> Iterator[System]:
    """A system of its own: in the one that all tests share, the clerks are busy with everybody else's calls."""
    with System(servers_dir / "quiet", free_port()) as system:
        yield system


async def test_whoever_has_no_appointment_takes_a_number_and_is_called(quiet: System, films: Path) -> None:
    async with Browsers(quiet.url, films) as browsers:
        visitor, desk = Visitor(await browsers.open("phone"), quiet), Desk(await browsers.open("desk"), quiet)
        hand = Presses(visitor.window)
        await hand.watches()
        await _nobody_is_there(visitor)
        await desk.signs_in()
        await _somebody_is_there(quiet, True)
        await visitor.window.page.goto(f"{quiet.url}/demo/")
        await visitor.window.click("go-walk-in")
        await visitor.chooses("beratung")
        await visitor.says_who_they_are()
        await hand.twice("draw-number")
        await expect(visitor.at("walk-in")).to_be_visible()
        await visitor.window.page.reload()
        await expect(visitor.at("walk-in-called")).to_be_visible()
        await expect(visitor.window.page).to_have_title("Sie sind dran! · Bürgeramt Musterstadt · Schalter")
        await visitor.window.photograph("25-called")
        await hand.twice("walk-in-enter")
        await visitor.window.click("enter-waiting-room")
        await expect(visitor.at("waiting-room")).to_be_visible()
        called = visitor.citizen()
        case = await asyncio.to_thread(Clerk(quiet).finds, called)
        assert case["appointment_id"] == called.appointment_id
        assert visitor.unexpected(429) == []
        assert hand.wrong == []
        # The browser was asked for a proof of work, did it in workers under our content policy, and asked again.
        assert len(visitor.window.troubles) == 1
        await desk.window.page.close()
        await _somebody_is_there(quiet, False)


async def _nobody_is_there(visitor: Visitor) -> None:
    """No clerk is signed in: the office is open, and does not invite."""
    await visitor.window.page.goto(f"{visitor.system.url}/demo/walk-in")
    await expect(visitor.at("walk-in-closed")).to_have_attribute("data-reason", "nobody_here")
    await expect(visitor.at("walk-in-closed")).to_contain_text("niemand da")
    await visitor.window.page.goto(f"{visitor.system.url}/demo/")
    await expect(visitor.at("service-search")).to_be_visible()
    await expect(visitor.at("walk-in-entry")).to_have_count(0)


async def _somebody_is_there(system: System, there: bool) -> None:
    async def seen() -> bool:
        answer = await asyncio.to_thread(httpx.get, f"{system.url}/api/booking/offices/demo/walk-in", timeout=10)
        return bool(answer.json()["available"]) is there

    await until(seen, what=f"somebody is there: {there}")
