"""One attacker, one hour: one network, any mailboxes, the cheapest strategy that we can think of for each route.

The clock is simulated, the rules are those of production. Challenges are a thousand times easier than there, and
reckoned back: what one try costs is measured on this machine, with the same function that a bot would use.
"""

import hashlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import cycle
from typing import Any, Final
from uuid import uuid4

import altcha
import httpx
from fastapi import FastAPI

from bench.pace import Pace
from bench.report import Result
from bench.stand import Stand
from booking.app import build
from booking.limits.model import Limits
from booking.limits.proof import COST
from booking.settings import Settings

#: A city's office with five clerks, whose freed slots return after 15 to 90 minutes. Open all day as the demo is, it
#: has 480 quarters of an hour a day.
_OFFICE: Final = "attacked"
_CLERKS: Final = 5
_SERVICE: Final = "anmeldung"
_MINUTES: Final = 15
_SLOTS: Final = _CLERKS * 24 * 60 // _MINUTES
_STRANGER: Final = "stranger@example.org"
_START: Final = datetime(2026, 6, 1, 6, 0, tzinfo=UTC)
_DAY: Final = datetime(2026, 6, 2, 22, 0, tzinfo=UTC)  # midnight of Wednesday in Berlin
#: One core, one hour.
_CPU_SECONDS: Final = 3600.0
_EASED: Final = 1000


class Spent(Exception):
    """The attacker is refused, or has no time left."""


@dataclass
class Attacker:
    """Asks from one network, and works when that is asked for, as long as a core has time."""

    client: httpx.AsyncClient
    seconds_per_try: float
    clock: list[datetime]
    starts: Iterator[str]
    hidden: Callable[[], Awaitable[int]]
    worst: int = 0
    cpu: float = 0.0
    refused: str = "-"
    links: list[str] = field(default_factory=list)

    async def ask(self, method: str, path: str, body: object = None, link: str | None = None) -> httpx.Response:
        """The answer; raises Spent at a limit. Works for a proof as often as one is asked for."""
        headers = {"Idempotency-Key": uuid4().hex}
        if link:
            headers["Authorization"] = f"Bearer {link.split('#')[-1]}"
        while True:
            answer = await self.client.request(method, path, json=body, headers=headers)
            if answer.status_code != 429:
                return answer
            problem = answer.json()
            if problem["code"] != "proof_required":
                self.refused = problem["reason"]
                raise Spent
            headers["Proof-Of-Work"] = self._work(problem["challenge"])

    def _work(self, challenge: Any) -> str:
        level = challenge["parameters"]["data"]["level"]
        self.cpu += 1.5 * (_EASED << level) * self.seconds_per_try
        if self.cpu > _CPU_SECONDS:
            self.refused = "CPU"
            raise Spent
        read = altcha.Challenge.from_dict(challenge)
        solution = altcha.solve_challenge(read)
        assert solution, "it has an upper bound"
        return altcha.Payload(read, solution).to_base64()

    def next(self) -> str:
        """The next slot of the day; after the last one the first again."""
        return next(self.starts)

    async def book(self, email: str | None = None) -> str:
        """Books, and keeps the link."""
        body: dict[str, object] = {
            "services": [{"service_id": _SERVICE}],
            "name": "Erika Mustermann",
            "email": email or f"{uuid4().hex}@example.org",
            "language": "de",
        }
        link = await self._take(f"/offices/{_OFFICE}/appointments", body)
        self.links.append(link)
        return link

    async def _take(self, path: str, body: dict[str, object], link: str | None = None) -> str:
        while True:
            answer = await self.ask("POST", path, body | {"starts_at": self.next()}, link)
            if answer.status_code != 409:
                taken: str = answer.raise_for_status().json()["link"]
                return taken

    async def move(self, link: str) -> str:
        """Moves; the new link."""
        return await self._take("/appointment/rescheduling", {}, link)

    async def correct(self, link: str, email: str) -> str | None:
        """Writes to another address; the new link, or None if it may no more."""
        answer = await self.ask("POST", "/appointment/contact", {"email": email}, link)
        corrected: str | None = answer.json().get("link")
        return corrected

    async def cancel(self, link: str) -> None:
        await self.ask("POST", "/appointment/cancellation", {}, link)

    async def wait(self, minutes: float) -> None:
        """Lets time go by, and sees before how many slots are hidden."""
        self.worst = max(self.worst, await self.hidden())
        self.clock[0] += timedelta(minutes=minutes)


async def hold_all(attacker: Attacker) -> None:
    """Hold after hold."""
    while True:
        await attacker.ask("POST", f"/offices/{_OFFICE}/holds", {"services": [_SERVICE], "starts_at": attacker.next()})


async def book_all(attacker: Attacker) -> None:
    """Booking after booking, each under another mailbox."""
    while True:
        await attacker.book()


async def move_one(attacker: Attacker) -> None:
    """One link, every ten minutes another time: what is left then returns late."""
    link = await attacker.book()
    for _ in range(5):
        await attacker.wait(10)
        link = await attacker.move(link)


async def hurry_one(attacker: Attacker) -> None:
    """One link, as often and as fast as it goes."""
    link = await attacker.book()
    while True:
        link = await attacker.move(link)


async def book_and_move_all(attacker: Attacker) -> None:
    """All bookings that go, and after ten minutes each is moved once, so that it hides two slots."""
    await _until_spent(book_all(attacker))
    await attacker.wait(10)
    for link in attacker.links:
        await attacker.move(link)


async def book_and_cancel_all(attacker: Attacker) -> None:
    """All bookings that go; after ten minutes all are cancelled, and so on while the hour lasts."""
    for _ in range(5):
        attacker.links.clear()
        await _until_spent(book_all(attacker))
        await attacker.wait(10)
        for link in attacker.links:
            await attacker.cancel(link)


async def mail_by_booking(attacker: Attacker) -> None:
    """A stranger's address, booked and cancelled, over and over."""
    for _ in range(40):
        await _until_spent(_book_and_cancel(attacker))
        await attacker.wait(1)


async def _book_and_cancel(attacker: Attacker) -> None:
    await attacker.cancel(await attacker.book(_STRANGER))


async def mail_by_moving(attacker: Attacker) -> None:
    """Appointments under a stranger's address, moved as often as it goes."""
    for _ in range(40):
        await _until_spent(_book_and_move(attacker))
        await attacker.wait(1)


async def _book_and_move(attacker: Attacker) -> None:
    link = attacker.links[-1] if attacker.links else await attacker.book(_STRANGER)
    attacker.links.append(await attacker.move(link))


async def mail_by_correcting(attacker: Attacker) -> None:
    """Appointments of one's own whose address is corrected to a stranger's, and cancelled."""
    for _ in range(40):
        await _until_spent(_correct_and_cancel(attacker))
        await attacker.wait(1)


async def _correct_and_cancel(attacker: Attacker) -> None:
    link = await attacker.book()
    corrected = await attacker.correct(link, _STRANGER)
    if corrected:
        await attacker.cancel(corrected)


async def mail_by_waiting(attacker: Attacker) -> None:
    """A stranger's address on the waiting list, over and over."""
    body = {"services": [{"service_id": _SERVICE}], "name": "Erika", "email": _STRANGER, "language": "de"}
    for _ in range(40):
        await _until_spent(attacker.ask("POST", f"/offices/{_OFFICE}/waiting-list", body))
        await attacker.wait(1)


async def mail_by_all(attacker: Attacker) -> None:
    """All ways together."""
    for way in (mail_by_waiting, mail_by_correcting, mail_by_moving, mail_by_booking):
        await _until_spent(way(attacker))
        await attacker.wait(-40)


async def _until_spent(attack: Awaitable[object]) -> None:
    with suppress(Spent):
        await attack


_HIDING: Final = (hold_all, book_all, book_and_cancel_all, book_and_move_all, move_one, hurry_one)
_MAILING: Final = (mail_by_booking, mail_by_moving, mail_by_correcting, mail_by_waiting, mail_by_all)


async def measure(stand: Stand, pace: Pace) -> list[Result]:
    """A row for each strategy: share of a day's slots that are hidden at the worst moment, or mails to one stranger."""
    results = []
    clock = [_START]
    async with _service(stand, clock) as app:
        per_try = _seconds_per_try(200 if pace.rounds > 1 else 20)
        for attack in (*_HIDING, *_MAILING):
            clock[0] = _START
            await app.state.redis.flushdb()
            await _empty(app)
            attacker = _attacker(app, clock, per_try)
            await _until_spent(attack(attacker))
            await attacker.wait(0)
            if attack in _HIDING:
                results.append(_hides(attack.__name__, attacker))
            else:
                results.append(_mails_to(attack.__name__, attacker, await _mails(app)))
    return results


def _hides(name: str, attacker: Attacker) -> Result:
    hidden = attacker.worst
    share, each = hidden / _SLOTS, attacker.cpu / max(1, hidden)
    return Result(
        "abuse",
        f"{name}: {hidden} of {_SLOTS} slots of a day, {each:.1f} CPU s each, ends by {attacker.refused}",
        "<= 5 %",
        f"{share:.1%}",
        share <= 0.05,
        {"hidden": hidden, "of": _SLOTS, "cpu_seconds": round(attacker.cpu, 1), "ended_by": attacker.refused},
    )


def _mails_to(name: str, attacker: Attacker, mails: int) -> Result:
    return Result(
        "abuse",
        f"{name}: mails to one stranger, {attacker.cpu:.0f} CPU s, ends by {attacker.refused}",
        "<= 3",
        str(mails),
        mails <= 3,
        {"mails": mails, "cpu_seconds": round(attacker.cpu, 1), "ended_by": attacker.refused},
    )


@asynccontextmanager
async def _service(stand: Stand, clock: list[datetime]) -> AsyncIterator[FastAPI]:
    """Booking in this process, by our clock, with the limits of production and easy challenges."""
    settings = Settings.model_validate(stand.settings("abuse", 5) | {"limits": Limits(work=1)})
    app = build(settings, clock=lambda: clock[0])
    async with app.router.lifespan_context(app):
        yield app


def _attacker(app: FastAPI, clock: list[datetime], per_try: float) -> Attacker:
    transport = httpx.ASGITransport(app, client=("192.0.2.1", 1))
    client = httpx.AsyncClient(transport=transport, base_url="http://bench/api/booking")
    per_day = [_DAY + timedelta(minutes=_MINUTES * index) for index in range(24 * 60 // _MINUTES)]
    starts = cycle([at.isoformat() for at in per_day for _ in range(_CLERKS)])
    return Attacker(client, per_try, clock, starts, lambda: _hidden(app, clock[0]))


async def _empty(app: FastAPI) -> None:
    async with app.state.database.transaction() as tx:
        await tx.execute("TRUNCATE appointment, freed_slot, waiting_entry, slot_offer, outbox, idempotent_answers")


async def _hidden(app: FastAPI, now: datetime) -> int:
    """How many quarters of an hour of the day's lanes nobody else can have."""
    until = _DAY + timedelta(days=1)
    async with app.state.database.transaction() as tx:
        row = await tx.row(
            """
            SELECT count(*) AS hidden FROM (
                SELECT lane, starts_at FROM appointment
                 WHERE office = :office AND state = 'booked' AND starts_at >= :low AND starts_at < :high
                UNION
                SELECT lane, starts_at FROM freed_slot
                 WHERE office = :office AND public_at > :now AND starts_at >= :low AND starts_at < :high
            ) AS taken
            """,
            office=_OFFICE, low=_DAY, high=until, now=now,
        )  # fmt: skip
    held = await app.state.deps.calendar.holds.active(_OFFICE, int(_DAY.timestamp()), int(until.timestamp()))
    assert row is not None, "an aggregate has one row"
    return int(row["hidden"]) + len(held)


async def _mails(app: FastAPI) -> int:
    """How many messages to the stranger notify would be asked for."""
    async with app.state.database.transaction() as tx:
        rows = await tx.rows("SELECT body FROM outbox")
    told = [json.loads(bytes(row["body"])) for row in rows]
    return sum(
        (event.get("citizen") or {}).get("email") == _STRANGER and not event.get("quiet", False) for event in told
    )


def _seconds_per_try(tries: int) -> float:
    started = time.process_time()
    for index in range(tries):
        hashlib.pbkdf2_hmac("sha256", index.to_bytes(4, "big"), b"nonce of a challenge", COST)
    return (time.process_time() - started) / tries
