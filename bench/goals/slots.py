"""G1, G2, G3, G7: free slots, beside a bare endpoint with the same SQL and one that answers what never changes."""

import asyncio
import itertools
import json
import time
from datetime import UTC, date, datetime, timedelta

from bench import seed
from bench.load import Connection, Source, loop, request
from bench.meter import Figures, Measure, Round, cpu_seconds, expect, take_turns
from bench.pace import Pace
from bench.report import Result
from bench.stand import Running, Stand

_CLIENTS = 8
#: How far ahead the offices of the bench take appointments.
OFFERED_DAYS = timedelta(days=42)
_PEERS = {"Easy!Appointments": (228.0, 7.0), "LibreBooking": (61.0, 25.0)}


async def measure(stand: Stand, pace: Pace) -> list[Result]:
    """All four, in one run: anchors and subjects take turns."""
    small, large = stand.booking("slots_small", 1), stand.booking("slots_large", 2)
    starts = await _quarters(small)
    seed.seed(small.database_url, starts, pace.few)
    seed.seed(large.database_url, starts, pace.many)
    stand.settle()
    days = sorted({start.date() for start in starts})[2:-2]
    body = await answer(large, _day(days[0]))
    bare = stand.anchor("anchor", large.database_url, body)

    def ask(target: Running, paths: list[str]) -> Measure:
        async def one_round() -> Round:
            sources: list[Source] = [itertools.cycle([request("GET", path) for path in paths]) for _ in range(_CLIENTS)]
            before, started = cpu_seconds(target.pid), time.perf_counter()
            tally = await loop(target.port, sources, pace.seconds)
            seconds = time.perf_counter() - started
            expect(tally, 200)
            return Round(tally, seconds, cpu_seconds(target.pid) - before)

        return one_round

    day_paths = [_day(day) for day in days]
    figures = await take_turns(
        {
            "fixed JSON": ask(bare, ["/fixed"]),
            "bare, same SQL": ask(bare, [path.removeprefix("/api/booking") for path in day_paths]),
            "a day": ask(large, day_paths),
            "a month": ask(large, [_slots(days[0], days[0] + timedelta(days=30))]),
            "a day, few stored": ask(small, day_paths),
        },
        pace.rounds,
    )
    return _judge(figures, pace)


def _judge(figures: dict[str, Figures], pace: Pace) -> list[Result]:
    day, few, month = figures["a day"], figures["a day, few stored"], figures["a month"]
    bare, fixed = figures["bare, same SQL"], figures["fixed JSON"]
    all_of_them: dict[str, object] = {
        name: {
            "requests_per_second": round(each.requests_per_second, 1),
            "cpu_us": round(each.cpu * 1e6, 1),
            "cpu_undisturbed_us": round(each.cpu_undisturbed * 1e6, 1),
            "p50_ms": round(each.p50 * 1e3, 2),
            "p99_ms": round(each.p99 * 1e3, 2),
        }
        for name, each in figures.items()
    }
    of_bare = day.requests_per_second / bare.requests_per_second
    of_fixed = day.requests_per_second / fixed.requests_per_second
    results = [
        Result("G1", f"a day's slots, {pace.many:,} stored, to the bare endpoint", ">= 0.7x", f"{of_bare:.2f}x",
               of_bare >= 0.7, all_of_them),
        Result("G1", "the same to a fixed answer", ">= 0.2x", f"{of_fixed:.2f}x", of_fixed >= 0.2),
    ]  # fmt: skip
    for peer, (theirs, factor) in _PEERS.items():
        ours = day.per_cpu_second / theirs
        results.append(
            Result(
                "G2",
                f"slots per CPU second ({day.per_cpu_second:,.0f}) to {peer} ({theirs:.0f})",
                f">= {factor:.0f}x",
                f"{ours:.1f}x",
                ours >= factor,
            )
        )
    month_to_day = month.cpu / day.cpu
    results.append(Result("G3", "CPU of a month to a day", "<= 3x", f"{month_to_day:.2f}x", month_to_day <= 3))
    cpu, p99 = day.cpu / few.cpu, day.p99 / few.p99
    growth = f"{pace.few:,} to {pace.many:,} appointments"
    results.append(Result("G7", f"CPU from {growth}", "<= 1.3x", f"{cpu:.2f}x", cpu <= 1.3))
    results.append(Result("G7", f"p99 from {growth}", "<= 1.3x", f"{p99:.2f}x", p99 <= 1.3))
    return results


def _slots(first: date, last: date, office: str = seed.OFFICE) -> str:
    return f"/api/booking/offices/{office}/slots?services={seed.SERVICE}&from={first}&to={last}"


def _day(day: date) -> str:
    return _slots(day, day)


async def answer(running: Running, path: str) -> bytes:
    """What `path` answers. Raises RuntimeError unless it is 200."""
    connection = await Connection.open(running.port)
    status, body = await asyncio.wait_for(connection.ask(request("GET", path)), 10)
    connection.close()
    if status != 200:
        raise RuntimeError(f"{path}: {status} {body.decode()[:300]}")
    return body


async def _quarters(running: Running) -> list[datetime]:
    """All quarters of an hour that the office offers in the weeks to come."""
    today = datetime.now(UTC).date()
    offered = json.loads(await answer(running, _slots(today, today + OFFERED_DAYS)))
    starts = (datetime.fromisoformat(slot["starts_at"]) for slot in offered["slots"])
    return [start for start in starts if start.minute % 15 == 0]
