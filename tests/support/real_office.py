"""The real booking service as services/booking/tests/test_machine.py drives it, in the plain model's minutes."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx

#: Minute 0 of the model: Monday, midnight in Berlin. It is summer for as long as the test runs.
MIDNIGHT = datetime(2026, 5, 31, 22, tzinfo=UTC)
#: The office's file, of which the plain model has the same numbers.
OFFICE = """
slug = "machine"
name = { de = "Amt", en = "Office" }
reference_prefix = "MA"
time_zone = "Europe/Berlin"
state = "BW"
clerks = 2
contact = { address = ["Markt 1"], email = "amt@example.org", phone = "+49 6221 58" }
branding = { accent = "#14532d" }

[booking]
grid_minutes = 15
buffer_minutes = 5
lead_minutes = 60
horizon_days = 2
join_early_minutes = 15
freed_delay_minutes = [30, 30]
no_show_minutes = 10
max_open_per_email = 50
observes_holidays = false
"""


class World:
    """The real application with a loop of its own, which the machine lets run for one act at a time."""

    def __init__(self, app: Any, clerk_token: Callable[..., str]) -> None:
        self.app = app
        self.lead = {"Authorization": f"Bearer {clerk_token('machine', role='lead', ttl=10**9)}"}
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://test/api/booking")

    async def reset(self) -> None:
        await self.app.state.redis.flushdb()
        for office in self.app.state.deps.offices:  # else what it has shown in the last 50 ms it shows again
            await self.app.state.deps.calendar.holds.release(office)
        while True:
            try:
                async with self.app.state.database.transaction() as tx:
                    tables = await tx.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
                    names = {row["tablename"] for row in tables} - {"alembic_version"}
                    await tx.execute(f"TRUNCATE {', '.join(sorted(names))}")
            except asyncpg.DeadlockDetectedError:  # a worker of the application was reading
                continue
            return

    async def ask(
        self, method: str, path: str, *, link: str | None = None, lead: bool = False, **more: Any
    ) -> httpx.Response:
        headers = {"Idempotency-Key": uuid4().hex}
        headers |= {"Authorization": f"Bearer {link}"} if link else self.lead if lead else {}
        return await self.client.request(method, path, headers=headers, **more)

    async def rows(self) -> dict[UUID, tuple[int, int, str]]:
        async with self.app.state.database.autocommit() as tx:
            rows = await tx.rows("SELECT id, lane, starts_at, state FROM appointment")
        return {row["id"]: (row["lane"], minute(row["starts_at"]), row["state"]) for row in rows}


def minute(instant: datetime | str) -> int:
    at = datetime.fromisoformat(instant) if isinstance(instant, str) else instant
    return int((at - MIDNIGHT).total_seconds()) // 60


def iso(minutes: int) -> str:
    return (MIDNIGHT + timedelta(minutes=minutes)).isoformat()


def clock_time(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def local_day(day: int) -> str:
    return (MIDNIGHT + timedelta(days=day, hours=2)).date().isoformat()


def said(answer: httpx.Response) -> str:
    """Whether it was granted ("ok"), or the code of the refusal, with its reason if it has one."""
    assert answer.status_code < 500, answer.text
    if answer.is_success:
        return "ok"
    body = answer.json()
    return " ".join(filter(None, [body["code"], body.get("reason")]))
