"""What breaks: a killed instance, a killed Redis, lost messages. People come back, and nothing is told twice."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from redis.asyncio import Redis

from chassis.database import Database
from schalter.embedded import free_port
from signaling.settings import Settings

Room = Callable[..., Awaitable[UUID]]
Published = Callable[..., Awaitable[list[dict[str, Any]]]]
Soon = Callable[..., Awaitable[Any]]


@dataclass
class Killable:
    """An instance in a process of its own, started as in production."""

    process: "subprocess.Popen[bytes]"
    url: str


@pytest.fixture
def killable(instances: object, settings: Settings, tmp_path: Path) -> Iterator[Killable]:
    port = free_port()
    values = {
        "DATABASE_URL": settings.database_url,
        "NATS_URL": settings.nats_url,
        "REDIS_URL": settings.redis_url,
        "OFFICES_DIR": settings.offices_dir,
        "PUBLIC_URL": settings.public_url,
        "LINK_PUBLIC_KEY": settings.link_public_key,
        "CLERK_PUBLIC_KEY": settings.clerk_public_key,
    }
    environment = (
        os.environ
        | {"PYTHONDONTWRITEBYTECODE": ""}
        | {f"SCHALTER_{name}": str(value) for name, value in values.items()}
    )
    command = [sys.executable, "-m", "uvicorn", "--factory", "signaling.app:build", "--port", str(port)]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 90  # on a loaded machine importing alone takes a while
        while not _ready(port):
            assert process.poll() is None, (tmp_path / "log").read_text()
            assert time.monotonic() < deadline, (tmp_path / "log").read_text()
            time.sleep(0.1)
        yield Killable(process, f"http://127.0.0.1:{port}/api/signaling")
    finally:
        process.kill()
        process.wait()


def _ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200
    except httpx.TransportError:
        return False


async def test_a_killed_instance(
    instances: tuple[Any, Any], killable: Killable, enter: Any, room: Room, published: Published, soon: Soon
) -> None:
    """Its people are gone within six seconds, and have left after the grace, unless they came back elsewhere."""
    gone, back = await room(), await room()

    async def told(appointment_id: UUID, subject: str) -> int:
        events = await published(appointment_id)
        return sum(1 for e in events if e["subject"] == subject and e.get("role", "citizen") == "citizen")

    async with (
        enter(instances[0], "clerk", gone) as clerk,
        enter(instances[0], "clerk", back) as other_clerk,
        enter(instances[1], "lobby") as lobby,
        enter(killable, "citizen", gone, epoch="page"),
        enter(killable, "citizen", back, epoch="other-page"),
    ):
        for one in (clerk, other_clerk):
            await one.expect("peer-joined")
            await one.send(type="admit")
            await one.expect("admitted")
        killable.process.send_signal(signal.SIGKILL)
        killed = time.monotonic()
        async with enter(instances[1], "citizen", back, epoch="other-page") as returned:
            assert returned.heard[0]["admitted"] is True
            await other_clerk.expect("peer-joined", epoch="other-page")

            await clerk.expect("peer-left", seconds=6.5)
            assert time.monotonic() - killed < 6.5
            while {entry["present"] for entry in (await lobby.expect("lobby"))["waiting"]} != {False, True}:
                pass
            assert not await told(gone, "signaling.participant_left.v1"), "within the grace nobody has left"
            await soon(lambda: told(gone, "signaling.participant_left.v1"), 12)

            await other_clerk.send(type="candidate", candidate=None)
            await returned.expect("candidate")
            assert await told(back, "signaling.participant_left.v1") == 0
            assert await told(back, "signaling.participant_waiting.v1") == 1
        async with enter(instances[1], "citizen", gone, epoch="page") as late:
            assert late.heard[0]["admitted"] is True, "only the clerk and the end of the case take an admission back"
            await clerk.expect("peer-joined", epoch="page")


async def test_a_quick_restart_of_redis_goes_unnoticed(
    instances: tuple[Any, Any], enter: Any, room: Room, redis_server: Any
) -> None:
    appointment_id = await room()
    async with (
        enter(instances[0], "citizen", appointment_id) as citizen,
        enter(instances[1], "clerk", appointment_id) as clerk,
    ):
        await clerk.send(type="admit")
        await citizen.expect("admitted")
        redis_server.process.kill()
        redis_server.start()
        # Redis forgot everything; the living take their seats anew and the relay goes on.
        deadline = time.monotonic() + 10
        while True:
            await clerk.send(type="candidate", candidate=None)
            try:
                await citizen.expect("candidate", 0.5)
                break
            except TimeoutError:
                assert time.monotonic() < deadline


async def test_while_redis_is_away_people_are_told_and_come_back_by_themselves(
    instances: tuple[Any, Any],
    enter: Any,
    room: Room,
    redis_server: Any,
    citizen_token: Callable[..., str],
    soon: Soon,
) -> None:
    appointment_id = await room()
    headers = {"Authorization": f"Bearer {citizen_token(appointment_id, 'demo')}"}
    async with enter(instances[0], "citizen", appointment_id) as citizen:
        redis_server.process.kill()
        try:
            await citizen.expect("error", code="unavailable", seconds=12)
            assert await citizen.closed() == 1013
            async with httpx.AsyncClient(timeout=10) as http:
                refused = await http.post(f"{instances[0].url}/tickets", json={}, headers=headers)
                assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
                assert refused.headers["retry-after"]
                ready = await http.get(instances[0].url.replace("/api/signaling", "/readyz"))
                assert "redis" in ready.json()["failing"]
        finally:
            redis_server.start()

    async def ready_again() -> bool:
        async with httpx.AsyncClient() as http:
            answers = [await http.get(one.url.replace("/api/signaling", "/readyz")) for one in instances]
        return all(answer.status_code == 200 for answer in answers)

    await soon(ready_again, 15)
    async with (
        enter(instances[0], "citizen", appointment_id) as citizen,
        enter(instances[1], "clerk", appointment_id) as clerk,
    ):
        await clerk.send(type="admit")
        await citizen.expect("admitted")


async def test_what_lost_messages_would_have_said_is_made_good(
    instances: tuple[Any, Any], enter: Any, room: Room, database: Database
) -> None:
    appointment_id = await room()
    async with enter(instances[0], "citizen", appointment_id) as citizen:
        async with database.transaction() as tx:
            await tx.execute(
                "UPDATE ours.rooms SET admitted_at = now(), stage = 'identity', revision = 3"
                " WHERE appointment_id = :id",
                id=appointment_id,
            )
        await citizen.expect("admitted")
        await citizen.expect("case-changed", stage="identity", revision=3)
        async with database.transaction() as tx:
            await tx.execute("UPDATE ours.rooms SET state = 'aborted' WHERE appointment_id = :id", id=appointment_id)
        await citizen.expect("closed", reason="aborted")


async def test_people_on_record_whom_redis_has_forgotten_leave_after_the_grace(
    instances: tuple[Any, Any], enter: Any, room: Room, redis_server: Any, published: Published, soon: Soon
) -> None:
    appointment_id = await room()
    async with enter(instances[0], "citizen", appointment_id):
        pass
    async with Redis.from_url(redis_server.url) as redis:  # the service may not
        await redis.flushdb()

    async def left() -> bool:
        return any(e["subject"] == "signaling.participant_left.v1" for e in await published(appointment_id))

    await soon(left, 25)
