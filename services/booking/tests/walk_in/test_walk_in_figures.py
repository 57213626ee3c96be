"""How many wait without an appointment and for how long, and how long they had waited when they were called."""

from typing import Any

import pytest
from fastapi import FastAPI
from prometheus_client import REGISTRY

from booking import figures

pytestmark = pytest.mark.asyncio(loop_scope="module")


def told(name: str) -> float:
    value = REGISTRY.get_sample_value(f"schalter_booking_walk_in{name}", {"office": "clerks-1"})
    assert value is not None, "it is there from the start"
    return value


async def test_the_queue_and_the_wait_are_told(app: FastAPI, take: Any, call: Any, clock: Any, pass_time: Any) -> None:
    deps = app.state.deps
    before = told("_wait_seconds_count"), told("_wait_seconds_sum")
    first, second = await take(), await take()
    await pass_time(2, first, second)
    await figures.count(deps, app.state.database, deps.offices["clerks-1"], clock())
    assert (told("s_waiting"), told("s_oldest_seconds")) == (2, 120)
    assert await call() == 1
    assert (told("_wait_seconds_count") - before[0], told("_wait_seconds_sum") - before[1]) == (1, 120)
    await figures.count(deps, app.state.database, deps.offices["clerks-1"], clock())
    assert told("s_waiting") == 1
