"""Where addresses are confirmed: book, correct a slip, say yes from the mail; and a lost link, in a real browser."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

import httpx
import psycopg
import pytest
from browser import Browsers, until
from people import Citizen, Json, ok
from playwright.async_api import expect
from psycopg.rows import dict_row
from system import System, eventually
from visitor import Visitor

pytestmark = pytest.mark.journey

OFFICE = "sorgental"


async def _reserves(visitor: Visitor) -> None:
    await visitor.window.page.goto(f"{visitor.system.url}/{OFFICE}/")
    await visitor.chooses("fuehrungszeugnis")
    await visitor.window.click("to-time")
    await visitor.at("earliest").nth(2).click()
    await expect(visitor.at("hold-timer")).to_be_visible()
    await visitor.window.click("to-details")
    await visitor.says_who_they_are()
    await visitor.window.click("book")
    await expect(visitor.at("reserved")).to_have_attribute("data-state", "kept")


def _mails(system: System, to: str) -> list[Json]:
    mails: list[Json] = ok(httpx.get(f"{system.url}/mail/api/messages", params={"to": to}, timeout=10))
    return mails


def _confirm_link(system: System, to: str) -> str:
    def found() -> list[str]:
        return [link for mail in _mails(system, to) for link in mail["links"] if "/confirm#" in link]

    link: str = eventually(found, 30, f"the question to {to}")[0]
    return link


def _row(system: System, email: str) -> Any:
    with psycopg.connect(system.database("booking"), row_factory=dict_row) as connection:
        return connection.execute("SELECT * FROM appointment WHERE email = %s", (email,)).fetchone()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("device", ["phone", "desk"])
async def test_a_slip_is_corrected_and_the_yes_comes_from_the_mailbox(
    system: System, films: Path, device: Literal["phone", "desk"], scheme: str
) -> None:
    async with Browsers(system.url, films) as browsers:
        visitor = Visitor(await browsers.open(device, color_scheme=scheme), system)
        right, visitor.email = visitor.email, f"slip-{uuid4().hex[:8]}@example.org"
        wrong = visitor.email
        await _reserves(visitor)
        shot = f"{device}-{scheme}"
        await expect(visitor.at("reserved-mailed")).to_contain_text(wrong)
        await visitor.window.photograph(f"{shot}-50-reserved")
        found = await visitor.window.barriers("reserved")
        astray = await asyncio.to_thread(_confirm_link, system, wrong)
        await visitor.window.click("reserved-change")
        await expect(visitor.at("reserved-email")).to_be_focused()
        await visitor.at("reserved-email").fill(right)
        await visitor.window.photograph(f"{shot}-51-correcting")
        await visitor.window.click("reserved-send")
        await expect(visitor.at("reserved-sent")).to_contain_text(right)
        await visitor.window.photograph(f"{shot}-52-sent")
        found += await visitor.window.barriers("sent")
        page = visitor.window.page.url
        # Who got the mail by mistake confirms nothing.
        await visitor.opens(astray, "confirm")
        await expect(visitor.at("confirm")).to_have_attribute("data-state", "other")
        await visitor.window.photograph(f"{shot}-53-other")
        link = await asyncio.to_thread(_confirm_link, system, right)
        await visitor.opens(link, "confirm-yes")
        await visitor.window.photograph(f"{shot}-54-question")
        found += await visitor.window.barriers("question")
        row = await asyncio.to_thread(_row, system, right)
        assert row["confirm_by"] is not None, "looking confirms nothing"
        await visitor.window.click("confirm-yes")
        await expect(visitor.at("done")).to_be_visible()
        reference = await visitor.at("reference").inner_text()
        visitor.email = right
        mail = await asyncio.to_thread(visitor.citizen().mail, reference)
        assert any("/appointment#" in link for link in mail["links"])
        await visitor.opens(link, "confirm")
        await expect(visitor.at("confirm")).to_have_attribute("data-state", "confirmed")
        await visitor.window.photograph(f"{shot}-55-already")
        await visitor.opens(page, "reserved")
        await expect(visitor.at("reserved")).to_have_attribute("data-state", "confirmed")
        assert [m["subject"] for m in await asyncio.to_thread(_mails, system, wrong) if reference in m["subject"]] == []
        assert not found, "\n".join(found)
        assert visitor.unexpected(410, 429) == []


async def test_too_late_is_said_the_time_is_free_and_nobody_is_remembered(system: System, films: Path) -> None:
    async with Browsers(system.url, films) as browsers:
        visitor = Visitor(await browsers.open("phone"), system)
        await _reserves(visitor)
        page = visitor.window.page.url
        link = await asyncio.to_thread(_confirm_link, system, visitor.email)
        row = await asyncio.to_thread(_row, system, visitor.email)
        with psycopg.connect(system.database("booking")) as connection:
            late = datetime.now(UTC) - timedelta(seconds=1)
            connection.execute("UPDATE appointment SET confirm_by = %s WHERE id = %s", (late, row["id"]))
        await until(lambda: asyncio.to_thread(lambda: _row(system, visitor.email) is None), what="the time is free")
        for opened, testid in ((link, "confirm"), (page, "reserved")):
            await visitor.opens(opened, testid)
            await expect(visitor.at(testid)).to_have_attribute("data-state", "late")
            await visitor.window.photograph(f"56-late-{testid}")
            assert await visitor.window.barriers(testid) == []
        await until(lambda: asyncio.to_thread(_forgotten, system, row["id"]), what="notify has forgotten, too")
        assert len(await asyncio.to_thread(_mails, system, visitor.email)) == 1, "nothing else was mailed"
        assert visitor.unexpected(410) == []


def _forgotten(system: System, appointment: str) -> bool:
    with psycopg.connect(system.database("notify")) as connection:
        rows = connection.execute("SELECT recipient FROM message WHERE appointment_id = %s", (appointment,)).fetchall()
    return [recipient for (recipient,) in rows] == [""]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("device", ["phone", "desk"])
async def test_a_lost_link_is_found_where_it_is_missed_and_mailed_anew(
    system: System, films: Path, device: Literal["phone", "desk"], scheme: str
) -> None:
    async with Browsers(system.url, films) as browsers:
        citizen = await asyncio.to_thread(Citizen.books, system)
        reference = str(citizen.booked["reference"])
        await asyncio.to_thread(citizen.mail, reference)
        visitor = Visitor(await browsers.open(device, color_scheme=scheme), system)
        shot = f"{device}-{scheme}"
        for start, ready in (
            ("/demo/appointment", "link-missing"),
            ("/demo/waiting", "waiting-entry"),
            ("/demo/", "to-time"),
        ):
            await visitor.opens(f"{system.url}{start}", ready)
            await expect(visitor.at("lost-link")).to_be_visible()
        await visitor.opens(f"{system.url}/demo/appointment", "link-missing")
        await visitor.window.photograph(f"{shot}-60-missing")
        await visitor.window.click("lost-link")
        await expect(visitor.at("lost-link-page")).to_be_visible()
        await visitor.window.click("lost-send")
        await expect(visitor.at("lost-reference")).to_be_focused()
        await visitor.window.photograph(f"{shot}-61-asking")
        found = await visitor.window.barriers("asking")
        before = len(await asyncio.to_thread(citizen.mails))
        await visitor.at("lost-reference").fill(reference.lower().replace("-", " "))
        await visitor.at("lost-email").fill(citizen.email)
        await visitor.window.click("lost-send")
        await expect(visitor.at("lost-sent")).to_contain_text(citizen.email)
        await visitor.window.photograph(f"{shot}-62-sent")
        found += await visitor.window.barriers("sent")
        mail = await asyncio.to_thread(citizen.mail, f"Ihr Link ({reference})")
        link = next(link for link in mail["links"] if "/appointment#" in link)
        await visitor.opens(link, "appointment")
        # The one before is good, too: nobody is put out of a call by somebody else's asking.
        assert (await asyncio.to_thread(citizen.http.get, "/booking/appointment")).is_success
        assert len(await asyncio.to_thread(citizen.mails)) == before + 1
        assert not found, "\n".join(found)
        assert visitor.unexpected(429) == []
