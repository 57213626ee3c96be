"""What a clerk has typed, and their session, survive a failing network, a wrong clock, and the Escape key."""

import re
from pathlib import Path

import pytest
from browser import Browsers, Window
from meeting import Desk
from people import Citizen, Clerk
from playwright.async_api import Request, Route, expect
from system import System

pytestmark = pytest.mark.journey

_REFRESH = "**/api/casework/session/refresh"
_SAVES = "**/api/casework/cases/*/applications/*"
# Eleven minutes: more than an access token lives.
_CLOCK_AHEAD = "const real = Date.now.bind(Date); Date.now = () => real() + 660_000;"


async def _no_answer(route: Route) -> None:
    await route.abort("failed")


async def test_work_and_session_survive(system: System, films: Path) -> None:
    citizen, clerk = Citizen.books(system), Clerk(system)
    case_id = clerk.finds(citizen)["case_id"]
    async with Browsers(system.url, films) as browsers:
        window = await browsers.open("desk")
        refreshes: list[str] = []

        def heard(request: Request) -> None:
            if request.url.endswith("/session/refresh"):
                refreshes.append(request.url)

        window.page.on("request", heard)
        await window.page.add_init_script(_CLOCK_AHEAD)
        desk = Desk(window, system)
        await desk.signs_in()
        await window.page.goto(f"{system.url}/clerk/cases/{case_id}")
        await expect(desk.at("case-name")).to_be_visible()
        assert len(refreshes) == 1, "once, for the page that was opened anew"

        await _an_outage_is_no_sign_out(window)
        await desk.does_next()
        await _typing_survives_leaving(window, clerk, case_id)
        await _the_session_ends(window, system)


async def _an_outage_is_no_sign_out(window: Window) -> None:
    """A page that is loaded while nothing answers says so, asks again, and goes on."""
    at, page = window.at, window.page
    await page.route(_REFRESH, _no_answer)
    await page.reload()
    await expect(at("session-unreachable")).to_be_visible()
    assert await window.barriers("server away") == []
    await window.photograph("session-unreachable")
    await page.unroute(_REFRESH, _no_answer)
    await window.click("session-retry")
    await expect(at("case-name")).to_be_visible()


async def _typing_survives_leaving(window: Window, clerk: Clerk, case_id: str) -> None:
    """Typed while nothing can be saved, then left: it says so, signing out asks, and it is saved in the end."""
    at, page = window.at, window.page
    await page.route(_SAVES, _no_answer)
    await window.click("stage-application")
    await at("input-birth_place").fill("Lyon")
    await expect(at("save-status")).to_have_attribute("data-status", "offline")
    await window.click("back-to-agenda")
    await expect(at("agenda-title")).to_be_visible()
    await expect(at("leftover")).to_have_attribute("data-case", case_id)
    assert await window.barriers("left unsaved") == []
    await window.photograph("left-unsaved")

    await window.click("sign-out")
    await expect(at("sign-out-stay")).to_be_focused()
    await window.click("sign-out-stay")

    await window.click("leftover-open")
    await window.click("stage-application")
    await expect(at("input-birth_place")).to_have_value("Lyon")
    await expect(at("leftover")).to_have_count(0)
    await window.click("back-to-agenda")
    await expect(at("leftover")).to_be_visible()
    await page.unroute(_SAVES, _no_answer)
    await expect(at("leftover")).to_have_count(0, timeout=15_000)
    (application, *_) = clerk.case(case_id)["applications"]
    assert application["values"]["birth_place"] == "Lyon"


async def _the_session_ends(window: Window, system: System) -> None:
    """The sign-in above the work stays, however often Escape is pressed, and leads back to it."""
    at, page = window.at, window.page
    await page.request.delete(f"{system.url}/api/casework/session")
    await window.click("next-day")
    await expect(at("session-ended")).to_be_visible()
    for _ in range(5):
        await page.keyboard.press("Escape")
    await expect(at("session-ended")).to_be_visible()
    await expect(at("username")).to_be_focused()
    account = system.sign_in("demo")
    await at("username").fill(account["username"])
    await at("password").fill(account["password"])
    await window.click("sign-in")
    await expect(at("session-ended")).to_have_count(0)
    await expect(page).to_have_url(re.compile("/clerk/$"))
