"""A mistyped address does not end everything: it is asked about, corrected, and the link that strayed dies."""

import asyncio
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from browser import Browsers
from people import Citizen, Json, ok
from playwright.async_api import expect
from system import System, eventually
from visitor import Visitor

pytestmark = pytest.mark.journey


async def test_who_mistyped_their_address_corrects_it_on_the_page_and_gets_the_link(
    system: System, films: Path
) -> None:
    name = f"amelie-{uuid4().hex[:8]}"
    wrong, right = f"{name}@gmial.com", f"{name}@gmail.com"
    async with Browsers(system.url, films) as browsers:
        visitor = Visitor(await browsers.open("phone"), system)
        visitor.email = wrong
        await _goes_to_the_details(visitor)
        await _says_that_the_address_is_right(visitor, right)
        await _sees_which_number_will_be_called(visitor)
        await _is_told_of_what_nobody_sees_in_the_name(visitor)
        await visitor.window.click("book")
        await expect(visitor.at("mail-sent")).to_contain_text(wrong)
        strayed = visitor.citizen()
        await asyncio.to_thread(strayed.mail, "Videotermin")

        await _corrects_it_on_the_done_page(visitor, wrong, right)
        visitor.email = right
        corrected = visitor.citizen()
        mail = await asyncio.to_thread(corrected.mail, "Videotermin")
        assert (corrected.appointment_id, corrected.token != strayed.token) == (strayed.appointment_id, True)
        assert corrected.booked["link"].replace("/done", "/appointment") in mail["links"]
        await _nobody_gets_anywhere_by_the_strayed_link(visitor, strayed)

        await visitor.opens(mail["links"][0], "appointment")
        await _adds_a_telephone_number(visitor, right)
        assert len(_mails(system, wrong)) == 1, "nothing more goes to a stranger"
        assert visitor.unexpected(410) == []


async def _goes_to_the_details(visitor: Visitor) -> None:
    await visitor.window.page.goto(f"{visitor.system.url}/demo/")
    await visitor.chooses("fuehrungszeugnis")
    await visitor.window.click("to-time")
    await visitor.at("earliest").nth(2).click()
    await expect(visitor.at("hold-timer")).to_be_visible()
    await visitor.window.click("to-details")
    await visitor.says_who_they_are()


async def _says_that_the_address_is_right(visitor: Visitor, right: str) -> None:
    question = visitor.at("email-meant")
    await expect(question).to_contain_text(right)
    await visitor.window.photograph("30-meant")
    await visitor.window.click("email-meant-no")
    await expect(question).to_have_count(0)
    await expect(visitor.at("email")).to_be_focused()
    # Leaving the field once more is no reason to ask again.
    await visitor.at("name").focus()
    await visitor.window.page.wait_for_timeout(1200)
    await expect(question).to_have_count(0)


async def _sees_which_number_will_be_called(visitor: Visitor) -> None:
    field, read = visitor.at("phone"), visitor.at("phone-read")
    await field.fill("079 123 45 67")
    await expect(read).to_contain_text("+49 791 234567 (Deutschland)")
    await visitor.window.photograph("30-phone-read")
    await field.fill("+41 79 123 45 67")
    await expect(read).to_contain_text("(Schweiz)")
    await expect(visitor.at("review-phone")).to_have_text("+41 79 123 45 67 (Schweiz)")
    await field.fill("112")
    await visitor.window.click("book")
    await expect(visitor.at("error-summary")).to_contain_text("Notruf- oder Servicenummer")
    await visitor.window.photograph("30-phone-refused")
    await field.fill("")


async def _is_told_of_what_nobody_sees_in_the_name(visitor: Visitor) -> None:
    field = visitor.at("name")
    name = await field.input_value()
    await field.fill(f"{name}\u202e")
    await expect(visitor.at("error-summary")).to_contain_text("U+202E")
    await visitor.window.photograph("30-name-refused")
    await field.fill(name)
    await expect(visitor.at("error-summary")).to_have_count(0)


async def _corrects_it_on_the_done_page(visitor: Visitor, wrong: str, right: str) -> None:
    await visitor.window.click("contact-change")
    field = visitor.at("contact-email")
    await expect(field).to_be_focused()
    await expect(field).to_have_value(wrong)
    await field.fill("amelie@")
    await visitor.window.click("contact-send")
    await expect(field).to_be_focused()
    await expect(field).to_have_attribute("aria-invalid", "true")
    await field.fill(f" {right}\u200b")
    await visitor.window.photograph("31-correcting")
    await visitor.window.click("contact-send")
    await expect(visitor.at("contact-changed")).to_contain_text(right)
    await expect(visitor.at("contact-changed")).to_be_focused()
    await expect(visitor.at("mail-sent")).to_contain_text(right)
    await visitor.window.photograph("32-corrected")


async def _nobody_gets_anywhere_by_the_strayed_link(visitor: Visitor, strayed: Citizen) -> None:
    await visitor.opens(strayed.booked["link"].replace("/done", "/appointment"), "link-expired")

    def refused() -> list[int]:
        paths = ("/booking/appointment", "/casework/citizen/case")
        asked = [strayed.http.get(path) for path in paths]
        return [answer.status_code for answer in (*asked, strayed.http.post("/signaling/tickets", json={}))]

    await asyncio.to_thread(eventually, lambda: refused() == [410, 410, 410], 30, "every service refuses the old link")


async def _adds_a_telephone_number(visitor: Visitor, right: str) -> None:
    await expect(visitor.at("contact-email-now")).to_have_text(right)
    await visitor.window.click("contact-change")
    await visitor.at("contact-phone").fill("06221 58000")
    await visitor.window.click("contact-send")
    await expect(visitor.at("contact-changed")).to_be_focused()
    await expect(visitor.at("contact-phone-now")).to_have_text("+49 6221 58000")
    await visitor.window.photograph("33-telephone")


def _mails(system: System, to: str) -> list[Json]:
    answer = httpx.get(f"{system.url}/mail/api/messages", params={"to": to}, timeout=10)
    mails: list[Json] = ok(answer)
    return mails
