"""No more reminders: from the mail to the page, and nothing comes any more; and an appointment that is called off while
somebody has its page open. In a real browser."""

import asyncio
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

import psycopg
import pytest
from browser import Browsers
from people import Citizen, Clerk, free_slots, ok
from playwright.async_api import expect
from stored import Stored
from system import System, eventually
from visitor import Visitor

pytestmark = pytest.mark.journey


def _is_due(system: System, citizen: Citizen) -> str:
    """A reminder of the appointment is due from now on."""
    reminder = str(uuid4())
    with psycopg.connect(system.database("notify")) as connection:
        connection.execute(
            "INSERT INTO reminder (id, appointment_id, due_at, valid_until) VALUES (%s, %s, now(), %s)",
            (reminder, citizen.appointment_id, citizen.booked["starts_at"]),
        )
    return reminder


def _of_notify(system: System, question: str, of: str) -> Any:
    with psycopg.connect(system.database("notify")) as connection:
        return connection.execute(question, (of,)).fetchone()


def _reminders(citizen: Citizen) -> list[str]:
    mails = [mail for mail in citizen.mails() if mail["subject"].startswith("Erinnerung")]
    return [link for mail in mails for link in mail["links"] if "/reminders#" in link]


def _heard(system: System, citizen: Citizen, *, declined: bool) -> None:
    question = "SELECT reminders_declined FROM recipient WHERE appointment_id = %s"
    eventually(
        lambda: _of_notify(system, question, citizen.appointment_id) == (declined,), 30, "notify has heard of it"
    )


def _left_out(system: System, reminder: str) -> None:
    eventually(lambda: _of_notify(system, "SELECT 1 FROM reminder WHERE id = %s", reminder) is None, 30, "it was due")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("device", ["phone", "desk"])
async def test_whoever_says_so_is_reminded_no_more_and_again_when_they_want(
    system: System, films: Path, device: Literal["phone", "desk"], scheme: str
) -> None:
    async with Browsers(system.url, films) as browsers:
        slots = await asyncio.to_thread(free_slots, system)
        citizen = await asyncio.to_thread(Citizen.books, system, slot=slots[-3])
        await asyncio.to_thread(citizen.mail, str(citizen.booked["reference"]))
        await asyncio.to_thread(_is_due, system, citizen)
        (link, *_) = await asyncio.to_thread(eventually, lambda: _reminders(citizen), 30, "the reminder")
        stored = Stored(system, citizen.appointment_id)
        visitor = Visitor(await browsers.open(device, color_scheme=scheme), system)
        shot = f"{device}-{scheme}"
        page = visitor.at("reminders-page")
        await visitor.opens(link, "reminders-decline")
        await visitor.window.photograph(f"{shot}-70-asked")
        found = await visitor.window.barriers("asked")
        assert stored.appointment["reminders_declined"] is False, "looking declines nothing"
        await visitor.window.click("reminders-decline")
        await expect(page).to_have_attribute("data-state", "off")
        await visitor.window.photograph(f"{shot}-71-declined")
        found += await visitor.window.barriers("declined")
        await asyncio.to_thread(_heard, system, citizen, declined=True)
        due = await asyncio.to_thread(_is_due, system, citizen)
        await asyncio.to_thread(_left_out, system, due)
        assert len(await asyncio.to_thread(_reminders, citizen)) == 1, "no second reminder"

        await visitor.window.click("go-appointment")
        switch = visitor.at("reminders")
        await expect(switch).to_have_attribute("aria-checked", "false")
        await switch.scroll_into_view_if_needed()
        await visitor.window.photograph(f"{shot}-72-managing")
        found += await visitor.window.barriers("managing")
        await switch.click()
        await expect(switch).to_have_attribute("aria-checked", "true")
        await asyncio.to_thread(_heard, system, citizen, declined=False)
        await asyncio.to_thread(_is_due, system, citizen)
        await asyncio.to_thread(eventually, lambda: len(_reminders(citizen)) == 2, 30, "reminded again")
        await visitor.opens(link, "reminders-decline")
        assert not found, "\n".join(found)
        assert visitor.unexpected(429) == []


@pytest.mark.parametrize("page", ["move", "appointment", "reminders"])
async def test_who_has_the_page_open_is_told_that_the_office_called_it_off(
    system: System, films: Path, page: str
) -> None:
    async with Browsers(system.url, films) as browsers:
        citizen = await asyncio.to_thread(Citizen.books, system)
        visitor = Visitor(await browsers.open("phone"), system)
        ready = {"move": "move-page", "appointment": "appointment", "reminders": "reminders-page"}[page]
        await visitor.opens(f"{system.url}/demo/{page}#{citizen.token}", ready)
        if page == "move":
            await visitor.at("earliest").last.click()
            await expect(visitor.at("hold-timer")).to_be_visible()
        clerk = await asyncio.to_thread(Clerk, system)
        path = f"{system.url}/api/booking/office/appointments/{citizen.appointment_id}/cancellation"
        ok(await asyncio.to_thread(clerk.http.post, path))
        act = {"move": "move-confirm", "reminders": "reminders-decline"}.get(page)
        if act:
            await visitor.window.click(act)
        else:
            await visitor.window.page.evaluate("dispatchEvent(new Event('focus'))")
        await expect(visitor.at("link-cancelled")).to_be_visible()
        await visitor.window.photograph(f"73-called-off-{page}")
        assert await visitor.window.barriers("called off") == []
        assert visitor.unexpected(410, 429) == []
