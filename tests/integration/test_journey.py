"""The main job in two real browsers: a citizen with a phone meets a clerk at a desk and leaves with everything done.

After every step both screens are looked at, and what the services stored is read past them.
"""

import asyncio
import base64
import io
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import camera
import httpx
import pytest
from browser import Browsers, Window, until
from meeting import Desk, Phone, compare_codes, frames_go_on
from people import FORM, Citizen, canonical_hash
from playwright.async_api import Route, expect
from pypdf import PdfReader
from stored import Row, Stored
from system import System

pytestmark = pytest.mark.journey

NAME, EMAIL = "Amélie Müller-Yılmaz", "amelie@example.org"


async def test_a_citizen_books_meets_the_clerk_and_leaves_with_everything_done(system: System, films: Path) -> None:
    async with Browsers(system.url, films) as browsers:
        phone, desk = Phone(await browsers.open("phone"), system), Desk(await browsers.open("desk"), system)
        citizen = await _books(phone)
        stored = Stored(system, citizen.appointment_id)
        await _opens_the_link(phone, citizen, stored)
        await _tests_the_devices(phone, stored)
        await _waits(phone, stored)
        await _is_let_in(phone, desk, stored)
        await _shows_the_identity_card(phone, desk, stored)
        await _has_the_application_filled_in(phone, desk, stored)
        await _signs(phone, desk, stored)
        await _pays(phone, desk, stored)
        await _is_done(phone, desk, citizen, stored)
        assert phone.window.troubles == []
        assert desk.window.troubles == []


async def _books(phone: Phone) -> Citizen:
    """Three steps at the office's own address; the mail brings the link."""
    page, at, click = phone.window.page, phone.at, phone.window.click
    await page.goto(f"{phone.system.url}/demo/")
    await expect(page.locator("html")).to_have_attribute("lang", "de")
    await at("service-fuehrungszeugnis").check()
    for field in (
        "question-fuehrungszeugnis-age-yes",
        "question-fuehrungszeugnis-person-yes",
        "option-fuehrungszeugnis-belegart-N",
    ):
        await at(field).check()
    await phone.window.photograph("01-services")
    await click("to-time")
    # The slot after next: the next one may begin in this very second.
    await at("earliest").nth(1).tap()
    await expect(at("hold-timer")).to_be_visible()
    await phone.window.photograph("02-time")
    await click("to-details")
    await at("name").fill(NAME)
    await at("email").fill(EMAIL)
    await phone.window.photograph("03-details")
    await click("book")
    reference = (await at("reference").text_content() or "").strip()
    await expect(at("mail-sent")).to_contain_text(EMAIL)
    await phone.window.photograph("04-booked")
    return await _finds_the_mail(phone, reference)


async def _finds_the_mail(phone: Phone, reference: str) -> Citizen:
    def mail() -> Any:
        mails = httpx.get(f"{phone.system.url}/mail/api/messages", params={"to": EMAIL}, timeout=10).json()
        return next((mail for mail in mails if reference in mail["text"]), None)

    found = await until(lambda: asyncio.to_thread(mail), what=f"the mail about {reference}")
    assert "Videotermin" in found["subject"]
    link = next(link for link in found["links"] if "/demo/appointment#" in link)
    booked = {"link": link, "appointment_id": _subject(link.split("#", 1)[1]), "reference": reference}
    return Citizen(phone.system, booked, EMAIL)


def _subject(token: str) -> str:
    claims: dict[str, str] = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    return claims["sub"]


async def _opens_the_link(phone: Phone, citizen: Citizen, stored: Stored) -> None:
    """The mail opened a room and a case; opening the link changes nothing."""
    before = stored.appointment
    assert (before["name"], before["email"], before["language"], before["state"]) == (NAME, EMAIL, "de", "booked")
    options = {"belegart": "N", "scope": "national"}
    assert before["services"] == [{"service_id": "fuehrungszeugnis", "options": options, "persons": 1}]
    await _stored(lambda: len(stored.rows("signaling", "rooms")) == 1, "the room is open")
    await _stored(
        lambda: [row["mail"] for row in stored.rows("casework", "case_file")] == ["delivered"], "the case is open"
    )
    await phone.window.page.goto(citizen.booked["link"])
    await expect(phone.at("appointment")).to_have_attribute("data-state", "booked")
    await expect(phone.at("reference")).to_contain_text(citizen.booked["reference"])
    await phone.window.photograph("05-appointment")
    assert stored.appointment == before


async def _tests_the_devices(phone: Phone, stored: Stored) -> None:
    await phone.window.click("go-check")
    await phone.window.click("start-check")
    await phone.window.sees_moving(camera.CITIZEN.wall, "own-video")
    await phone.window.click("play-sound")
    await phone.window.click("sound-heard")
    await expect(phone.at("check-result")).to_have_attribute("data-outcome", re.compile("good|limited"))
    await expect(phone.at("check-reported")).to_be_visible()
    await phone.window.photograph("06-check")
    await _stored(lambda: stored.case["technical_check"], "the clerk will know of the check")
    check = stored.case["technical_check"]
    assert (check["camera"], check["microphone"], check["network"]) == (True, True, True)


async def _waits(phone: Phone, stored: Stored) -> None:
    await phone.window.click("to-waiting-room")
    await phone.enters_waiting_room()
    checked = await phone.window.packets()  # the technical check sent some, to the server
    await phone.window.sees_moving(camera.CITIZEN.wall, "own-video")
    await phone.window.photograph("07-waiting-room")
    await _stored(lambda: stored.case["presence"] == "waiting", "casework knows who waits")
    assert [row["role"] for row in stored.rows("signaling", "participants")] == ["citizen"]
    # Nobody has let them in, so not a packet of picture or sound has left the phone.
    assert await phone.window.packets() == checked


async def _is_let_in(phone: Phone, desk: Desk, stored: Stored) -> None:
    await desk.signs_in()
    case_id = str(stored.case["case_id"])
    waiting = desk.window.page.locator(f'[data-testid="waiting"][data-case="{case_id}"]')
    await expect(waiting).to_contain_text("Müller-Yılmaz")
    await desk.window.photograph("08-agenda")
    await desk.lets_in(case_id)
    await phone.sees_clerk()
    await desk.sees_citizen()
    await phone.window.photograph("09-code")
    await desk.window.photograph("09-code")
    code = await compare_codes(phone, desk)
    assert re.fullmatch(r"\d{3} \d{3}", code)
    for window in (phone.window, desk.window):
        await expect(window.at("verification-confirmed")).to_contain_text(code)
        await expect(window.at("verification-confirmed").locator("summary")).to_be_focused()
    await phone.window.photograph("10-call")
    await desk.window.photograph("10-call")
    await _stored(lambda: stored.case["presence"] == "in_call", "casework knows of the call")
    assert stored.case["clerk_id"] is not None
    assert [row["ended_at"] for row in stored.rows("signaling", "calls")] == [None]


async def _shows_the_identity_card(phone: Phone, desk: Desk, stored: Stored) -> None:
    await desk.does_next()
    await expect(phone.at("stage")).to_have_attribute("data-stage", "identity")
    await phone.window.sees_moving(camera.CITIZEN.wall, "identity-preview")
    await expect(desk.at("stage-panel")).to_have_attribute("data-stage", "identity")
    await desk.window.click("freeze")
    await expect(desk.at("frozen-frame")).to_be_visible()
    await desk.window.click("check-all")
    await phone.window.photograph("11-identity")
    await desk.window.photograph("11-identity")
    assert stored.of_case("identity_check") == []
    await desk.does_next()
    await expect(desk.at("stage-panel")).to_have_attribute("data-stage", "application")
    (record,) = stored.of_case("identity_check")
    assert record["outcome"] == "verified"
    assert all(record[check] for check in ("photo_matches", "security_features", "not_expired", "data_matches"))
    # What was checked is kept, what was seen is not.
    assert not [value for value in record.values() if isinstance(value, bytes | memoryview)]


async def _has_the_application_filled_in(phone: Phone, desk: Desk, stored: Stored) -> None:
    await expect(phone.at("stage")).to_have_attribute("data-stage", "application")
    await _every_letter_is_seen(phone, desk, stored)
    for key, value in FORM.items():
        field = desk.at(f"input-{key}")
        if key in ("belegart", "exemption"):
            await field.select_option(value)
        else:
            await field.fill("12.04.1990" if key == "birth_date" else value)
    await phone.window.photograph("12-application")
    await desk.window.photograph("12-application")
    await expect(desk.at("save-status")).to_have_attribute("data-status", "saved")
    await expect(phone.at("field-birth_place")).to_contain_text("Lyon")
    (content,) = stored.of_application("application_content")
    assert content["entries"] == FORM | {"scope": "national"}
    assert content["errors"] == []

    await desk.window.photograph("13-filled-in")
    await expect(phone.at("application")).to_have_attribute("data-state", "ready")
    await phone.window.photograph("13-to-confirm")
    shown = await phone.at("document-hash").get_attribute("data-hash")
    assert shown == canonical_hash(content["document"])
    await phone.window.click("confirm-application")
    await expect(phone.at("application")).to_have_attribute("data-state", "confirmed")
    await expect(desk.at("confirmed")).to_be_visible()
    await phone.window.announced("Alles ist ausgefüllt. Sie können jetzt bestätigen.")
    await phone.window.announced("Von Ihnen bestätigt")
    await desk.window.announced("Antrag bestätigt")
    await expect(phone.at("application").locator("h3")).to_be_focused()
    (application,) = stored.of_case("application")
    assert (application["document_hash"], application["confirmed_at"] is not None) == (shown, True)


async def _every_letter_is_seen(phone: Phone, desk: Desk, stored: Stored) -> None:
    """Nothing can be saved meanwhile, so what the citizen sees came straight from the clerk's browser."""
    page, may_save = desk.window.page, asyncio.Event()

    async def hold(route: Route) -> None:
        await may_save.wait()
        await route.continue_()

    saves = "**/api/casework/cases/*/applications/*"
    await page.route(saves, hold)
    seen = phone.at("field-family_name")
    typed = ""
    for letter in FORM["family_name"]:
        await desk.at("input-family_name").press_sequentially(letter)
        typed += letter
        await expect(seen.locator("dd")).to_have_text(typed)
    (content,) = stored.of_application("application_content")
    assert "family_name" not in content["entries"]
    await phone.window.photograph("12-live")
    may_save.set()
    # A request that is on its way through `hold` would be let go twice.
    await expect(desk.at("save-status")).to_have_attribute("data-status", "saved")
    await page.unroute(saves, hold)


async def _signs(phone: Phone, desk: Desk, stored: Stored) -> None:
    await desk.does_next()
    await expect(phone.at("stage")).to_have_attribute("data-stage", "signature")
    await expect(desk.at("stage-panel")).to_have_attribute("data-stage", "signature")
    await _draws(phone.window)
    await phone.window.photograph("14-signature")
    await phone.window.click("sign")
    await expect(phone.at("signed")).to_be_visible()
    await expect(desk.at("signature-drawing")).to_be_visible()
    await phone.window.announced("Von Ihnen unterschrieben")
    await desk.window.announced("Die Unterschrift ist da")
    await expect(phone.at("signature").locator("h3")).to_be_focused()
    await phone.window.photograph("15-signed")
    await desk.window.photograph("15-signed")
    (application,), (signature,) = stored.of_case("application"), stored.of_application("signature")
    assert application["signed_at"] is not None
    canonical = json.loads(bytes(signature["canonical"]))
    assert canonical["document_hash"] == application["document_hash"]
    assert canonical["pointer"] == "touch"
    assert len(canonical["strokes"]) == 2


async def _draws(window: Window) -> None:
    """Two strokes of a finger, by the browser's own touch events."""
    canvas = window.at("signature-canvas")
    await canvas.scroll_into_view_if_needed()
    box = await canvas.bounding_box()
    assert box is not None
    touch = await window.context.new_cdp_session(window.page)
    for left, heights in ((0.1, (0.6, 0.2, 0.7, 0.3, 0.8, 0.4, 0.6)), (0.5, (0.3, 0.7, 0.4, 0.6, 0.5, 0.7, 0.3))):
        for index, height in enumerate(heights):
            point = {"x": box["x"] + box["width"] * (left + index * 0.06), "y": box["y"] + box["height"] * height}
            kind = "touchMove" if index else "touchStart"
            await touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [point]})
        await touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    await touch.detach()


async def _pays(phone: Phone, desk: Desk, stored: Stored) -> None:
    await desk.does_next()
    await expect(desk.at("stage-panel")).to_have_attribute("data-stage", "payment")
    await desk.does_and_confirms("13,00")
    await expect(phone.at("payment-amount")).to_have_text(re.compile(r"13,00\s€"))
    await _stored(
        lambda: [row["state"] for row in stored.rows("payment", "payment_order")] == ["requested"], "the order"
    )
    await phone.window.photograph("16-payment")
    await desk.window.photograph("16-payment")
    async with phone.window.page.expect_popup() as opened:
        await phone.window.click("pay")
    popup = await opened.value
    await expect(popup.get_by_test_id("paypal-amount")).to_contain_text("13,00")
    # A provider's page must not be able to lead the call's window elsewhere.
    assert await popup.evaluate("window.opener === null")
    await frames_go_on(phone.window, desk.window)
    async with popup.expect_event("close"):
        await popup.get_by_test_id("paypal-approve").click(no_wait_after=True)
    await expect(phone.at("payment-done")).to_be_visible()
    await expect(desk.at("payment-state")).to_contain_text("Bezahlt")
    await phone.window.announced("Ihre Zahlung ist angekommen")
    await desk.window.announced("Bezahlt")
    await expect(phone.at("stage").locator("h2")).to_be_focused()
    await phone.window.photograph("17-paid")
    await desk.window.photograph("17-paid")
    (order,) = stored.rows("payment", "payment_order")
    assert (order["state"], order["amount_cents"], order["currency"]) == ("authorised", 1300, "EUR")
    assert stored.case["payment"]["state"] == "authorised"


async def _is_done(phone: Phone, desk: Desk, citizen: Citizen, stored: Stored) -> None:
    await desk.does_next()
    await expect(desk.at("stage-panel")).to_have_attribute("data-stage", "done")
    await desk.does_and_confirms("13,00")
    await expect(phone.at("done")).to_be_visible()
    await expect(desk.at("case-outcome")).to_be_visible()
    await _stored(lambda: stored.row("payment", "payment_order")["state"] == "captured", "the money is taken")
    await phone.window.photograph("18-done")
    await desk.window.photograph("18-done")
    # The room is closed, the conversation is not: both may still say goodbye.
    await frames_go_on(phone.window, desk.window)
    await phone.window.click("hang-up")
    await phone.window.click("hang-up-confirm")
    await expect(phone.at("call-ended")).to_have_attribute("data-reason", "completed")
    await expect(desk.at("call-ended")).to_be_visible()
    await phone.window.photograph("19-end")
    await desk.window.photograph("19-end")
    receipt = await _downloads_the_receipt(phone)
    order = stored.row("payment", "payment_order")
    assert "13,00" in receipt
    assert order["receipt_number"] in receipt
    _nothing_is_open(stored, stored.case)
    subjects = [(await asyncio.to_thread(citizen.mail, word))["subject"] for word in ("erledigt", "Quittung")]
    assert len(subjects) == 2


async def _downloads_the_receipt(phone: Phone) -> str:
    await _stored_receipt(phone)
    async with phone.window.page.expect_download() as started:
        await phone.window.click("receipt")
    path = await (await started.value).path()
    reader = PdfReader(io.BytesIO(path.read_bytes()))
    return "".join(page.extract_text() for page in reader.pages)


async def _stored_receipt(phone: Phone) -> None:
    """Until the money is taken the page would say so, politely; here we want the paper."""
    token = urlsplit(phone.window.page.url).fragment

    async def ready() -> bool:
        answer = await phone.window.context.request.get(
            f"{phone.system.url}/api/casework/citizen/case/receipt.pdf", headers={"Authorization": f"Bearer {token}"}
        )
        return answer.ok

    await until(ready, what="the receipt")


def _nothing_is_open(stored: Stored, case: Row) -> None:
    assert (case["state"], case["stage"]) == ("completed", "done")
    assert case["payment"]["state"] == "captured"
    actions = [row["action"] for row in stored.of_case("audit_entry")]
    assert len(actions) == case["audit_length"]
    kinds = sorted(row["kind"] for row in stored.rows("notify", "message"))
    assert kinds == ["completion", "confirmation", "receipt"]


async def _stored(condition: Any, what: str) -> None:
    await until(lambda: asyncio.to_thread(condition), what=what)
