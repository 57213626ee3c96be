"""G4, G5: bookings over HTTP (hold the slot, then book it), beside pgbench with the very statements of both."""

import asyncio
import json
import re
import subprocess
import time
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Final
from uuid import uuid4

import psycopg

from bench.goals.slots import OFFERED_DAYS, answer
from bench.load import Connection, Tally, request
from bench.meter import Figures, Round, cpu_seconds, expect, take_turns
from bench.pace import Pace
from bench.report import Result
from bench.stand import Running, Stand
from booking.appointments.lane_sql import BOOK_AT_ONCE
from booking.slots.store import BUSY
from chassis.database import numbered
from schalter.embedded import tools

CLIENTS: Final = 8
#: What one Easy!Appointments booked per second of its CPU time, on the same kind of machine.
_PEER: Final = 101.0
_OFFICE: Final = "rush"
_SERVICE: Final = "personalausweis"

#: What pgbench puts in the place of each parameter: a slot that hardly anybody else takes, on one of 40 lanes.
_AT: Final = "to_timestamp(CAST(:start AS bigint))"
_VALUES: Final = {
    "low": _AT,
    "high": "to_timestamp(CAST(:start AS bigint) + 900)",
    "id": "CAST(lpad(to_hex(CAST(:m AS bigint)), 32, '0') AS uuid)",
    "office": "'pgbench'",
    "reference": "('P-' || CAST(:m AS text))",
    "lanes": "ARRAY[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32,33,34,35,"
    "36,37,38,39]",
    "own": "NULL",
    "freed": "NULL",
    "version": "0",
    "starts_at": _AT,
    "ends_at": "to_timestamp(CAST(:start AS bigint) + 900)",
    "busy_until": "to_timestamp(CAST(:start AS bigint) + 900)",
    "services": '\'[{"service_id": "personalausweis", "options": {}, "persons": 1}]\'',
    "name": "'Erika Mustermann'",
    "email": "('erika' || CAST(:m AS text) || '@example.org')",
    "phone": "NULL",
    "language": "'de'",
    "time_zone": "NULL",
    "needs": "'[]'",
    "channel": "'citizen'",
    "plain_language": "false",
    "link_generation": "1",
    "now": "now()",
    "event_id": "gen_random_uuid()",
    "subject": "'pgbench'",
    "headers": "'{}'",
    "body": "decode(repeat('00', 700), 'hex')",
    "created_at": "now()",
    "kept_scope": "'pgbench'",
    "kept_key": "('key-' || CAST(:m AS text))",
    "kept_hash": "decode(repeat('00', 32), 'hex')",
    "kept_answer": f"CAST('{json.dumps({'link': 'x' * 400})}' AS jsonb)",
    "confirm_by": "NULL",
    "confirm_question": "NULL",
    "max_open": "5",
}


async def measure(stand: Stand, pace: Pace) -> list[Result]:
    """Both: service and pgbench take turns on one database."""
    running = stand.booking("bookings", 3)
    orders = Orders(await starts(running))
    script = stand.directory / "book.sql"
    script.write_text(pgbench_script())

    async def service() -> Round:
        before, started = cpu_seconds(running.pid), time.perf_counter()
        tally = await book(running, orders, pace.seconds)
        seconds = time.perf_counter() - started
        expect(tally, 201)
        return Round(tally, seconds, cpu_seconds(running.pid) - before)

    async def pgbench() -> Round:
        return await asyncio.to_thread(_pgbench, running.database_url, script, max(1, round(pace.seconds)))

    figures = await take_turns({"bookings": service, "pgbench": pgbench}, pace.rounds)
    with psycopg.connect(running.database_url) as connection:
        row = connection.execute("SELECT count(*) FROM appointment WHERE office = %s", [_OFFICE]).fetchone()
    assert row is not None
    if int(row[0]) < figures["bookings"].requests:
        raise RuntimeError(f"{figures['bookings'].requests} bookings were acknowledged, {row[0]} are stored")
    return _judge(figures)


def _judge(figures: dict[str, Figures]) -> list[Result]:
    ours, bare = figures["bookings"], figures["pgbench"]
    to_pgbench = ours.requests_per_second / bare.requests_per_second
    to_peer = ours.per_cpu_second / _PEER
    everything: dict[str, object] = {
        "bookings_per_second": round(ours.requests_per_second, 1),
        "pgbench_per_second": round(bare.requests_per_second, 1),
        "cpu_us": round(ours.cpu * 1e6, 1),
        "cpu_undisturbed_us": round(ours.cpu_undisturbed * 1e6, 1),
        "p50_ms": round(ours.p50 * 1e3, 2),
        "p99_ms": round(ours.p99 * 1e3, 2),
    }
    return [
        Result("G4", f"bookings ({ours.requests_per_second:,.0f}/s) to pgbench ({bare.requests_per_second:,.0f}/s)",
               ">= 0.35x", f"{to_pgbench:.2f}x", to_pgbench >= 0.35, everything),
        Result("G5", f"bookings per CPU second ({ours.per_cpu_second:,.0f}) to Easy!Appointments ({_PEER:.0f})",
               ">= 8x", f"{to_peer:.1f}x", to_peer >= 8),
    ]  # fmt: skip


class Orders:
    """Requests that are granted: slot after slot, spread over the weeks, each citizen with a network and a mailbox."""

    def __init__(self, starts: list[str]) -> None:
        """`starts`: every slot is handed out once for each of the office's clerks."""
        self._starts = starts
        self._number = count()

    def next(self) -> tuple[bytes, bytes]:
        """The request that holds a slot, and the one that books it."""
        number = next(self._number)
        starts_at = self._starts[number * 7919 % len(self._starts)]
        hold_id = str(uuid4())
        citizen = {"X-Forwarded-For": f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"}
        hold = {"services": [_SERVICE], "starts_at": starts_at, "hold_id": hold_id}
        order = {
            "services": [{"service_id": _SERVICE}],
            "starts_at": starts_at,
            "hold_id": hold_id,
            "name": "Erika Mustermann",
            "email": f"erika{number}@example.org",
            "language": "de",
        }
        path = f"/api/booking/offices/{_OFFICE}"
        return (
            request("POST", f"{path}/holds", json.dumps(hold).encode(), citizen),
            request(
                "POST",
                f"{path}/appointments",
                json.dumps(order).encode(),
                citizen | {"Idempotency-Key": str(uuid4())},
            ),
        )


async def book(running: Running, orders: Orders, seconds: float) -> Tally:
    """Eight citizens at a time hold and book. The tally counts whole bookings; a failed hold counts as its status."""
    tally = Tally()
    until = time.perf_counter() + seconds

    async def citizen() -> None:
        connection = await Connection.open(running.port)
        while (started := time.perf_counter()) < until:
            hold, order = orders.next()
            status, body = await asyncio.wait_for(connection.ask(hold), 30)
            if status == 201:
                status, body = await asyncio.wait_for(connection.ask(order), 30)
            if status != 201:
                raise RuntimeError(f"{status}: {body.decode()[:400]}")
            tally.statuses[status] += 1
            tally.seconds.append(time.perf_counter() - started)
        connection.close()

    await asyncio.gather(*(citizen() for _ in range(CLIENTS)))
    return tally


def pgbench_script() -> str:
    """What a hold and its booking ask of PostgreSQL, for pgbench, each parameter replaced by an expression.

    What the relay asks later is left out: nobody waits for it. Raises KeyError for a parameter that is not known here.
    """
    chosen = "\\set start 1893456000 + random(0, 4000000) * 900\n\\set m random(0, 1000000000000)\n"
    return chosen + "".join(_filled_in(sql) for sql in (BUSY, BOOK_AT_ONCE))


def _filled_in(sql: str) -> str:
    statement, names = numbered(sql)
    filled = re.sub(r"\$(\d+)", lambda found: _VALUES[names[int(found[1]) - 1]], statement)
    return " ".join(re.sub(r"--[^\n]*", "", filled).split()) + ";\n"


def _pgbench(url: str, script: Path, seconds: int) -> Round:
    done = subprocess.run(
        [tools.postgres_bin() / "pgbench", "-n", "-M", "prepared", "-c", str(CLIENTS), "-j", "1", "-T", str(seconds),
         "-f", str(script), url],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    processed = re.search(r"transactions actually processed: (\d+)", done.stdout)
    rate = re.search(r"tps = ([\d.]+)", done.stdout)
    if done.returncode or not processed or not rate:
        raise RuntimeError(f"pgbench: {done.stderr.strip()[-500:]}")
    transactions = int(processed[1])
    tally = Tally()
    tally.seconds = [0.0] * transactions
    return Round(tally, transactions / float(rate[1]), 0.0)


async def starts(running: Running) -> list[str]:
    """All quarters of an hour that the rush office offers in the weeks to come."""
    first = datetime.now(UTC).date() + timedelta(days=1)
    path = f"/api/booking/offices/{_OFFICE}/slots?services={_SERVICE}&from={first}&to={first + OFFERED_DAYS}"
    found = [slot["starts_at"] for slot in json.loads(await answer(running, path))["slots"]]
    return [start for start in found if start[14:16] in ("00", "15", "30", "45")]
