"""G6: fifty clients, one slot, a hundred times, for offices with one, two and five clerks."""

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Final
from uuid import uuid4

from bench.goals.slots import OFFERED_DAYS, answer
from bench.load import Connection, quantile, request, volley
from bench.pace import Pace
from bench.report import Result
from bench.stand import Running, Stand

RIVALS: Final = 50
_OFFICES: Final = {"one": 1, "two": 2, "five": 5}
_SERVICE: Final = "personalausweis"


async def measure(stand: Stand, pace: Pace) -> list[Result]:
    """Who wins, and how long the slowest of fifty waits, beside somebody who books when nobody else does."""
    running = stand.booking("races", 4)
    connections = [await Connection.open(running.port) for _ in range(RIVALS)]
    wrong: list[str] = []
    seconds: list[float] = []
    quiet: list[float] = []
    for office, capacity in _OFFICES.items():
        starts = await _starts(running, office)
        for number in range(pace.races):
            alone, contended = starts[2 * number], starts[2 * number + 1]
            started = time.perf_counter()
            status, body = await connections[0].ask(_order(office, alone))
            quiet.append(time.perf_counter() - started)
            if status != 201:
                raise RuntimeError(f"{status}: {body.decode()[:300]}")
            tally = await volley(running.port, [_order(office, contended) for _ in range(RIVALS)], connections)
            seconds += tally.seconds
            if tally.statuses != {201: capacity, 409: RIVALS - capacity}:
                wrong.append(f"{office} {contended}: {dict(tally.statuses)}")
    for connection in connections:
        connection.close()
    slow, alone_p99 = quantile(seconds, 0.99), quantile(quiet, 0.99)
    rounds = f"{RIVALS} clients, one slot, {pace.races} rounds, capacity {', '.join(map(str, _OFFICES.values()))}"
    everything: dict[str, object] = {
        "wrong": wrong[:10],
        "quiet_p50_ms": round(quantile(quiet, 0.5) * 1e3, 2),
        "quiet_p99_ms": round(alone_p99 * 1e3, 2),
        "p50_ms": round(quantile(seconds, 0.5) * 1e3, 2),
        "p99_ms": round(slow * 1e3, 2),
    }
    return [
        Result("G6", rounds, "all right", f"{len(wrong)} wrong", not wrong, everything),
        Result("G6", "p99 of the fifty to p99 of one alone", "<= 10x", f"{slow / alone_p99:.1f}x",
               slow <= 10 * alone_p99),
    ]  # fmt: skip


_number = count()


def _order(office: str, starts_at: str) -> bytes:
    number = next(_number)
    order = {
        "services": [{"service_id": _SERVICE}],
        "starts_at": starts_at,
        "name": "Erika Mustermann",
        "email": f"rival{number}@example.org",
        "language": "de",
    }
    headers = {
        "X-Forwarded-For": f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}",
        "Idempotency-Key": str(uuid4()),
    }
    return request("POST", f"/api/booking/offices/{office}/appointments", json.dumps(order).encode(), headers)


async def _starts(running: Running, office: str) -> list[str]:
    """A slot per hour of the weeks to come, so that none is in another's way."""
    first = datetime.now(UTC).date() + timedelta(days=1)
    path = f"/api/booking/offices/{office}/slots?services={_SERVICE}&from={first}&to={first + OFFERED_DAYS}"
    starts = [slot["starts_at"] for slot in json.loads(await asyncio.wait_for(answer(running, path), 60))["slots"]]
    return [start for start in starts if start[14:16] == "00"]
