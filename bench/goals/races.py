"""G6: fifty clients, one slot, a hundred times, for offices with one, two and five clerks."""

import asyncio
import json
import time
from dataclasses import dataclass, field
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


@dataclass
class Races:
    """What became of the races: rounds with a wrong number of winners, and how long everybody waited, in seconds."""

    wrong: list[str] = field(default_factory=list)
    rivals: list[float] = field(default_factory=list)
    alone: list[float] = field(default_factory=list)

    @property
    def p99(self) -> float:
        """That of the fifty."""
        return quantile(self.rivals, 0.99)


async def measure(stand: Stand, pace: Pace) -> list[Result]:
    """Who wins, and how long the slowest of fifty waits, beside somebody who books when nobody else does."""
    races = await contend(stand.booking("races", 4), pace)
    alone_p99 = quantile(races.alone, 0.99)
    rounds = f"{RIVALS} clients, one slot, {pace.races} rounds, capacity {', '.join(map(str, _OFFICES.values()))}"
    everything: dict[str, object] = {
        "wrong": races.wrong[:10],
        "quiet_p50_ms": round(quantile(races.alone, 0.5) * 1e3, 2),
        "quiet_p99_ms": round(alone_p99 * 1e3, 2),
        "p50_ms": round(quantile(races.rivals, 0.5) * 1e3, 2),
        "p99_ms": round(races.p99 * 1e3, 2),
    }
    return [
        Result("G6", rounds, "all right", f"{len(races.wrong)} wrong", not races.wrong, everything),
        Result("G6", "p99 of the fifty to p99 of one alone", "<= 10x", f"{races.p99 / alone_p99:.1f}x",
               races.p99 <= 10 * alone_p99),
    ]  # fmt: skip


async def contend(running: Running, pace: Pace) -> Races:
    """All races at `running`. Raises RuntimeError when somebody who is alone is refused."""
    races = Races()
    connections = [await Connection.open(running.port) for _ in range(RIVALS)]
    for office, capacity in _OFFICES.items():
        starts = await _starts(running, office)
        for number in range(pace.races):
            alone, contended = starts[2 * number], starts[2 * number + 1]
            started = time.perf_counter()
            status, body = await connections[0].ask(_order(office, alone))
            races.alone.append(time.perf_counter() - started)
            if status != 201:
                raise RuntimeError(f"{status}: {body.decode()[:300]}")
            tally = await volley(running.port, [_order(office, contended) for _ in range(RIVALS)], connections)
            races.rivals += tally.seconds
            if tally.statuses != {201: capacity, 409: RIVALS - capacity}:
                races.wrong.append(f"{office} {contended}: {dict(tally.statuses)}")
    for connection in connections:
        connection.close()
    return races


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
