"""Every booking has its confirmation exactly once, whatever dies and however the mail server behaves (F1, F5-F8, F14).

Bookings come in all the time while booking, notify, NATS, Redis and PostgreSQL are killed (kill -9) in turn. The mail
server is slow, puts off, and hangs up before its final 250, with the mail taken or not.

"Once" means one Message-ID. A mail server that takes a mail and hangs up before it says so has told its sender nothing:
SMTP (RFC 5321, 4.5.3.2.6 and 6.1) leaves it no choice but to send again, and so it does under the same Message-ID, by
which mail servers and readers know the second copy. The same holds for a kill between the final 250 and the commit.
Every second copy here must come from one of these two.
"""

import asyncio
import os
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, Final
from uuid import uuid4

import httpx
import psycopg
import pytest
from people import ok, proof_of_work
from system import System, eventually

from notify.delivery import CONNECTIONS

pytestmark = pytest.mark.journey

BOOKINGS: Final = int(os.environ.get("SCHALTER_FAULT_BOOKINGS", "120"))
PER_SECOND: Final = 25
CLIENTS: Final = 8
VICTIMS: Final = ("notify", "nats", "postgres", "booking", "redis")
#: Of the mails, 15 % are put off, 5 % taken without a word, 5 % lost; all take a moment.
FAULTS: Final = {"slow": 0.02, "defer": 0.15, "drop": 0.05, "lose": 0.05}
#: The clerks of the demo office: how many book the same time.
LANES: Final = 4


@dataclass
class Booked:
    """What the test did: who booked when (by mail address), and who was killed how often."""

    at: dict[str, datetime] = field(default_factory=dict)
    appointments: dict[str, str] = field(default_factory=dict)
    kills: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0


def test_every_booking_has_its_confirmation_exactly_once(system: System) -> None:
    _faults(system, FAULTS)
    try:
        booked = asyncio.run(_book_while_everything_dies(system))
        nearly_all = 60 + BOOKINGS / 5
        eventually(lambda: _arrived(system, booked) > 0.9, nearly_all, "nearly every confirmation has arrived")
    finally:
        _faults(system, {})
    assert len(booked.at) == BOOKINGS
    assert set(booked.kills) == set(VICTIMS)

    eventually(lambda: all(system.healthy(service) for service in ("booking", "notify")), 60, "all are healthy")
    eventually(lambda: _arrived(system, booked) == 1, 120, "every confirmation has arrived")
    eventually(lambda: _nothing_pending(system, booked), 60, "notify knows of every hand-over")

    log = [entry for entry in _log(system) if entry["to"][0] in booked.at]
    ids: dict[str, set[str]] = {}
    for entry in log:
        ids.setdefault(entry["to"][0], set()).add(entry["message_id"])
    assert ids.keys() == booked.at.keys()
    assert {email: found for email, found in ids.items() if len(found) != 1} == {}, "one Message-ID per booking"
    assert len({next(iter(found)) for found in ids.values()}) == BOOKINGS, "and no two share one"
    assert _messages_per_appointment(system, booked) == {1: BOOKINGS}
    # Who asked again because booking died before its answer has one appointment, and no clerk has two at a time.
    assert _appointments(system, booked) == (BOOKINGS, BOOKINGS)

    told = Counter(entry["message_id"] for entry in log if entry["told"])
    second_copies = {message_id: count for message_id, count in told.items() if count > 1}
    # One per kill and SMTP connection: what was between the final 250 and the commit.
    assert sum(count - 1 for count in second_copies.values()) <= booked.kills["notify"] * CONNECTIONS
    _report(log, booked, len(second_copies))


def test_booking_goes_on_at_its_pace_while_the_mail_server_hangs(system: System) -> None:
    """F14. How much the p99 moves is measured in bench; here: nobody waits for the mail server."""
    _faults(system, {"slow": 20})
    try:
        booked = asyncio.run(_book(system, 40, pace=20))
    finally:
        _faults(system, {})
    assert booked.slowest < 5, f"{booked.slowest:.1f} s for a booking"


def _faults(system: System, faults: dict[str, float]) -> None:
    ok(httpx.put(f"http://127.0.0.1:{system.state['ports']['mail']}/mail/api/faults", json=faults, timeout=10))


def _log(system: System) -> list[dict[str, Any]]:
    url = f"http://127.0.0.1:{system.state['ports']['mail']}/mail/api/log"
    entries: list[dict[str, Any]] = ok(httpx.get(url, timeout=30))
    return entries


async def _book_while_everything_dies(system: System) -> Booked:
    deaths = [asyncio.Event() for _ in VICTIMS]
    booking = asyncio.create_task(_book(system, BOOKINGS, pace=PER_SECOND, after=deaths))
    kills: Counter[str] = Counter()
    while not booking.done() or len(kills) < len(VICTIMS):
        for victim, died in zip(VICTIMS, deaths, strict=True):
            await asyncio.sleep(1)
            dead = system.kill(victim)
            kills[victim] += 1
            died.set()
            await asyncio.to_thread(system.wait_back, victim, dead)
            await asyncio.sleep(1)
    booked = await booking
    booked.kills = kills
    await asyncio.to_thread(eventually, lambda: _answers(system), 60, "PostgreSQL has recovered")
    return booked


def _answers(system: System) -> bool:
    with suppress(psycopg.OperationalError), psycopg.connect(system.database("notify"), connect_timeout=2):
        return True
    return False


async def _book(system: System, count: int, *, pace: float, after: Sequence[asyncio.Event] = ()) -> Booked:
    """Books `count` times. An equal share of it comes after each event of `after`, so that somebody books meanwhile."""
    booked = Booked()
    run = uuid4().hex[:8]
    async with httpx.AsyncClient(timeout=15) as client:
        slots = await _slots(client, system, (count + LANES - 1) // LANES)
        begun, places = time.monotonic(), asyncio.Semaphore(CLIENTS)

        async def one(number: int) -> None:
            await asyncio.sleep(begun + number / pace - time.monotonic())
            email = f"fault-{run}-{number}@example.org"
            for event in after[: number * (len(after) + 1) // count]:
                await event.wait()
            async with places:
                started = time.monotonic()
                appointment = await _book_until_acknowledged(client, system, slots[number // LANES], email)
                booked.slowest = max(booked.slowest, time.monotonic() - started)
            booked.at[email] = datetime.now(UTC)
            booked.appointments[email] = appointment

        await asyncio.gather(*(one(number) for number in range(count)))
    return booked


async def _slots(client: httpx.AsyncClient, system: System, count: int) -> list[str]:
    """Times that nobody else books here, three days ahead or more, when no reminder is due, ten minutes apart."""
    first = datetime.now(UTC).date() + timedelta(days=3)
    found: list[str] = []
    for day in range(9):
        params = {"services": "fuehrungszeugnis", "from": str(first + timedelta(days=day))}
        answer = await client.get(
            f"{system.url}/api/booking/offices/demo/slots", params=params | {"to": params["from"]}
        )
        starts = [slot["starts_at"] for slot in ok(answer)["slots"] if slot["starts_at"][15] == "0"]
        found += [start for start in starts if start not in _taken]
        if len(found) >= count:
            break
    _taken.update(found[:count])
    assert len(found) >= count, "the demo office has not enough times"
    return found[:count]


_taken: set[str] = set()


async def _book_until_acknowledged(client: httpx.AsyncClient, system: System, starts_at: str, email: str) -> str:
    """As a browser does: the same request again, with the same key, until it is answered."""
    headers = {"Idempotency-Key": uuid4().hex}
    body = {
        "services": [{"service_id": "fuehrungszeugnis", "options": {"belegart": "N"}}],
        "starts_at": starts_at,
        "name": "Amélie Müller-Yılmaz",
        "email": email,
        "language": "de",
    }
    deadline, last = time.monotonic() + 60, ""
    while True:
        try:
            answer = await client.post(
                f"{system.url}/api/booking/offices/demo/appointments", headers=headers, json=body
            )
        except httpx.TransportError as error:
            last = type(error).__name__
        else:
            last = answer.text
            if answer.status_code == 429:  # as while Redis is away
                headers["Proof-Of-Work"] = await asyncio.to_thread(proof_of_work, answer.json()["challenge"])
            elif answer.status_code < 500:
                return str(ok(answer)["appointment_id"])
        assert time.monotonic() < deadline, f"{email} could not book for a minute: {last}"
        await asyncio.sleep(0.25)


def _arrived(system: System, booked: Booked) -> float:
    """The share of the bookings whose confirmation is in the mail server's log."""
    _let_time_pass(system)
    time.sleep(0.5)
    return len(booked.at.keys() & {entry["to"][0] for entry in _log(system)}) / len(booked.at)


def _let_time_pass(system: System) -> None:
    """Waits between tries grow to hours; the mail server is well again, so nobody needs to sit them out here."""
    with psycopg.connect(system.database("notify")) as connection:
        connection.execute(
            "UPDATE message SET next_try_at = now() WHERE state = 'pending' AND kind = 'confirmation'"
            " AND trouble IS NOT NULL AND next_try_at > now() + interval '95 seconds'"
        )


def _nothing_pending(system: System, booked: Booked) -> bool:
    _let_time_pass(system)
    with psycopg.connect(system.database("notify")) as connection:
        row = connection.execute(
            "SELECT count(*) FROM message WHERE kind = 'confirmation' AND state = 'delivered'"
            " AND appointment_id = ANY(%s::uuid[])",
            [list(booked.appointments.values())],
        ).fetchone()
    return row is not None and row[0] == BOOKINGS


def _appointments(system: System, booked: Booked) -> tuple[int, int]:
    """How many appointments these people have in booking's own book, and how many clerks' times those take."""
    with psycopg.connect(system.database("booking")) as connection:
        row = connection.execute(
            "SELECT count(*), count(DISTINCT (lane, starts_at)) FROM appointment"
            " WHERE state = 'booked' AND email = ANY(%s)",
            [list(booked.at)],
        ).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


def _messages_per_appointment(system: System, booked: Booked) -> dict[int, int]:
    """How many appointments have how many confirmations in notify's own book."""
    with psycopg.connect(system.database("notify")) as connection:
        rows = connection.execute(
            "SELECT count(*) FROM message WHERE kind = 'confirmation' AND appointment_id = ANY(%s::uuid[])"
            " GROUP BY appointment_id",
            [list(booked.appointments.values())],
        ).fetchall()
    return dict(Counter(row[0] for row in rows))


def _report(log: list[dict[str, Any]], booked: Booked, second_copies: int) -> None:
    """Figures for whoever runs this by hand (pytest -s)."""
    first: dict[str, datetime] = {}
    for entry in log:
        at = datetime.fromisoformat(entry["at"])
        first[entry["to"][0]] = min(at, first.get(entry["to"][0], at))
    late = sorted((first[email] - at).total_seconds() for email, at in booked.at.items())
    acknowledged = sorted(booked.at.values())
    gap = max((later - at).total_seconds() for at, later in pairwise(acknowledged))
    untold = sum(not entry["told"] for entry in log)
    print(
        f"\n{BOOKINGS} bookings, {dict(booked.kills)} killed, {len(log)} copies: {untold} taken without a word,"
        f" {second_copies} between 250 and commit; booking to mail: p50 {late[len(late) // 2]:.2f} s,"
        f" p99 {late[int(len(late) * 0.99)]:.2f} s, last {late[-1]:.2f} s; slowest booking {booked.slowest:.2f} s,"
        f" longest gap between acknowledged bookings {gap:.2f} s"
    )
