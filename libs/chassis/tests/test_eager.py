"""A coroutine that is begun behaves as one that is awaited, only earlier."""

import asyncio

import pytest

from chassis.eager import begin


async def test_it_runs_to_its_first_wait_at_once_and_goes_on_when_awaited() -> None:
    steps: list[str] = []
    answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def ask() -> str:
        steps.append("asked")
        steps.append(await answer)
        await asyncio.sleep(0)
        return "done"

    begun = begin(ask())
    assert steps == ["asked"]
    answer.set_result("answered")  # before anybody waits for it
    assert await begun == "done"
    assert steps == ["asked", "answered"]


async def test_what_never_waits_is_done_at_once() -> None:
    async def know() -> int:
        return 7

    assert await begin(know()) == 7


async def test_errors_come_where_they_belong() -> None:
    async def at_once() -> None:
        raise KeyError

    async def later() -> None:
        await asyncio.sleep(0)
        raise ValueError

    with pytest.raises(KeyError):
        begin(at_once())
    begun = begin(later())
    with pytest.raises(ValueError):  # noqa: PT011 - nobody else raises one
        await begun


async def test_a_cancellation_reaches_it() -> None:
    heard: list[str] = []

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            heard.append("cancelled")
            raise

    async def outer() -> None:
        await begin(wait())

    task = asyncio.create_task(outer())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert heard == ["cancelled"]


async def test_what_is_never_awaited_is_closed() -> None:
    closed: list[bool] = []

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            closed.append(True)

    begun = begin(wait())
    del begun
    assert closed == [True]
