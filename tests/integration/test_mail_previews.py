"""A lead reads the mails of the office as citizens get them, in a real browser; a clerk is sent to a lead."""

from pathlib import Path
from typing import get_args

import pytest
from browser import Browsers, Device
from meeting import Desk
from playwright.async_api import FrameLocator, expect
from system import System

from contracts.notify import MessageKind

pytestmark = pytest.mark.journey


@pytest.mark.parametrize("device", ["desk", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_lead_reads_every_mail(system: System, films: Path, device: Device, scheme: str) -> None:
    async with Browsers(system.url, films) as browsers:
        desk = Desk(await browsers.open(device, color_scheme=scheme), system)
        window, at = desk.window, desk.window.at
        await desk.signs_in("heidelberg")
        await window.click("nav-mails")
        await expect(at("mail-subject")).to_contain_text("Ihr Videotermin")
        frame = window.page.frame_locator('[data-testid="mail-html"]')
        await expect(frame.locator("h1")).to_be_visible()
        await _looks_as_it_is_sent(frame)
        await window.photograph(f"{scheme}-40-mails")
        assert await window.barriers("mails") == []

        await window.click("mail-language-en")
        await window.click("mail-plain")
        for kind in get_args(MessageKind):
            await window.click(f"mail-kind-{kind}")
            await expect(at("mail")).to_have_attribute("data-kind", kind)
            await expect(at("mail")).to_have_attribute("data-plain", "true")
            # The question about an address may come to a stranger, who learns no name from it.
            await expect(at("mail-text")).to_contain_text("Hello," if kind == "confirm_address" else "Dear Amélie")
            await expect(frame.locator("h1")).to_be_visible()
        await window.click("mail-kind-waiting_list")
        await expect(at("mail-subject")).to_have_text("You are on the waiting list")
        await expect(frame.locator("h1")).to_have_text("You are on the waiting list")
        await window.photograph(f"{scheme}-41-mails-plain")
        assert await window.barriers("mails, plain") == []
        assert window.troubles == [], "the mail loads nothing, and the policy of the page has nothing to refuse"


async def _looks_as_it_is_sent(frame: FrameLocator) -> None:
    """The styles hold, the whole mail is to be seen, and nothing in it leads anywhere."""
    action = frame.locator(".action")
    assert await action.evaluate("link => getComputedStyle(link).padding") == "14px 28px"
    assert await frame.locator("a[href], script").count() == 0
    assert await frame.locator("html").evaluate("html => html.scrollHeight <= html.clientHeight + 1")
