"""`schalter bus apply`: what the topology says is made, what differs is set right, what it does not know is told."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bus_users import PASSWORDS, guarded, operator, state
from typer.testing import CliRunner

from contracts.topology import (
    ALL_STREAMS,
    CONSUMES,
    DEAD_LETTERS,
    FORMER_DEAD_LETTERS,
    PUBLISHES,
    STREAMS,
    consumer,
    dead_letter_subject,
)
from schalter.bus import _ask, apply, connected, consumer_settings, create, differences, stream_settings, wanted
from schalter.embedded import Nats, SchalterError, free_port
from schalter.installation import BusAccess
from schalter.main import cli
from schalter.nats_config import OPERATOR
from schalter.replay import replay
from schalter.running.secret_store import SecretStore

BOOKED = PUBLISHES["booking"][0]
NAMED = consumer("notify", BOOKED)


@pytest.fixture
def server(servers_dir: Path, tmp_path: Path) -> Iterator[Nats]:
    with guarded(servers_dir / f"bus-{tmp_path.name}", applied=False) as server:
        yield server


async def found(server: Nats) -> list[str]:
    return [str(each) for each in await differences(operator(server))]


async def test_all_that_the_topology_says_is_made_and_a_second_time_nothing_changes(server: Nats) -> None:
    made = await apply(operator(server))
    assert {each.kind for each in made} == {"missing"}
    assert len(made) == len(ALL_STREAMS) + sum(len(events) for events in CONSUMES.values())
    before = await state(server)
    assert await apply(operator(server)) == []
    assert await found(server) == []
    assert await state(server) == before


@pytest.mark.parametrize(
    "planted",
    [
        {"republish": {"src": ">", "dest": "_INBOX_payment.>"}},
        {"sources": [{"name": "BOOKING"}]},
        {"max_msgs": 1},
        {"max_age": 3600_000_000_000},
        {"subjects": ["payment.>", "spy.>"]},
        {"subject_transform": {"src": "payment.captured.v1", "dest": "booking.erased.v1"}},
        {"metadata": {"who": "me"}},
        {"deny_delete": True},
    ],
    ids=lambda planted: next(iter(planted)),
)
async def test_a_setting_that_somebody_has_planted_is_seen_and_taken_out(server: Nats, planted: dict[str, Any]) -> None:
    await apply(operator(server))
    settings = {**stream_settings(STREAMS["payment"]).settings, **planted}
    async with connected(operator(server)) as client:
        await _ask(client, "STREAM.UPDATE.PAYMENT", settings)
    expected = [f"stream PAYMENT: differs ({next(iter(planted))})"]
    assert await found(server) == expected
    if "deny_delete" in planted:  # what the server does not take back is told, not passed over
        with pytest.raises(SchalterError, match=r"The bus refuses STREAM\.UPDATE\.PAYMENT"):
            await apply(operator(server))
        return
    assert [str(each) for each in await apply(operator(server))] == expected
    assert await found(server) == []


async def test_a_consumer_that_differs_keeps_its_place(server: Nats) -> None:
    await apply(operator(server))
    async with connected(operator(server)) as client:
        bus = client.jetstream()
        await bus.publish(BOOKED.SUBJECT, b"{}")
        subscription = await bus.pull_subscribe_bind(consumer=NAMED.name, stream=NAMED.stream)
        await (await subscription.fetch(1))[0].ack_sync()
        settings = {**consumer_settings(NAMED).settings, "ack_wait": 60_000_000_000, "max_deliver": 1}
        verb = f"CONSUMER.CREATE.{NAMED.stream}.{NAMED.name}.{NAMED.subject}"
        await _ask(client, verb, {"stream_name": NAMED.stream, "config": settings})
        assert await found(server) == [f"consumer {NAMED.name} of BOOKING: differs (ack_wait, max_deliver)"]
        await apply(operator(server))
        info = await bus.consumer_info(NAMED.stream, NAMED.name)
    assert (info.num_pending, info.ack_floor.stream_seq if info.ack_floor else 0) == (0, 1)
    assert await found(server) == []


async def test_what_the_topology_does_not_know_stays_until_somebody_says_so(server: Nats) -> None:
    await apply(operator(server))
    async with connected(operator(server)) as client:
        spy = {"name": "spy", "durable_name": "spy", "deliver_subject": "spy", "ack_policy": "none"}
        await _ask(client, "CONSUMER.CREATE.BOOKING.spy", {"stream_name": "BOOKING", "config": spy})
        await _ask(client, "STREAM.CREATE.SPY", {"name": "SPY", "subjects": ["spy.>"]})
    unknown = ["stream SPY: unknown", "consumer spy of BOOKING: somebody else listens (at spy)"]
    assert [str(each) for each in await apply(operator(server))] == unknown
    assert await found(server) == unknown
    await apply(operator(server), prune=True)
    assert await found(server) == []


async def test_lost_streams_come_again_with_their_consumers(server: Nats) -> None:
    await apply(operator(server))
    async with connected(operator(server)) as client:
        await client.jetstream().delete_stream("BOOKING")
        await client.jetstream().delete_consumer("PAYMENT", consumer("notify", PUBLISHES["payment"][1]).name)
    lost = [str(each) for each in wanted() if each.of == "BOOKING"]
    assert len(await found(server)) == len(lost) + 2
    await apply(operator(server))
    assert await found(server) == []


async def test_what_comes_from_the_version_before_stays_as_it_is(server: Nats) -> None:
    """Whose services made streams and consumers themselves, with these words: nothing is made anew."""
    async with connected(operator(server)) as client:
        for stream in ALL_STREAMS:
            await client.jetstream().add_stream(
                name=stream.name,
                subjects=list(stream.subjects),
                max_age=stream.max_age.total_seconds(),
                max_bytes=stream.max_bytes,
                storage="file",
                discard="old",
                duplicate_window=120,
                allow_atomic=stream.batches,
                num_replicas=1,
            )
        for service, events in CONSUMES.items():
            for event in events:
                one = consumer(service, event)
                await client.jetstream().add_consumer(
                    one.stream,
                    name=one.name,
                    durable_name=one.name,
                    filter_subject=one.subject,
                    deliver_policy="all",
                    ack_policy="explicit",
                    ack_wait=2,
                    max_deliver=-1,
                    max_ack_pending=1000,
                )
    assert await found(server) == []


async def test_who_listens_under_the_name_of_one_of_ours_goes_and_ours_comes(server: Nats) -> None:
    await apply(operator(server))
    async with connected(operator(server)) as client:
        await client.jetstream().delete_consumer(NAMED.stream, NAMED.name)
        spy = {"name": NAMED.name, "durable_name": NAMED.name, "deliver_subject": "spy", "ack_policy": "none"}
        await _ask(client, f"CONSUMER.CREATE.BOOKING.{NAMED.name}", {"stream_name": "BOOKING", "config": spy})
    expected = [f"consumer {NAMED.name} of BOOKING: somebody else listens (at spy)"]
    assert await found(server) == expected
    await apply(operator(server))
    assert await found(server) == expected, "it stays until somebody says so"
    await apply(operator(server), prune=True)
    assert await found(server) == []


async def test_letters_of_before_stay_until_they_are_replayed_and_then_their_stream_goes(server: Nats) -> None:
    """As the version before left it: one stream of all letters, where three of two services lie."""
    access, subject = operator(server), BOOKED.SUBJECT
    former = {**stream_settings(FORMER_DEAD_LETTERS).settings, "subjects": ["dead.>"]}
    async with connected(access) as client:
        await _ask(client, "STREAM.CREATE.DEAD_LETTERS", former)
        await create(client, stream_settings(STREAMS["booking"]))
        bus = client.jetstream()
        event = await bus.publish(subject, b"{}", headers={"ce-id": "one"})
        headers = {"ce-id": "one", "schalter-sequence": str(event.seq)}
        for service in ("notify", "casework", "notify"):
            await bus.publish(dead_letter_subject(service, subject), b"{}", headers=headers)
        assert str((await apply(access))[0]) == "stream DEAD_LETTERS: differs (subjects)"
        assert await found(server) == []

        for service in DEAD_LETTERS:  # also an instance of the version before, which says it the same way
            await bus.publish(dead_letter_subject(service, CONSUMES[service][0].SUBJECT), b"{}", headers={"ce-id": "2"})
        there = [letter async for letter in replay(access, dry_run=True, copies=True)]
        assert [letter.stream for letter in there] == ["DEAD_LETTERS"] * 3 + [
            each.name for each in DEAD_LETTERS.values()
        ]

        assert [letter.kept async for letter in replay(access)][:3] == [""] * 3
        assert (await bus.stream_info("BOOKING")).state.messages == 4, "each is published, none taken for the other"
        assert [str(each) for each in await apply(access)] == ["stream DEAD_LETTERS: former"]
        assert await found(server) == []


async def test_a_bus_that_is_away_is_one_line() -> None:
    with pytest.raises(SchalterError, match="cannot be reached"):
        await apply(BusAccess(f"nats://127.0.0.1:{free_port()}", "x"))


def test_the_command_says_what_it_did(server: Nats, tmp_path: Path) -> None:
    """As an operator types it, beside a running system."""
    (tmp_path / "up.json").write_text(json.dumps({"ports": {"postgres": 1, "redis": 1, "nats": server.port}}))
    (tmp_path / "secrets.json").write_text(json.dumps({f"nats_{OPERATOR}": PASSWORDS[OPERATOR]}))
    assert SecretStore(tmp_path / "secrets.json").password(f"nats_{OPERATOR}") == PASSWORDS[OPERATOR]

    def run(*options: str) -> tuple[int, list[str]]:
        done = CliRunner().invoke(cli, ["bus", "apply", "--var", str(tmp_path), *options])
        return done.exit_code, done.output.splitlines()

    code, lines = run("--check")
    assert (code, lines[0]) == (2, "stream BOOKING: missing")
    code, lines = run()
    assert (code, lines[0]) == (0, "stream BOOKING: missing: created")
    for options in ((), ("--check",)):
        assert run(*options) == (0, ["The bus is as the topology has it."])

    async def spy() -> None:
        async with connected(operator(server)) as client:
            await create(client, stream_settings(STREAMS["booking"]))
            await _ask(client, "STREAM.CREATE.SPY", {"name": "SPY", "subjects": ["spy.>"]})

    asyncio.run(spy())
    assert run() == (0, ["stream SPY: unknown: left alone"])
    assert run("--check") == (2, ["stream SPY: unknown"])
    assert run("--prune") == (0, ["stream SPY: unknown: deleted"])

    # As the container `bus`, which holds the operator's password and no other secret.
    (tmp_path / "operator").write_text(PASSWORDS[OPERATOR] + "\n")
    alone = ("--nats-url", server.url, "--password-file", str(tmp_path / "operator"), "--var", str(tmp_path / "none"))
    assert run(*alone) == (0, ["The bus is as the topology has it."])
