"""The real application on real PostgreSQL, NATS and Redis, once per test module; every test finds it empty."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID, uuid4

import altcha
import asyncpg
import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from redis.asyncio import Redis
from twin_office import Twin, is_twins, move_in

from booking.app import build
from booking.limits.model import Limits
from booking.retention import store as retention_store
from booking.settings import Settings
from booking.waiting import offering
from booking.walkin import presence
from chassis.database import Database, Transaction
from contracts.booking import SlotOffered, WaitingJoined

FOR_EVER = datetime(2100, 1, 1, tzinfo=UTC)
MONDAY = datetime(2026, 6, 1, 7, 0, tzinfo=UTC)  # 09:00 in Berlin
ROOM = {"proof_from": 100_000, "at_most": 100_000, "seconds": 3600}
GENEROUS = {name: ROOM for name in Limits.model_fields if name != "work"} | {"work": 2}
SLOT = "2026-06-02T06:00:00Z"  # Tuesday, 08:00 in Berlin, when heidelberg opens


TABLES = (
    "appointment, timetable, timetable_version, blocked_time, freed_slot, waiting_entry, slot_offer, spent_proof, "
    "walk_in, clerks_present, link_request, outbox, inbox, idempotent_answers"
)

#: Who stopped waiting is forgotten everywhere, and so is who stood in a queue yesterday.
TWIN = Twin(
    everywhere={
        "slot_offer": ("DELETE FROM slot_offer WHERE (state <> 'open' AND starts_at <",),
        "waiting_entry": ("DELETE FROM waiting_entry WHERE id IN (SELECT id FROM waiting_entry WHERE state IN",),
        "walk_in": ("taken_at < CAST(",),
        "link_request": ("DELETE FROM link_request WHERE asked_at <",),
    },
)


async def empty(database: Database) -> None:
    """Nothing is stored any more. A worker of the application may be reading right now: then once more."""
    while True:
        try:
            async with database.transaction() as tx:
                await tx.execute(f"TRUNCATE {TABLES}")
        except asyncpg.DeadlockDetectedError:
            continue
        return


class FakeClock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = MONDAY

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **duration: float) -> None:
        self.now += timedelta(**duration)


@pytest.fixture(scope="module")
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(scope="module")
def offices_dir(offices_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped offices, and one like the demo for each number of clerks that the races need."""
    directory = tmp_path_factory.mktemp("offices")
    for file in offices_dir.glob("*.toml"):
        # One Erika books for all in these tests; the limit has tests of its own.
        text = re.sub(r"max_open_per_email.*\n", "", file.read_text())
        (directory / file.name).write_text(text.replace("[booking]", "[booking]\nmax_open_per_email = 50"))
    demo = (directory / "demo.toml").read_text()
    for clerks in (1, 2, 5):
        text = demo.replace('slug = "demo"', f'slug = "clerks-{clerks}"').replace("clerks = 4", f"clerks = {clerks}")
        (directory / f"clerks-{clerks}.toml").write_text(text)
    alone = demo.replace('slug = "demo"', 'slug = "by-appointment"').replace("[booking]", "[booking]\nwalk_in = false")
    (directory / "by-appointment.toml").write_text(
        alone + "\n[notify]\nreminder_minutes = []\n"
    )  # nor are there reminders
    # One clerk, and every address is to be confirmed.
    careful = demo.replace('slug = "demo"', 'slug = "careful"').replace("clerks = 4", "clerks = 1")
    (directory / "careful.toml").write_text(careful.replace("[booking]", "[booking]\nconfirm_email = true"))
    # A small town with a waiting list: quarters of an hour, a pause after each appointment, an hour to answer an offer.
    town = demo.replace('slug = "demo"', 'slug = "town"').replace("clerks = 4", "clerks = 2")
    rules = (
        "grid_minutes = 15\nbuffer_minutes = 5\nlead_minutes = 30\noffer_minutes = 60\nfreed_delay_minutes = [15, 90]"
    )
    town = re.sub(r"^(grid|buffer|lead|offer|freed_delay)_minutes.*\n", "", town, flags=re.MULTILINE)
    (directory / "town.toml").write_text(town.replace("[booking]", f"[booking]\n{rules}"))
    return directory


@pytest.fixture(scope="module")
def settings(database_url: str, nats_url: str, redis_url: str, offices_dir: Path, keys: Any) -> Settings:
    return Settings.model_validate(
        {
            "database_url": database_url,
            "nats_url": nats_url,
            "redis_url": redis_url,
            # A machine that is busy with other tests is not one whose Redis is away.
            "redis_seconds": 5,
            "offices_dir": offices_dir,
            "public_url": "http://localhost:8080",
            "link_public_key": keys.link.public,
            "link_private_key": keys.link.private,
            "clerk_public_key": keys.clerk.public,
            "environment": "development",
            # One address and one Erika book for all in these tests; the limits have tests of their own.
            "limits": GENEROUS,
        }
    )


@pytest.fixture(scope="module")
def by_hand() -> None:
    """All workers work; a folder whose tests do their work by hand lets some rest."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(settings: Settings, clock: FakeClock, by_hand: None) -> AsyncIterator[FastAPI]:
    """The service; every office that it knows has a twin in its database that it does not know."""
    application = build(settings, clock=clock)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(retention_store, "offices", _offices_but_twins(retention_store.offices))
        async with application.router.lifespan_context(application):
            await move_in(str(settings.database_url), TWIN)
            yield application


def _offices_but_twins(offices: Callable[[Transaction], Awaitable[list[str]]]) -> Callable[..., Awaitable[list[str]]]:
    """The retention clock erases offices without a file, too; the twins keep their rows."""

    async def known(tx: Transaction) -> list[str]:
        return [office for office in await offices(tx) if not is_twins(office)]

    return known


@pytest.fixture
def database(app: FastAPI) -> Database:
    database: Database = app.state.database
    return database


@pytest_asyncio.fixture(loop_scope="module")
async def client(app: FastAPI, clock: FakeClock) -> AsyncIterator[httpx.AsyncClient]:
    clock.now = MONDAY
    redis: Redis = app.state.redis
    await redis.flushdb()
    app.state.deps.calendar.holds._shown.clear()  # what was read a moment ago was of the test before
    await empty(app.state.database)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test/api/booking") as client:
        yield client


@pytest_asyncio.fixture(loop_scope="module")
async def come_to_work(app: FastAPI, client: httpx.AsyncClient, database: Database) -> Callable[..., Awaitable[None]]:
    """All clerks are there from now on. `await come_to_work(office, *clerks)`: only these, for ninety seconds."""

    async def come(office: str, *clerks: UUID, at: datetime = FOR_EVER) -> None:
        async with database.transaction() as tx:
            await tx.execute("DELETE FROM clerks_present WHERE office = :office", office=office)
            await presence.heard(tx, office, clerks, at)

    for office in app.state.walk_in.deps.offices:
        await come(office, *(uuid4() for _ in range(10)))
    return come


@pytest.fixture(scope="session")
def order() -> Callable[..., dict[str, object]]:
    """`order(**changes)`: a request that is granted; `changes` replace fields, None removes one."""

    def make(**changes: object) -> dict[str, object]:
        body: dict[str, object] = {
            "services": [{"service_id": "fuehrungszeugnis", "options": {"belegart": "N"}}],
            "starts_at": SLOT,
            "name": "Erika Mustermann",
            "email": "erika@example.org",
            "language": "de",
        }
        return {key: value for key, value in (body | changes).items() if value is not None}

    return make


@pytest.fixture(scope="session")
def solved() -> Callable[[Any], str]:
    """`solved(problem["challenge"])`: the header Proof-Of-Work that a browser sends back."""

    def solve(challenge: Any) -> str:
        read = altcha.Challenge.from_dict(challenge)
        solution = altcha.solve_challenge(read)
        assert solution
        return altcha.Payload(read, solution).to_base64()

    return solve


@pytest.fixture
def book(
    client: httpx.AsyncClient, order: Callable[..., dict[str, object]]
) -> Callable[..., Awaitable[httpx.Response]]:
    """`await book(office="heidelberg", key=..., **changes)`: posts an order, again while the service is busy."""

    async def post(office: str = "heidelberg", key: str | None = None, **changes: object) -> httpx.Response:
        headers = {"Idempotency-Key": key or uuid4().hex}
        while True:
            answer = await client.post(f"/offices/{office}/appointments", json=order(**changes), headers=headers)
            if answer.status_code != 503:
                return answer
            await asyncio.sleep(0.1)  # busy: a machine under load makes the pool's queue long

    return post


@pytest.fixture
def signed_in(clerk_token: Callable[..., str]) -> Callable[..., dict[str, str]]:
    """`signed_in("lead", "demo", ...)`: headers of a clerk of an office, with a fresh Idempotency-Key."""

    def headers(role: str = "clerk", office: str = "heidelberg", **more: Any) -> dict[str, str]:
        token = clerk_token(office, role=role, ttl=10 * 365 * 24 * 3600, **more)
        return {"Authorization": f"Bearer {token}", "Idempotency-Key": uuid4().hex}

    return headers


@pytest.fixture
def edit_timetable(
    client: httpx.AsyncClient, signed_in: Callable[..., dict[str, str]]
) -> Callable[..., Awaitable[httpx.Response]]:
    """`await edit_timetable("demo", clerks=[...], ...)`: a lead changes these parts of the timetable that holds."""

    async def edit(office: str = "heidelberg", **changes: object) -> httpx.Response:
        lead = signed_in("lead", office)
        held = (await client.get("/office/timetable", headers=lead)).json()
        # Versions begin anew with each test; let the process see that, or it takes this one for the last test's.
        await client.get(f"/offices/{office}/slots", params={"services": "fuehrungszeugnis"})
        return await client.put("/office/timetable", json=held | changes, headers=lead)

    return edit


@pytest.fixture
def stored(database: Database) -> Callable[[str], Awaitable[list[dict[str, Any]]]]:
    """`await stored("outbox")`: all rows of a table but the twin's, events in the order of their making."""

    async def rows(table: str) -> list[dict[str, Any]]:
        # The relay marks events while a test looks, and a row that is updated moves to the end.
        order = "ORDER BY id" if table == "outbox" else ""
        async with database.transaction() as tx:
            found = await tx.rows(f"SELECT * FROM {table} {order}")  # noqa: S608 - named by tests
        return [dict(row) for row in found if not is_twins(row.get("office"))]

    return rows


class WaitingRoom:
    """Citizens of the office "town" who book, wait and are offered what others give back."""

    SERVICES: ClassVar[list[dict[str, object]]] = [{"service_id": "anmeldung"}]  # 15 minutes

    def __init__(self, app: FastAPI, client: httpx.AsyncClient, book: Any, stored: Any) -> None:
        self._app, self._client, self._book, self._stored = app, client, book, stored

    async def book(self, at: datetime, name: str = "Erika", **changes: Any) -> dict[str, str]:
        """Somebody books; what the holder of the link sends."""
        changes = {"services": self.SERVICES, "email": f"{name.lower()}@example.org"} | changes
        answer = await self._book("town", starts_at=at.isoformat(), name=name, **changes)
        assert answer.status_code == 201, answer.text
        return _bearer(answer.json()["link"])

    async def wait(self, at: datetime, name: str, **changes: Any) -> dict[str, str]:
        """Somebody books and waits for something earlier; a second after those before."""
        link = await self.book(at, name, **changes)
        assert (await self._client.put("/appointment/waiting", headers=link, json={})).status_code == 200
        self._app.state.clock.forward(seconds=1)
        return link

    async def joins(self, name: str, **changes: Any) -> dict[str, str]:
        """Somebody waits without an appointment; what the holder of the link in their mail sends."""
        body = {"services": self.SERVICES, "name": name, "email": f"{name.lower()}@example.org", "language": "de"}
        joined = await self._client.post("/offices/town/waiting-list", json=body | changes)
        assert joined.status_code == 201, joined.text
        told = [row["body"] for row in await self._stored("outbox") if row["subject"] == WaitingJoined.SUBJECT]
        self._app.state.clock.forward(seconds=1)
        return _bearer(WaitingJoined.model_validate_json(told[-1]).link_token)

    async def cancel(self, link: dict[str, str]) -> None:
        """Somebody gives their slot back, again while the service is busy."""
        while (answer := await self._client.post("/appointment/cancellation", headers=link)).status_code == 503:
            await asyncio.sleep(0.1)
        assert answer.status_code == 200, answer.text

    async def round(self) -> int:
        """What the worker does when it is woken; the worker itself may have done it already."""
        deps = self._app.state.deps
        return await offering.go_round(deps, self._app.state.database, deps.offices["town"], self._app.state.clock())

    async def offices(self) -> list[tuple[str, str]]:
        """Who was offered a slot, in this order, and what came of it."""
        rows = sorted(await self._stored("slot_offer"), key=lambda row: row["offered_at"])
        names = {mail.appointment_id: mail.citizen.name for mail in await self.mails()}
        return [(names[row["appointment_id"]], row["state"]) for row in rows]

    async def mails(self) -> list[SlotOffered]:
        """The offers that notify is to mail, oldest first."""
        rows = sorted(await self._stored("outbox"), key=lambda row: row["id"])
        return [SlotOffered.model_validate_json(row["body"]) for row in rows if row["subject"] == SlotOffered.SUBJECT]

    async def newest(self) -> dict[str, str]:
        """What the holder of the newest offer sends."""
        return _bearer((await self.mails())[-1].offer_token)

    async def slots(self, day: str = "2026-06-02") -> list[str]:
        """What the public is shown."""
        query = {"services": "anmeldung", "from": day, "to": day}
        answer = await self._client.get("/offices/town/slots", params=query)
        return [slot["starts_at"] for slot in answer.json()["slots"]]


@pytest.fixture
def room(app: FastAPI, client: httpx.AsyncClient, book: Any, stored: Any) -> WaitingRoom:
    return WaitingRoom(app, client, book, stored)


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token.split('#')[-1]}"}
