"""A double click does what was pressed once, and never what comes up in its place: every primary button is tried.

Coming without an appointment is pressed twice where clerks have time for it (test_walk_in.py). The walk does not come
to what only a fault or another person brings: a server that is away (session-retry), an unsaved case that was left
(leftover-discard-yes, sign-out-anyway), a mail that did not arrive (mail-send-there), somebody who waits meanwhile
(who-waits-let-in), a call left or taken over (rejoin), a number that is not called at once (walk-in-leave-yes,
walk-in-again), days without a free time (to-waiting-list), a time given back (offer-accept).
"""

import asyncio
import re
from datetime import date
from pathlib import Path

import pytest
from browser import Browsers
from meeting import Desk, Phone
from people import FORM, Citizen, Clerk, Json
from playwright.async_api import expect
from presses import Presses
from system import System
from town_hall import Lead
from visitor import Visitor

pytestmark = pytest.mark.journey


async def test_pressing_everything_twice_from_booking_to_the_completed_case_does_everything_once(
    system: System, films: Path
) -> None:
    async with Browsers(system.url, films) as browsers:
        phone, desk = Phone(await browsers.open("phone"), system), Desk(await browsers.open("desk"), system)
        citizen, clerk = Presses(phone.window), Presses(desk.window)
        await citizen.watches()
        await clerk.watches()
        booked = await _books(Visitor(phone.window, system), citizen)
        case_id = (await asyncio.to_thread(Clerk(system).finds, booked))["case_id"]
        await _takes_the_case(desk, clerk, case_id)
        await _waits(phone, citizen)
        await _is_let_in(phone, desk, citizen, clerk, case_id)
        await _goes_through_the_stages(phone, desk, citizen, clerk)
        await _pays(phone, desk, citizen, clerk)
        await _is_done(phone, desk, citizen, clerk)
        case = await asyncio.to_thread(Clerk(system).case, case_id)
        assert citizen.wrong + clerk.wrong == []
        assert sorted(citizen.left | clerk.left) == []
        _everything_happened_once(case)


def _everything_happened_once(case: Json) -> None:
    done = [entry["action"] for entry in case["audit"]]
    assert done.count("citizen_admitted") == 2, "let in, sent back to the waiting room, and let in again"
    for act in ("identity_checked", "application_confirmed", "application_signed"):
        assert done.count(act) == 1, act
    for act in ("payment_requested", "payment_authorised", "case_completed"):
        assert done.count(act) == 1, act


async def _books(visitor: Visitor, hand: Presses) -> Citizen:
    await visitor.window.page.goto(f"{visitor.system.url}/demo/")
    await visitor.chooses("fuehrungszeugnis")
    await hand.twice("to-time")
    await visitor.at("earliest").nth(1).click()
    await expect(visitor.at("hold-timer")).to_be_visible()
    await hand.twice("to-details")
    await visitor.says_who_they_are()
    await hand.twice("book")
    await expect(visitor.at("done")).to_be_visible()
    return visitor.citizen()


async def _waits(phone: Phone, hand: Presses) -> None:
    await hand.twice("go-check")
    await hand.twice("start-check")
    await phone.window.click("play-sound")
    await hand.twice("sound-heard")
    await expect(phone.at("check-reported")).to_be_visible()
    await hand.twice("to-waiting-room")
    await hand.twice("enter-waiting-room")
    await expect(phone.at("waiting-position")).to_have_attribute("data-ahead", re.compile(r"^\d+$"))


async def _takes_the_case(desk: Desk, clerk: Presses, case_id: str) -> None:
    await desk.says_who_signs_in()
    await clerk.twice("sign-in")
    await expect(desk.at("waiting-room")).to_be_visible()
    await desk.window.page.goto(f"{desk.system.url}/clerk/cases/{case_id}")
    await clerk.twice("primary-action")
    await expect(desk.at("primary-action")).to_be_disabled()
    await desk.window.click("back-to-agenda")


async def _is_let_in(phone: Phone, desk: Desk, citizen: Presses, clerk: Presses, case_id: str) -> None:
    row = desk.window.page.locator(f'[data-testid="waiting"][data-case="{case_id}"]')
    await clerk.twice(row.get_by_test_id("let-in"))
    await desk.sees_citizen()
    await citizen.asks("code-different", "code-reject-dialog")
    for hand in (citizen, clerk):
        await hand.asks("hang-up", "hang-up-dialog")
    await clerk.asks("abort", "abort-dialog")
    await clerk.asks("back-to-agenda", "leave-dialog")
    await clerk.asks("dismiss", "act-dialog")
    await desk.window.click("dismiss")
    await clerk.twice("act-confirm")
    await expect(phone.at("waiting-room")).to_be_visible()
    await clerk.twice("primary-action")
    await phone.sees_clerk()
    await citizen.twice("code-same")
    await clerk.twice("code-same")
    await expect(desk.at("verification-confirmed")).to_be_visible()


async def _goes_through_the_stages(phone: Phone, desk: Desk, citizen: Presses, clerk: Presses) -> None:
    await clerk.twice("primary-action")
    await expect(desk.at("stage-panel")).to_have_attribute("data-stage", "identity")
    await desk.window.click("check-all")
    await clerk.twice("primary-action")
    await expect(desk.at("stage-panel")).to_have_attribute("data-stage", "application")
    await clerk.twice("primary-action")
    await expect(desk.at("gaps")).to_be_visible()
    for key, value in FORM.items():
        field = desk.at(f"input-{key}")
        if key in ("belegart", "exemption"):
            await field.select_option(value)
        else:
            await field.fill("12.04.1990" if key == "birth_date" else value)
    await expect(phone.at("application")).to_have_attribute("data-state", "ready")
    await citizen.twice("confirm-application")
    await expect(desk.at("confirmed")).to_be_visible()
    await clerk.enters_twice("Control+Enter", "primary-action")
    await expect(desk.at("stage-panel")).to_have_attribute("data-stage", "signature")
    await phone.window.click("signature-other-way")
    await phone.at("signature-name").fill("Amélie Müller-Yılmaz")
    await citizen.twice("sign")
    await expect(phone.at("signed")).to_be_visible()


async def _pays(phone: Phone, desk: Desk, citizen: Presses, clerk: Presses) -> None:
    await clerk.twice("primary-action")
    await expect(desk.at("stage-panel")).to_have_attribute("data-stage", "payment")
    await expect(desk.at("payment")).to_have_attribute("data-state", "none")
    await clerk.enters_twice("Control+Enter", "primary-action")
    await expect(desk.at("act-stay")).to_be_focused()
    await clerk.twice("act-confirm")
    async with phone.window.page.expect_popup() as opened:
        await citizen.twice("pay")
    await (await opened.value).close()
    async with phone.window.page.expect_popup() as opened:
        await citizen.twice("pay")
    popup = await opened.value
    async with popup.expect_event("close"):
        await popup.get_by_test_id("paypal-approve").click(no_wait_after=True)
    await expect(phone.at("payment-done")).to_be_visible()
    await expect(desk.at("payment")).to_have_attribute("data-state", "authorised")


async def _is_done(phone: Phone, desk: Desk, citizen: Presses, clerk: Presses) -> None:
    await clerk.twice("primary-action")
    await expect(desk.at("stage-panel")).to_have_attribute("data-stage", "done")
    await expect(desk.at("case-outcome")).to_have_count(0)
    await clerk.twice("primary-action")
    await clerk.twice("act-confirm")
    await expect(desk.at("case-outcome")).to_be_visible()
    await expect(phone.at("done")).to_be_visible()
    await phone.window.click("hang-up")
    await citizen.twice("hang-up-confirm")
    await expect(phone.at("call-ended")).to_be_visible()
    await clerk.twice("primary-action")
    await expect(desk.at("agenda-title")).to_be_visible()


async def test_pressing_everything_twice_beside_the_call_does_everything_once(system: System, films: Path) -> None:
    async with Browsers(system.url, films) as browsers:
        visitor, desk = Visitor(await browsers.open("phone"), system), Desk(await browsers.open("desk"), system)
        citizen, clerk = Presses(visitor.window), Presses(desk.window)
        await citizen.watches()
        await clerk.watches()
        await _manages(visitor, citizen, await asyncio.to_thread(Citizen.books, system))
        await _erases(visitor, citizen, await asyncio.to_thread(Citizen.books, system))
        await _waits_on_the_list(visitor, citizen)
        await desk.says_who_signs_in("heidelberg")
        await clerk.twice("sign-in")
        await _runs_the_office(Lead(desk, "heidelberg"), clerk)
        assert citizen.wrong + clerk.wrong == []
        assert sorted(citizen.left | clerk.left) == []


async def _manages(visitor: Visitor, hand: Presses, booked: Citizen) -> None:
    await visitor.opens(booked.booked["link"].replace("/done", "/appointment"), "appointment")
    await hand.twice("join")
    await expect(visitor.at("enter-waiting-room")).to_be_visible()
    await visitor.window.page.go_back()
    await visitor.window.click("contact-change")
    await visitor.at("contact-phone").fill("06221 58000")
    await hand.twice("contact-send")
    await expect(visitor.at("contact-changed")).to_be_visible()
    await hand.asks("cancel", "cancel-dialog")
    await visitor.window.click("move")
    await visitor.at("earliest").last.click()
    await hand.twice("move-confirm")
    await expect(visitor.at("flash")).to_be_visible()
    await visitor.window.click("cancel")
    await hand.twice("cancel-yes")
    await expect(visitor.at("cancelled")).to_be_visible()
    await hand.twice("book-new")
    await expect(visitor.at("service-search")).to_be_visible()


async def _erases(visitor: Visitor, hand: Presses, booked: Citizen) -> None:
    await visitor.opens(booked.booked["link"].replace("/done", "/appointment"), "appointment")
    await hand.asks("erase", "erase-dialog")
    await visitor.window.click("erase")
    await hand.twice("erase-yes")
    await expect(visitor.at("erased")).to_be_visible()


async def _waits_on_the_list(visitor: Visitor, hand: Presses) -> None:
    await visitor.window.page.goto(f"{visitor.system.url}/demo/")
    await visitor.chooses("beratung")
    await hand.twice("to-time")
    # Without a time it only says what is missing.
    await hand.twice("to-details")
    await visitor.window.page.goto(f"{visitor.system.url}/demo/waiting-list")
    await visitor.says_who_they_are()
    await hand.twice("join-waiting-list")
    await expect(visitor.at("waiting-joined")).to_be_visible()
    await visitor.opens(await _link_to(visitor, "Warteliste", "/waiting#"), "waiting-leave")
    await visitor.window.click("waiting-leave")
    await hand.twice("waiting-leave-yes")
    await expect(visitor.at("waiting-entry")).to_have_attribute("data-state", "left")


async def _link_to(visitor: Visitor, word: str, page: str) -> str:
    """The link to that page in the mail whose subject holds `word`."""
    reader = Citizen(visitor.system, {"appointment_id": "", "link": "#"}, visitor.email)
    mail = await asyncio.to_thread(reader.mail, word, 60)
    return next(str(link) for link in mail["links"] if page in link)


async def _runs_the_office(lead: Lead, hand: Presses) -> None:
    at, day = lead.window.at, lead.next_open_day()
    await lead.opens("hours")
    await lead.window.click("closure-add")
    await at("closure-first").fill(str(day))
    await at("closure-de").fill("Betriebsausflug")
    await hand.asks("nav-week", "unsaved-dialog")
    await hand.twice("timetable-save")
    await expect(at("timetable-saved")).to_be_visible()
    await lead.window.click("closure-remove")
    await hand.twice("timetable-save")
    await _renames_a_colleague(lead, hand)
    booked, day = lead.books_first(0)
    await lead.window.page.goto(f"{lead.system.url}/clerk/week?day={day}&appointment={booked['appointment_id']}")
    await hand.asks("panel-cancel", "panel-dialog")
    await lead.window.click("panel-cancel")
    await hand.twice("panel-confirm")
    await expect(at("panel")).to_have_count(0)
    await _books_and_blocks(lead, hand, day)


async def _renames_a_colleague(lead: Lead, hand: Presses) -> None:
    await lead.opens("team")
    before = await (await lead.lane(0)).get_by_test_id("lane-name").input_value()
    for called in (f"{before} II", before):
        # What is saved is folded again.
        await (await lead.lane(0)).get_by_test_id("lane-name").fill(called)
        await hand.twice("timetable-save")
        await expect(lead.window.at("timetable-saved")).to_be_visible()
    await lead.opens("statistics")
    await lead.window.page.goto(f"{lead.system.url}/clerk/nowhere")
    await hand.twice(lead.window.page.locator("main .kern-btn--primary"))
    await expect(lead.window.at("agenda-title")).to_be_visible()


async def _books_and_blocks(lead: Lead, hand: Presses, day: date) -> None:
    at, click = lead.window.at, lead.window.click
    await lead.opens("book")
    await at("service-search").fill("beratung")
    await at("service-search").press("Enter")
    await click(f"slot-day-{day}")
    await at("slot").first.check(force=True)
    await at("book-name").fill("Amélie Müller-Yılmaz")
    await at("book-email").fill("amelie.doppelt@example.org")
    await hand.twice("book-confirm")
    await expect(at("booked")).to_be_visible()
    await hand.twice("book-next")
    await lead.opens("absences")
    await at("absence-lane").select_option("1")
    await at("absence-first").fill(str(day))
    await at("absence-last").fill(str(day))
    await lead.window.page.wait_for_load_state("networkidle")  # others' tests have left some
    known = await at("absence").count()
    await hand.twice("absence-save")
    await expect(at("absence")).to_have_count(known + 1)
    await lead.opens("moves")
    await at("moves-lane").select_option("0")
    await at("moves-span-days").check()
    await at("moves-first").fill(str(day))
    await click("moves-look")
    await hand.twice("moves-confirm")
    await expect(at("moves-done").last).to_be_visible()
