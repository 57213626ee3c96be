"""Two people in two browsers: the handles of the pages that more than one test pulls."""

import re

import camera
from browser import Window, until
from people import Citizen
from playwright.async_api import expect
from system import System


class Phone:
    """The citizen's side of the call."""

    def __init__(self, window: Window, system: System) -> None:
        self.window, self.system, self.at = window, system, window.at

    async def enters(self, citizen: Citizen) -> None:
        """Open the call's page as the link leads to it, and enter the waiting room."""
        await self.window.page.goto(f"{self.system.url}/demo/call#{citizen.token}")
        await self.enters_waiting_room()

    async def enters_waiting_room(self) -> None:
        """Enter; return once the waiting room says how many are ahead."""
        await self.window.click("enter-waiting-room")
        await expect(self.at("waiting-position")).to_have_attribute("data-ahead", re.compile(r"^\d+$"))

    async def sees_clerk(self) -> None:
        """The clerk's picture moves."""
        await self.window.sees_moving(camera.CLERK.wall)


class Desk:
    """The clerk's side of the call."""

    def __init__(self, window: Window, system: System) -> None:
        self.window, self.system, self.at = window, system, window.at

    async def signs_in(self, office: str = "demo") -> None:
        """Sign in as the office's first demo clerk; return once the waiting room is live."""
        await self.says_who_signs_in(office)
        await self.window.click("sign-in")
        await expect(self.at("waiting-room")).to_be_visible()

    async def says_who_signs_in(self, office: str = "demo") -> None:
        """Fill in the sign-in form for the office's first demo clerk."""
        account = self.system.sign_in(office)
        await self.window.page.goto(f"{self.system.url}/clerk/")
        # Until the list is there, a text field is in its place.
        await self.window.page.locator('select[data-testid="office"]').select_option(office)
        await self.at("username").fill(account["username"])
        await self.at("password").fill(account["password"])

    async def lets_in(self, case_id: str) -> None:
        """Let that citizen in from the waiting room."""
        row = self.window.page.locator(f'[data-testid="waiting"][data-case="{case_id}"]')
        await row.get_by_test_id("let-in").click()

    async def does_next(self) -> None:
        """Press the one button that leads on, once it may be pressed."""
        button = self.at("primary-action")
        await expect(button).to_be_enabled()
        await button.click()

    async def does_and_confirms(self, says: str) -> None:
        """Press the one button that leads on, and confirm what it asks: the question says what follows."""
        await self.does_next()
        await expect(self.at("act-dialog")).to_contain_text(says)
        await expect(self.at("act-stay")).to_be_focused()
        await self.window.click("act-confirm")

    async def sees_citizen(self) -> None:
        """The citizen's picture moves."""
        await self.window.sees_moving(camera.CITIZEN.wall)


async def code(window: Window) -> str:
    """The six digits this person is shown."""
    shown = await window.at("verification-code").get_attribute("data-code")
    assert shown is not None
    return shown


async def compare_codes(phone: Phone, desk: Desk) -> str:
    """Both read the code and say that it is the same. Returns it."""
    codes = {await code(phone.window), await code(desk.window)}
    assert len(codes) == 1, codes
    await phone.window.click("code-same")
    await desk.window.click("code-same")
    return codes.pop()


async def meet(phone: Phone, desk: Desk, citizen: Citizen, case_id: str) -> str:
    """From the link to a verified call. Returns the code."""
    await desk.signs_in()
    await phone.enters(citizen)
    await desk.lets_in(case_id)
    await phone.sees_clerk()
    await desk.sees_citizen()
    return await compare_codes(phone, desk)


async def frames_go_on(*windows: Window) -> None:
    """Return once every one of them decoded more frames than now."""
    for window in windows:
        before = await window.packets()

        async def more(window: Window = window, before: dict[str, int] = before) -> bool:
            return (await window.packets())["decoded"] > before["decoded"] + 5

        await until(more, what=f"{window.device}: frames go on")
