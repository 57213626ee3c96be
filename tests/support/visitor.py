"""A citizen at the booking pages, as more than one test needs them."""

import re
from typing import Any
from uuid import uuid4

import httpx
from browser import Window
from people import Citizen, Json, ok
from playwright.async_api import expect
from system import System


class Visitor:
    """The citizen's browser, from choosing a service to managing the appointment."""

    def __init__(self, window: Window, system: System) -> None:
        self.window, self.system, self.at = window, system, window.at
        self.email = f"visitor-{uuid4().hex[:8]}@example.org"
        self._offered: dict[str, Json] = {}

    async def chooses(self, service: str, *, persons: int = 1) -> None:
        """Tick a service for so many people, and answer its questions so that a call can finish it."""
        await self.at(f"service-{service}").check()
        for _ in range(persons - 1):
            await self.window.click(f"persons-{service}-more")
        offered = self._service(service)
        for question in offered["questions"]:
            answer = "yes" if question["expected"] else "no"
            await self.at(f"question-{service}-{question['id']}-{answer}").check()
        for option in offered["options"]:
            await self.at(f"option-{service}-{option['id']}-{option['choices'][0]['id']}").check()

    async def books(self, *services: tuple[str, int], earliest: int = 2) -> Citizen:
        """Book these services, each for so many people, at one of the next free slots. Returns who has the link now."""
        await self.window.page.goto(f"{self.system.url}/demo/")
        for service, persons in services:
            await self.chooses(service, persons=persons)
        await self.window.click("to-time")
        await self.at("earliest").nth(earliest).click()
        await expect(self.at("hold-timer")).to_be_visible()
        await self.window.click("to-details")
        await self.says_who_they_are()
        await self.window.click("book")
        await expect(self.at("done")).to_be_visible()
        return self.citizen()

    async def says_who_they_are(self) -> None:
        """Name and e-mail address: no more is asked."""
        await self.at("name").fill("Amélie Müller-Yılmaz")
        await self.at("email").fill(self.email)

    def citizen(self) -> Citizen:
        """Whoever holds the link in the address line."""
        link = self.window.page.url
        view = ok(httpx.get(f"{self.system.url}/api/booking/appointment", headers=_bearer(link), timeout=10))
        return Citizen(self.system, view | {"link": link}, self.email)

    async def opens(self, link: str, ready: str) -> None:
        """Open a link as from a mail, and wait for what it shows."""
        # The same page with another token is no new document; a link in a mail is.
        await self.window.page.goto("about:blank")
        await self.window.page.goto(link)
        await expect(self.at(ready)).to_be_visible()

    def unexpected(self, *statuses: int) -> list[str]:
        """What went wrong in the browser, but for the refusals that the test is about."""
        known = re.compile("|".join(f"status of {status}" for status in statuses) or "^$")
        return [trouble for trouble in self.window.troubles if not known.search(trouble)]

    def _service(self, service: str) -> Any:
        if not self._offered:
            office = ok(httpx.get(f"{self.system.url}/api/booking/offices/demo", timeout=10))
            self._offered = {offered["id"]: offered for offered in office["services"]}
        return self._offered[service]


def _bearer(link: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {link.split('#', 1)[1]}"}
