"""The town hall's side in a real browser: what a lead changes reaches citizens, and nobody who booked is forgotten."""

import asyncio
import re
from datetime import date, datetime
from pathlib import Path

import pytest
from browser import Browsers
from meeting import Desk, Phone, meet
from people import Citizen, Clerk, Json
from playwright.async_api import expect
from system import System
from town_hall import BERLIN, Lead, a_while_ago

pytestmark = pytest.mark.journey


async def test_a_lead_keeps_the_office_going(system: System, films: Path) -> None:
    async with Browsers(system.url, films) as browsers:
        desk = Desk(await browsers.open("desk"), system)
        await desk.signs_in("heidelberg")
        lead = Lead(desk, "heidelberg")
        day = lead.next_open_day()
        await _closes_a_day_and_opens_it_again(lead, day)
        await _sets_up_the_team(lead, day)
        mine = await _books_on_behalf(lead, day)
        moved = await _is_ill(lead, mine, day)
        await _nobody_came(lead, mine)
        await _looks_at_the_figures(lead)
        assert len(lead.subjects(moved["email"], 2)) == 2, "confirmation and move, nothing twice"
        assert desk.window.troubles == []


async def _closes_a_day_and_opens_it_again(lead: Lead, day: date) -> None:
    """Closed for citizens at once; leaving with unsaved changes asks."""
    at, click, page = lead.window.at, lead.window.click, lead.window.page
    await lead.opens("week")
    await lead.opens("hours")
    await click("closure-add")
    await at("closure-first").fill(str(day))
    await click("timetable-save")
    await expect(page.get_by_text("Geben Sie den Grund an.")).to_be_visible()
    await at("closure-de").fill("Betriebsausflug")
    await expect(page.locator(f'[data-testid="preview"] [data-day="{day}"]')).to_contain_text("Betriebsausflug")
    assert await lead.window.barriers("hours") == []

    await page.go_back()
    await expect(at("unsaved-dialog")).to_be_visible()
    await click("unsaved-stay")
    await expect(page).to_have_url(re.compile("/clerk/hours$"))
    await expect(at("closure-de")).to_have_value("Betriebsausflug")

    await lead.saves()
    await lead.window.photograph("office-hours")
    assert lead.slots(day) == []
    await click("closure-remove")
    await lead.saves()
    assert lead.slots(day)


async def _sets_up_the_team(lead: Lead, day: date) -> None:
    """Two people instead of six; both begin an hour after the office opens, and so do the citizens' slots."""
    before = lead.slots(day)
    starts = f"{before[0].hour + 1:02}:00"
    weekday = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")[day.weekday()]
    await lead.opens("team")
    await expect(lead.window.at("lane").nth(1)).to_be_visible()
    while await lead.window.at("lane").count() > 2:
        await (await lead.lane(2)).get_by_test_id("lane-remove").click()
    for number, name in enumerate(("Anna Becker", "Mehmet Yılmaz")):
        card = await lead.lane(number)
        await card.get_by_test_id("lane-name").fill(name)
        if number == 0:
            await card.get_by_test_id("lane-account").select_option(lead.me["clerk"]["clerk_id"])
        await card.get_by_test_id("lane-by-shifts").check()
        await card.get_by_test_id(f"shifts-{weekday}-from").fill(starts.removeprefix("0"))
        await card.get_by_test_id(f"shifts-{weekday}-to").fill("24")
    assert await lead.window.barriers("team") == []
    await lead.saves()
    await lead.window.photograph("office-team")
    assert min(lead.slots(day)).strftime("%H:%M") == starts


async def _books_on_behalf(lead: Lead, day: date) -> Json:
    """A phone call: typed, chosen and booked without the mouse, but for the time."""
    at, page = lead.window.at, lead.window.page
    await lead.opens("book")
    await at("service-search").focus()
    await page.keyboard.type("führungsz")
    await page.keyboard.press("Enter")
    await _is_asked_what_citizens_are_asked(lead)
    await lead.window.click(f"slot-day-{day}")
    slot = at("slot").first
    starts_at = await slot.get_attribute("data-starts-at")
    await slot.check(force=True)
    await at("book-email").fill("amelie.am.telefon@example.org")
    await at("book-phone").fill("06221 58000")
    await expect(at("phone-read")).to_contain_text("+49 6221 58000 (Deutschland)")
    # While times are read again, the old ones are dimmed.
    await expect(at("book-slots")).to_have_attribute("aria-busy", "false")
    assert await lead.window.barriers("book") == []
    await lead.window.photograph("office-book")
    await _presses_book(lead)
    reference = (await at("booked-reference").text_content() or "").strip()
    assert starts_at is not None
    subjects = await asyncio.to_thread(lead.subjects, "amelie.am.telefon@example.org", 1)
    assert reference in subjects[0]
    await page.get_by_role("link", name="In der Woche zeigen").click()
    await expect(at("panel")).to_contain_text(reference)
    await expect(at("panel")).to_contain_text("vom Amt")
    await expect(at("panel-phone")).to_have_attribute("href", "tel:+49622158000")
    await expect(at("panel-email")).to_have_attribute("href", "mailto:amelie.am.telefon@example.org")
    assert await lead.window.barriers("week") == []
    await lead.window.photograph("office-week")
    appointment = await page.locator("[data-appointment].selected").get_attribute("data-appointment")
    assert appointment is not None
    brief = lead.in_week(appointment, day)
    assert (brief["reference"], brief["channel"], brief["name"]) == (reference, "office", "Amélie Müller-Yılmaz")
    return brief


async def _presses_book(lead: Lead) -> None:
    """Ctrl and Enter, once the button that it stands for has stopped resting."""
    await expect(lead.window.at("book-confirm")).to_be_enabled()
    await lead.window.page.keyboard.press("Control+Enter")


async def _is_asked_what_citizens_are_asked(lead: Lead) -> None:
    """Questions and Belegart cannot be skipped; what the call cannot finish is booked knowingly or not at all."""
    at, click, page = lead.window.at, lead.window.click, lead.window.page
    await at("book-name").fill("Amélie Müller-Yılmaz")
    await _presses_book(lead)
    await expect(page.locator("#question-fuehrungszeugnis-age")).to_be_focused()
    await expect(at("question-fuehrungszeugnis-age")).to_contain_text("Bitte wählen Sie Ja oder Nein.")
    await page.locator("#question-fuehrungszeugnis-age").press("Space")
    await click("question-fuehrungszeugnis-person-yes")
    await _presses_book(lead)
    await expect(at("option-fuehrungszeugnis-belegart")).to_be_focused()
    await at("option-fuehrungszeugnis-belegart").select_option("O")

    await click("book-service-personalausweis")
    summary, ausweis = at("book-summary"), at("chosen-personalausweis")
    await expect(summary).to_contain_text("Personalausweis")
    await click("question-personalausweis-visit-no")
    await expect(ausweis).to_have_attribute("data-blocked", "true")
    await expect(at("knowingly-personalausweis")).to_have_count(0)
    await click("question-personalausweis-visit-yes")
    await click("question-personalausweis-photo-no")
    await expect(at("question-personalausweis-photo-advice")).to_contain_text("Termin vor Ort")
    await expect(summary).not_to_contain_text("Personalausweis")
    await lead.window.photograph("office-book-blocked")
    await at("knowingly-personalausweis").check()
    await expect(ausweis).to_have_attribute("data-blocked", "false")
    await expect(summary).to_contain_text("Personalausweis")
    await click("take-out-personalausweis")
    await expect(at("service-search")).to_be_focused()


async def _is_ill(lead: Lead, mine: Json, day: date) -> Json:
    """Whoever has the phone call's appointment is ill: it keeps its time with the colleague, another one must move."""
    at, click = lead.window.at, lead.window.click
    ill = mine["lane"]
    colleague = 1 - ill
    later = [slot for slot in lead.slots(day) if slot > datetime.fromisoformat(mine["starts_at"])]
    both = later[len(later) // 2]
    lead.books(both, colleague)
    to_move = lead.books(both, ill)

    await lead.opens("moves")
    await at("moves-lane").select_option(str(ill))
    await at("moves-span-days").check()
    await at("moves-first").fill(str(day))
    await click("moves-look")
    await expect(at("moves-kept")).to_have_attribute("data-count", "1")
    await expect(at("moves-moved")).to_have_attribute("data-count", "1")
    assert lead.in_week(to_move["appointment_id"], day)["lane"] == ill, "a preview moves nobody"
    assert await lead.window.barriers("moves") == []
    await lead.window.photograph("office-moves")
    await click("moves-confirm")
    await expect(at("moves-done").last).to_contain_text("1 sind verlegt")

    assert lead.in_week(mine["appointment_id"], day)["lane"] == colleague
    subjects = await asyncio.to_thread(lead.subjects, to_move["email"], 2)
    assert "verlegt" in subjects[0]
    assert len(lead.subjects("amelie.am.telefon@example.org", 1)) == 1, "who keeps the time hears nothing"
    await lead.opens("absences")
    await expect(at("absence")).to_have_attribute("data-lane", str(ill))
    assert await lead.window.barriers("absences") == []
    return to_move


async def _nobody_came(lead: Lead, mine: Json) -> None:
    """Twenty minutes after its time the clerk marks it, and casework closes the case."""
    at, click, page = lead.window.at, lead.window.click, lead.window.page
    a_while_ago(lead.system, mine["appointment_id"])
    today = datetime.now(BERLIN).date()
    await page.goto(f"{lead.system.url}/clerk/week?day={today}&appointment={mine['appointment_id']}")
    await click("panel-no-show")
    await click("panel-confirm")
    await expect(at("panel")).to_have_attribute("data-state", "no_show")
    assert lead.in_week(mine["appointment_id"], today)["state"] == "no_show"
    subjects = await asyncio.to_thread(lead.subjects, "amelie.am.telefon@example.org", 2)
    assert mine["reference"] in subjects[0]


async def _looks_at_the_figures(lead: Lead) -> None:
    """The missed appointment counts, and the table can be taken away."""
    await lead.opens("statistics")
    await expect(lead.window.at("by-service")).to_contain_text("Führungszeugnis")
    assert await lead.window.barriers("statistics") == []
    async with lead.window.page.expect_download() as download:
        await lead.window.click("csv")
    table = Path(await (await download.value).path()).read_text(encoding="utf-8-sig")
    assert "hrungszeugnis" in table


async def test_the_back_button_asks_before_it_leaves_a_running_call(system: System, films: Path) -> None:
    citizen = await asyncio.to_thread(Citizen.books, system)
    case_id = (await asyncio.to_thread(Clerk(system).finds, citizen))["case_id"]
    async with Browsers(system.url, films) as browsers:
        phone, desk = Phone(await browsers.open("phone"), system), Desk(await browsers.open("desk"), system)
        await meet(phone, desk, citizen, case_id)
        page = desk.window.page
        await page.go_back()
        await expect(desk.at("leave-dialog")).to_be_visible()
        await expect(page).to_have_url(re.compile(f"/clerk/cases/{case_id}$"))
        await page.keyboard.press("Escape")
        await expect(desk.at("leave-dialog")).to_be_hidden()
        await desk.sees_citizen()
        await page.go_back()
        await desk.window.click("leave-confirm")
        await expect(desk.at("agenda-title")).to_be_visible()
        await expect(page).to_have_url(re.compile("/clerk/$"))
        assert desk.window.troubles == []
