"""What each shortcut on booking's hot path brings: the service beside itself without it. Asked for by name alone."""

import time
from functools import partial

from bench.anchors.without import SHORTCUTS
from bench.goals import races
from bench.goals.bookings import Orders, book, starts
from bench.meter import Figures, Round, cpu_seconds, expect, take_turns
from bench.pace import Pace
from bench.report import Result
from bench.stand import Running, Stand

#: What brings less than a twentieth of its goal goes.
_WORTH = 0.05


async def measure(stand: Stand, pace: Pace) -> list[Result]:
    """CPU time per booking, and for the queues at one slot the time of the slowest of fifty rivals."""
    whole = stand.booking("whole", 5)
    variants = {name: stand.booking(f"no_{name.lower()}", 6 + at, without=name) for at, name in enumerate(SHORTCUTS)}
    subjects = {"": partial(_round, whole, Orders(await starts(whole)), pace.seconds)} | {
        name: partial(_round, running, Orders(await starts(running)), pace.seconds)
        for name, running in variants.items()
        if name != "contention"
    }
    figures = await take_turns(subjects, pace.rounds)
    results = [_judge(name, figures[""], figures[name]) for name in subjects if name]
    with_queues, without = [await races.contend(each, pace) for each in (whole, variants["contention"])]
    slower = without.p99 / with_queues.p99 - 1
    return [
        *results,
        Result("shortcuts", f"contention: p99 of fifty rivals {with_queues.p99 * 1e3:.0f} ms, without it "
               f"{without.p99 * 1e3:.0f} ms", f">= {_WORTH:.0%}", f"{slower:+.0%}", slower >= _WORTH),
    ]  # fmt: skip


async def _round(running: Running, orders: Orders, seconds: float) -> Round:
    before, started = cpu_seconds(running.pid), time.perf_counter()
    tally = await book(running, orders, seconds)
    expect(tally, 201)
    return Round(tally, time.perf_counter() - started, cpu_seconds(running.pid) - before)


def _judge(name: str, whole: Figures, without: Figures) -> Result:
    dearer = without.cpu / whole.cpu - 1
    undisturbed = without.cpu_undisturbed / whole.cpu_undisturbed - 1
    return Result(
        "shortcuts",
        f"{name}: {whole.cpu * 1e6:,.0f} µs of CPU per booking, without it {without.cpu * 1e6:,.0f}",
        f">= {_WORTH:.0%}",
        f"{dearer:+.0%}, best round {undisturbed:+.0%}",
        dearer >= _WORTH,
        {"cpu_us": without.cpu * 1e6, "per_second": without.requests_per_second, "p99_ms": without.p99 * 1e3},
    )
