"""What a citizen has when the tab is closed: papers under the link, true words about what is left, a way back."""

import asyncio
import io
from pathlib import Path

import httpx
import pytest
from browser import Browsers, Window
from meeting import Phone
from people import Citizen, Clerk, ok
from playwright.async_api import expect
from pypdf import PdfReader
from system import System, eventually

pytestmark = pytest.mark.journey


def completed(system: System) -> Citizen:
    """Somebody whose case is finished and paid."""
    citizen, clerk = Citizen.books(system), Clerk(system)
    case_id = clerk.finds(citizen)["case_id"]
    clerk.does(case_id, "assignment")
    clerk.identifies(case_id)
    clerk.does(case_id, "stage", {"stage": "application"})
    clerk.fills_in(case_id, clerk.case(case_id)["applications"][0])
    (shown,) = citizen.case()["applications"]
    citizen.confirms(shown)
    clerk.does(case_id, "stage", {"stage": "signature"})
    assert citizen.signs(shown).is_success
    clerk.does(case_id, "payment-request")
    citizen.pays()
    eventually(lambda: clerk.case(case_id)["payment"]["state"] == "authorised", what="the money is reserved")
    clerk.does(case_id, "completion")
    eventually(lambda: clerk.case(case_id)["payment"]["state"] == "captured", what="the money is taken")
    eventually(lambda: citizen.http.get("/booking/appointment").json()["state"] == "completed", what="booking knows")
    return citizen


async def test_after_the_call_the_link_shows_the_papers_and_the_mails_lead_there(system: System, films: Path) -> None:
    citizen = await asyncio.to_thread(completed, system)
    for word in ("erledigt", "Quittung"):
        mail = await asyncio.to_thread(citizen.mail, word)
        assert citizen.booked["link"] in mail["links"], word
    async with Browsers(system.url, films) as browsers:
        window = await browsers.open("phone")
        await window.page.goto(citizen.booked["link"])
        await expect(window.at("appointment")).to_have_attribute("data-state", "completed")
        assert "Quittung" in await _downloads(window, "receipt")
        assert "Führungszeugnis" in await _downloads(window, "application")
        await window.photograph("33-papers")
        # The old way into the call says what became of it, and leads back here.
        await window.page.goto(f"{system.url}/demo/call#{citizen.token}")
        await expect(window.at("call-ended")).to_have_attribute("data-reason", "completed")
        await expect(window.page.locator("h1")).to_have_text("Geschafft, Ihr Anliegen ist erledigt")
        assert window.troubles == []


async def _downloads(window: Window, testid: str) -> str:
    """The text of the PDF behind a button."""
    async with window.page.expect_download() as download:
        await window.click(testid)
    path = await (await download.value).path()
    return "".join(page.extract_text() for page in PdfReader(io.BytesIO(path.read_bytes())).pages)


async def test_links_say_what_they_lead_to(system: System, films: Path) -> None:
    """Cancelled, far ahead, left: never "about to begin", and never the end of a call that did not begin."""
    cancelled, here = await asyncio.to_thread(lambda: (Citizen.books(system), Citizen.books(system)))
    ok(await asyncio.to_thread(cancelled.http.post, "/booking/appointment/cancellation"))
    ahead = await asyncio.to_thread(_in_a_week, system)
    async with Browsers(system.url, films) as browsers:
        phone = Phone(await browsers.open("phone"), system)
        page, title = phone.window.page, phone.window.page.locator("h1")
        await page.goto(f"{system.url}/demo/call#{cancelled.token}")
        await expect(phone.at("call-ended")).to_have_attribute("data-reason", "expired")
        await page.goto(f"{system.url}/demo/call#{ahead.token}")
        await expect(phone.at("enter-waiting-room")).to_be_visible()
        await expect(title).to_have_text("Ihr Termin im Videogespräch")

        await page.goto(f"{system.url}/demo/call#{here.token}")
        await phone.enters_waiting_room()
        await page.reload()
        await expect(title).to_have_text("Sie waren gerade im Warteraum")
        await expect(phone.at("enter-waiting-room")).to_have_text("Zurück in den Warteraum")
        await phone.enters_waiting_room()
        await phone.window.click("leave-waiting-room")
        await expect(title).to_have_text("Sie haben den Warteraum verlassen")
        await expect(title).to_be_focused()
        await page.reload()
        await expect(phone.at("enter-waiting-room")).to_have_text("Warteraum betreten")
        assert [trouble for trouble in phone.window.troubles if "410" not in trouble] == []


def _in_a_week(system: System) -> Citizen:
    from datetime import UTC, datetime, timedelta

    day = (datetime.now(UTC) + timedelta(days=7)).date()
    params = {"services": "fuehrungszeugnis", "from": str(day), "to": str(day + timedelta(days=7))}
    slots = ok(httpx.get(f"{system.url}/api/booking/offices/demo/slots", params=params, timeout=10))["slots"]
    return Citizen.books(system, slot=slots[0])
