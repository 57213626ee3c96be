"""The town hall's side of booking, as a lead acts at the desk; what comes of it is also asked past the pages."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import httpx
import psycopg
from browser import Window
from meeting import Desk
from people import Json, ok
from playwright.async_api import Locator, expect
from system import System, eventually

BERLIN = ZoneInfo("Europe/Berlin")
SERVICE = "fuehrungszeugnis"
NAMES = ("Maximilian Alexander Freiherr von und zu Guttenstein", "Amélie Müller-Yılmaz", "Li Wei", "Jürgen Groß")


class Lead:
    """The lead of an office: pages in the window, and the same account by HTTP."""

    def __init__(self, desk: Desk, office: str) -> None:
        self.desk, self.office, self.system = desk, office, desk.system
        account = self.system.sign_in(office)
        self.http = httpx.Client(base_url=f"{self.system.url}/api", timeout=15)
        body = {"office": office, "username": account["username"], "password": account["password"]}
        self.me = ok(self.http.post("/casework/session", json=body))
        self.http.headers["Authorization"] = f"Bearer {self.me['access_token']}"

    @property
    def window(self) -> Window:
        """The desk's browser."""
        return self.desk.window

    async def opens(self, page: str) -> None:
        """Go to a page by its link in the navigation."""
        await self.window.click(f"nav-{page}")
        await expect(self.window.at(page)).to_be_visible()

    async def saves(self) -> None:
        """Save the timetable that is being edited."""
        await self.window.click("timetable-save")
        await expect(self.window.at("timetable-saved")).to_be_visible()

    async def lane(self, at: int) -> Locator:
        """The card of the team's `at`th person, opened."""
        card = self.window.at("lane").nth(at)
        if await card.get_by_test_id("lane-name").count() == 0:
            await card.get_by_test_id("lane-open").click()
        await expect(card.get_by_test_id("lane-name")).to_be_visible()
        return card

    def slots(self, day: date) -> list[datetime]:
        """What citizens are offered on a day, on the office's clock."""
        query = {"services": SERVICE, "from": str(day), "to": str(day)}
        found = ok(self.http.get(f"/booking/offices/{self.office}/slots", params=query))["slots"]
        return [datetime.fromisoformat(slot["starts_at"]).astimezone(BERLIN) for slot in found]

    def next_open_day(self) -> date:
        """The first day from tomorrow on that citizens can book."""
        today = datetime.now(BERLIN).date()
        return next(day for ahead in range(1, 15) if self.slots(day := today + timedelta(days=ahead)))

    def books(self, starts_at: datetime, lane: int, name: str = "Thị Minh Nguyễn") -> Json:
        """Book for somebody with that clerk. Returns the appointment, with the `email` its mails go to."""
        email = f"citizen-{uuid4().hex[:8]}@example.org"
        body = {
            "services": [{"service_id": SERVICE, "options": {"belegart": "N"}}],
            "starts_at": starts_at.isoformat(),
            "name": name,
            "email": email,
            "language": "de",
            "lane": lane,
        }
        headers = {"Idempotency-Key": uuid4().hex}
        booked: Json = ok(self.http.post("/booking/office/appointments", json=body, headers=headers))
        return booked | {"email": email}

    def books_first(self, lane: int) -> tuple[Json, date]:
        """Book this clerk's first time from tomorrow on; with its day, for another test may have sent them home."""
        today, why = datetime.now(BERLIN).date(), "no day is open"
        for slot in (slot for ahead in range(1, 15) for slot in self.slots(today + timedelta(days=ahead))):
            try:
                return self.books(slot, lane), slot.date()
            except AssertionError as refused:
                why = str(refused)
        raise AssertionError(f"lane {lane} has no time: {why}")

    def fills_the_day(self, count: int) -> list[Json]:
        """Book `count` appointments from the next free times of all lanes on, today as far as there is room."""
        today = datetime.now(BERLIN).date()
        query = {"services": SERVICE, "from": str(today), "to": str(today + timedelta(days=1))}
        slots = ok(self.http.get("/booking/office/slots", params=query))["slots"]
        lanes = range(len(ok(self.http.get("/booking/office/timetable"))["clerks"]))
        booked: list[Json] = []
        # Every second slot, so that the pause after an appointment stands in nobody's way.
        for slot in slots[2::2]:
            for lane in lanes:
                if len(booked) == count:
                    return booked
                name = f"{NAMES[len(booked) % len(NAMES)]} {len(booked) + 1}"
                try:
                    booked.append(self.books(datetime.fromisoformat(slot["starts_at"]), lane, name) | {"name": name})
                except AssertionError:
                    continue  # another test's appointment is there
        return booked

    def agenda(self, day: date | None = None) -> list[Json]:
        """The cases of a day as casework lists them."""
        cases: list[Json] = ok(self.http.get("/casework/agenda", params={"date": str(day)} if day else {}))["cases"]
        return cases

    def in_week(self, appointment_id: str, day: date) -> Json:
        """The appointment as the week has it."""
        week = ok(self.http.get("/booking/office/week", params={"day": str(day)}))
        lanes = [lane for each in week["days"] for lane in each["lanes"]]
        found = [one for lane in lanes for one in lane["appointments"] if one["appointment_id"] == appointment_id]
        brief: Json = found[0]
        return brief

    def subjects(self, email: str, count: int) -> Sequence[str]:
        """The subjects of somebody's mails, newest first, once there are `count` of them."""

        def mails() -> Any:
            found = httpx.get(f"{self.system.url}/mail/api/messages", params={"to": email}, timeout=10).json()
            return [mail["subject"] for mail in found] if len(found) >= count else None

        subjects: Sequence[str] = eventually(mails, 30, f"{count} mails to {email}")
        return subjects


def a_while_ago(system: System, appointment_id: str) -> None:
    """As if the appointment had been due twenty minutes ago: time itself cannot be asked to pass."""
    with psycopg.connect(system.database("booking")) as connection:
        connection.execute(
            "UPDATE appointment SET starts_at = date_trunc('minute', now()) - interval '20 minutes',"
            " ends_at = date_trunc('minute', now()) - interval '15 minutes', busy_until = NULL WHERE id = %s",
            (appointment_id,),
        )
