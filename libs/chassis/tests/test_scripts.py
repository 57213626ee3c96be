"""Scripts on one shared line to Redis: answers find who asked, and the line comes back whatever happens to it."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.exceptions import ResponseError

from chassis.scripts import ScriptingRedis, ScriptLine, connect


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[ScriptingRedis]:
    client = connect(f"{redis_url}/5", 2.0, decode_responses=True)
    await client.flushdb()
    yield client
    await client.aclose()


async def test_a_script_gets_keys_and_arguments_and_answers_as_usual(redis: ScriptingRedis) -> None:
    script = redis.register_script("redis.call('SET', KEYS[1], ARGV[1]); return {KEYS[1], ARGV[1], ARGV[2] + 1, false}")
    assert await script(keys=["name"], args=["Jürgen 🙂", 41]) == ["name", "Jürgen 🙂", 42, None]
    assert await redis.get("name") == "Jürgen 🙂", "in the database that the address names"


async def test_a_thousand_at_once_get_their_own_answers(redis: ScriptingRedis) -> None:
    script = redis.register_script("return tonumber(ARGV[1])")
    assert await asyncio.gather(*(script(args=[number]) for number in range(1000))) == list(range(1000))


async def test_whoever_has_the_line_dialled_and_leaves_stops_nobody_who_waits_for_it(redis: ScriptingRedis) -> None:
    script = redis.register_script("return tonumber(ARGV[1])")
    first = asyncio.create_task(script(args=[1]))
    await asyncio.sleep(0)
    second = asyncio.create_task(script(args=[2]))
    await asyncio.sleep(0)
    first.cancel()
    assert await asyncio.wait_for(second, 5) == 2


async def test_an_error_of_the_script_is_its_callers_alone(redis: ScriptingRedis) -> None:
    wrong, right = redis.register_script("return redis.call('NOPE')"), redis.register_script("return 1")
    answers = await asyncio.gather(right(), wrong(), right(), return_exceptions=True)
    assert isinstance(answers[1], ResponseError)
    assert (answers[0], answers[2]) == (1, 1)


async def test_whoever_stops_waiting_leaves_the_others_theirs(redis: ScriptingRedis) -> None:
    script = redis.register_script("return tonumber(ARGV[1])")
    await script(args=[0])
    tasks = [asyncio.create_task(script(args=[number])) for number in range(3)]
    await asyncio.sleep(0)
    tasks[1].cancel()
    assert [await tasks[0], await tasks[2]] == [0, 2]


async def test_a_restarted_redis_is_dialled_again_and_told_the_script_again(redis: ScriptingRedis) -> None:
    script = redis.register_script("return 7")
    assert await script() == 7
    await redis.script_flush()
    await redis.client_kill_filter(_type="normal", skipme=True)
    assert await script() == 7


async def test_a_redis_that_hangs_is_given_up_in_time_and_asked_anew() -> None:
    heard = 0

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal heard
        heard += 1
        await reader.read(1)
        if heard > 1:
            writer.write(b":7\r\n")
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client = connect(f"redis://127.0.0.1:{port}", 0.2)
    script = client.register_script("return 7")
    with pytest.raises(TimeoutError):
        await script()
    assert await script() == 7
    await client.aclose()
    server.close()


async def test_without_redis_it_says_so() -> None:
    client = connect("redis://127.0.0.1:1", 0.2)
    with pytest.raises(OSError, match="Connect"):
        await client.register_script("return 1")()
    await client.aclose()


async def test_a_line_that_has_answered_is_kept(redis_url: str) -> None:
    """However short its patience, and however long nobody asks."""
    line = ScriptLine(redis_url, 0.05)
    first = await line.run("CLIENT", "ID")
    await asyncio.sleep(0.15)
    assert await line.run("CLIENT", "ID") == first
    line.close()


@pytest.mark.parametrize(
    ("url", "dialled"),
    [
        ("redis://", ("localhost", 6379)),
        ("redis://cache", ("cache", 6379)),
        ("redis://cache:7000/3", ("cache", 7000)),
    ],
)
async def test_an_address_without_a_port_means_the_usual_one(
    monkeypatch: pytest.MonkeyPatch, url: str, dialled: tuple[str, int]
) -> None:
    asked: list[tuple[str, int]] = []

    async def dial(_: object, host: str, port: int, **__: object) -> None:
        asked.append((host, port))
        raise ConnectionRefusedError

    monkeypatch.setattr(asyncio.get_running_loop(), "create_connection", dial)
    with pytest.raises(ConnectionRefusedError):
        await ScriptLine(url, 1.0).run("PING")
    assert asked == [dialled]
