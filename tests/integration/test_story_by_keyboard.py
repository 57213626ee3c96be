"""The whole story by keyboard alone, on both sides: the focus is always somewhere and seen, changes are said once."""

import asyncio
import re
from pathlib import Path

import pytest
from browser import Browsers
from keys import Keys
from meeting import Desk, Phone
from people import FORM, Clerk
from playwright.async_api import expect
from system import System
from visitor import Visitor

pytestmark = pytest.mark.journey

NAME = "Amélie Müller-Yılmaz"
# What is said until both are in the call.
ON_THE_WAY = ("im Warteraum", "an der Reihe", "geladen", "Sie sind verbunden")


async def test_the_whole_story_by_keyboard(system: System, films: Path) -> None:
    async with Browsers(system.url, films) as browsers:
        phone, desk = Phone(await browsers.open("phone"), system), Desk(await browsers.open("desk"), system)
        mine, hers = Keys(phone.window), Keys(desk.window)
        await mine.listens()
        await hers.listens()
        await _chooses(phone, mine)
        await _books(phone, mine)
        booked = Visitor(phone.window, system).citizen()
        await _checks(phone, mine)
        await _waits(phone, mine)
        case = await asyncio.to_thread(Clerk(system).finds, booked)
        await _signs_in(desk, hers)
        await _is_let_in(phone, mine, desk, hers, case["case_id"])
        await _is_identified(mine, desk, hers)
        await _confirms(mine, phone, desk, hers)
        await _signs(mine, phone, desk, hers)
        await _pays(mine, phone, desk, hers)
        await _is_done(mine, phone, desk, hers)
        assert phone.window.troubles == []
        assert desk.window.troubles == []


async def _chooses(phone: Phone, mine: Keys) -> None:
    await phone.window.page.goto(f"{phone.system.url}/demo/")
    await expect(phone.at("service-search")).to_be_visible()
    async with mine.hears("Anliegen gefunden"):
        await mine.types("service-search", "polizeiliches Führungszeugnis")
    for choice in ("service-fuehrungszeugnis", "question-fuehrungszeugnis-age-yes"):
        await mine.presses(choice, "Space")
    await mine.presses("to-time")
    await mine.stands_on("error-summary")
    for choice in ("question-fuehrungszeugnis-person-yes", "option-fuehrungszeugnis-belegart-N"):
        await mine.presses(choice, "Space")
    await mine.presses("to-time")
    await mine.stands_on("H1", says="Wann passt es Ihnen")


async def _books(phone: Phone, mine: Keys) -> None:
    # Not the very next slot, which may begin in this second.
    await mine.goes_to("earliest")
    async with mine.hears("Reserviert"):
        await phone.window.page.keyboard.press("Tab")
        await phone.window.page.keyboard.press("Enter")
    await mine.stands_on("earliest")
    await mine.presses("to-details")
    await mine.stands_on("H1")
    await mine.presses("book")
    await mine.stands_on("error-summary")
    await mine.types("name", NAME)
    await mine.types("email", Visitor(phone.window, phone.system).email)
    await mine.presses("book")
    await expect(phone.at("done")).to_be_visible()
    await mine.stands_on("H1", says="gebucht")


async def _checks(phone: Phone, mine: Keys) -> None:
    await mine.presses("go-check")
    await mine.stands_on("H1")
    await mine.presses("start-check")
    await mine.stands_on("H2")
    await mine.presses("play-sound")
    await mine.stands_on("sound-question")
    await mine.presses("sound-heard")
    await mine.stands_on("sound-answer")
    await expect(phone.at("check-reported")).to_be_visible()
    await mine.presses("to-waiting-room")


async def _waits(phone: Phone, mine: Keys) -> None:
    await expect(phone.at("enter-waiting-room")).to_be_visible()
    await mine.stands_on("H1")
    await mine.presses("enter-waiting-room")
    await expect(phone.at("waiting-position")).to_have_attribute("data-ahead", re.compile(r"^\d+$"))
    await mine.stands_on("H1", says="Sie sind im Warteraum")


async def _signs_in(desk: Desk, hers: Keys) -> None:
    account = desk.system.sign_in("demo")
    await desk.window.page.goto(f"{desk.system.url}/clerk/")
    await expect(desk.window.page.locator('select[data-testid="office"]')).to_be_visible()
    await hers.chooses("office", "demo")
    await hers.types("username", account["username"])
    await hers.presses("sign-in")
    await hers.stands_on("password")
    await hers.types("password", account["password"])
    await hers.presses("sign-in")
    await hers.stands_on("H1")
    await expect(desk.at("lobby-live")).to_have_text("Live")


async def _is_let_in(phone: Phone, mine: Keys, desk: Desk, hers: Keys, case_id: str) -> None:
    await expect(desk.window.page.locator(f'[data-testid="waiting"][data-case="{case_id}"]')).to_be_visible()
    async with mine.hears("Sie werden jetzt hereingeholt", ON_THE_WAY), hers.hears("ist im Gespräch", ON_THE_WAY):
        await hers.presses("let-in", case=case_id)
        await hers.stands_on("case-name", says=NAME)
        await phone.sees_clerk()
        await desk.sees_citizen()
        await mine.stands_on("H1")
    for keys in (mine, hers):
        await keys.presses("code-same")
        await keys.stands_on("SUMMARY")


async def _is_identified(mine: Keys, desk: Desk, hers: Keys) -> None:
    await hers.presses("primary-action")
    await hers.stands_on("stage-panel")
    await expect(desk.at("stage-panel")).to_have_attribute("data-stage", "identity")
    await mine.stands_on("H2")
    await hers.presses("freeze")
    await hers.stands_on("frozen-frame")
    await hers.presses("check-all")
    await hers.stands_on("check-data_matches")
    await hers.presses("primary-action")
    await expect(desk.at("stage-panel")).to_have_attribute("data-stage", "application")
    await hers.stands_on("stage-panel")
    await mine.stands_on("H2")


async def _confirms(mine: Keys, phone: Phone, desk: Desk, hers: Keys) -> None:
    await hers.presses("primary-action")
    await hers.stands_on("gaps")
    async with mine.hears("Alles ist ausgefüllt"):
        for key, value in FORM.items():
            if key in ("belegart", "exemption"):
                await hers.chooses(f"input-{key}", value)
            else:
                await hers.types(f"input-{key}", "12.04.1990" if key == "birth_date" else value)
        await expect(desk.at("save-status")).to_have_attribute("data-status", "saved")
    async with mine.hears("Von Ihnen bestätigt"), hers.hears("Antrag bestätigt"):
        await mine.presses("confirm-application")
        await mine.stands_on("H3")
    await expect(phone.at("application")).to_have_attribute("data-state", "confirmed")


async def _signs(mine: Keys, phone: Phone, desk: Desk, hers: Keys) -> None:
    await hers.presses("primary-action")
    await hers.stands_on("stage-panel")
    await mine.stands_on("H2")
    # Without drawing: the name, typed.
    await mine.presses("signature-other-way")
    await mine.presses("sign")
    await mine.stands_on("signature-name")
    await mine.types("signature-name", NAME)
    async with mine.hears("Von Ihnen unterschrieben"), hers.hears("Die Unterschrift ist da"):
        await mine.presses("sign")
        await expect(phone.at("signed")).to_be_visible()
        await mine.stands_on("H3")
    await expect(desk.at("signature-typed")).to_be_visible()


async def _pays(mine: Keys, phone: Phone, desk: Desk, hers: Keys) -> None:
    await hers.presses("primary-action")
    await hers.stands_on("stage-panel")
    await hers.presses("primary-action")
    await hers.stands_on("act-stay")
    async with hers.hears("Angefordert. Warten auf die Zahlung"):
        await hers.presses("act-confirm")
        await hers.stands_on("primary-action")
    await mine.stands_on("H2")
    async with phone.window.page.expect_popup() as opened:
        await mine.presses("pay")
    popup = await opened.value
    await popup.get_by_test_id("paypal-approve").focus()
    async with mine.hears("Ihre Zahlung ist angekommen", ("wird geprüft",)), hers.hears("Bezahlt"):
        async with popup.expect_event("close"):
            await popup.keyboard.press("Enter")
        await expect(phone.at("payment-done")).to_be_visible()
        await mine.stands_on("H2")


async def _is_done(mine: Keys, phone: Phone, desk: Desk, hers: Keys) -> None:
    await hers.presses("primary-action")
    await expect(desk.at("stage-panel")).to_have_attribute("data-stage", "done")
    await hers.stands_on("stage-panel")
    await hers.presses("primary-action")
    await hers.stands_on("act-stay")
    async with hers.hears("Der Fall ist abgeschlossen"):
        await hers.presses("act-confirm")
        await expect(desk.at("case-outcome")).to_be_visible()
        await hers.stands_on("primary-action")
    await mine.stands_on("H2")
    await mine.presses("hang-up")
    await mine.stands_on("hang-up-stay")
    await mine.presses("hang-up-confirm")
    await expect(phone.at("call-ended")).to_have_attribute("data-reason", "completed")
    await mine.stands_on("H1")
