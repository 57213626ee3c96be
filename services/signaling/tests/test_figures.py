"""What Prometheus is told of calls: by what happens over real sockets, and by what browsers say of their path."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
from prometheus_client import REGISTRY

from chassis.database import Database
from signaling import check_app, figures
from signaling.settings import CheckSettings


def told(name: str, **labels: str) -> float:
    value = REGISTRY.get_sample_value(f"schalter_signaling_{name}", labels)
    assert value is not None, "it is there from the start"
    return value


ANSWER = {"type": "answer", "sdp": "v=0\r\n"}
FOUND = {"type": "path", "path": "relay", "transport": "tls", "milliseconds": 930, "again": False}

NONE = {"type": "path", "path": "none", "transport": None, "milliseconds": 0, "again": False}


async def test_the_technical_check_tells_nothing_of_a_bus_and_a_database_that_it_does_not_have() -> None:
    transport = httpx.ASGITransport(check_app.build(CheckSettings(environment="development")))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        text = (await client.get("/metrics")).text
    names = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE schalter_")}
    assert {"schalter_signaling_checks", "schalter_http_responses_total", "schalter_loop_lag_seconds"} <= names
    assert not {name for name in names if name.split("_")[1] in ("bus", "outbox", "database", "schema", "consumer")}


async def test_a_call_its_wait_its_path_and_its_length_are_told(
    instances: Any, enter: Any, room: Any, database: Database, soon: Any
) -> None:
    first, _ = instances
    before = {name: told(name, office="demo") for name in ("calls_total", "call_seconds_count", "wait_seconds_count")}
    relayed = told("paths_total", role="citizen", path="relay", transport="tls")
    broken = told("paths_total", role="citizen", path="none", transport="none")
    joined, mended = told("join_seconds_count", role="citizen"), told("reconnect_seconds_sum", role="citizen")

    async def counted() -> tuple[float, float]:
        await figures.count("demo", database.transaction, lambda: datetime.now(UTC))
        return told("waiting", office="demo"), told("calls_open", office="demo")

    nobody = await counted()
    appointment_id = await room()
    async with enter(first, "citizen", appointment_id) as citizen:
        await citizen.expect("waiting")
        assert await counted() == (nobody[0] + 1, nobody[1])
        assert told("waiting_oldest_seconds", office="demo") > 0
        await citizen.send(**FOUND)  # before they are let in there is no call to tell of
        async with enter(first, "clerk", appointment_id, clerk_id=uuid4()) as clerk:
            await clerk.send(type="admit")
            await citizen.expect("admitted")
            assert told("paths_total", role="citizen", path="relay", transport="tls") == relayed
            await citizen.send(type="description", description=ANSWER)
            await citizen.send(**FOUND)
            await citizen.send(**FOUND | {"again": True, "milliseconds": 4000})
            for _ in range(20):  # one citizen alone must not burn what is promised to all
                await citizen.send(**FOUND)
                await citizen.send(**NONE)

            async def running() -> bool:
                return await counted() == (nobody[0], nobody[1] + 1)

            await soon(running)
            await citizen.send(type="ice-servers")
            await citizen.expect("ice-servers")
            assert told("paths_total", role="citizen", path="none", transport="none") == broken
            assert told("paths_total", role="citizen", path="relay", transport="tls") == relayed + 1
            assert told("join_seconds_count", role="citizen") == joined + 1
            assert told("reconnect_seconds_sum", role="citizen") == mended + 4
            async with enter(first, "citizen", appointment_id) as once_more:
                await once_more.send(**FOUND)
                await once_more.send(type="ice-servers")
                await once_more.expect("ice-servers")
            assert told("paths_total", role="citizen", path="relay", transport="tls") == relayed + 1
            await clerk.send(type="dismiss")
            await clerk.expect("dismissed")
            assert {name: told(name, office="demo") - count for name, count in before.items()} == dict.fromkeys(
                before, 1
            )
