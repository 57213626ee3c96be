"""Of JetStream's API a service may take what is for it, ask how much of that waits, and nothing else.

Generated for every service, every subject of the API, every stream and every consumer, on a real server: it refuses all
of them, and nothing changes.
"""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from bus_users import guarded, signed_in, state

from contracts.topology import (
    ALL_STREAMS,
    CONSUMES,
    EVENTS,
    PUBLISHES,
    SERVICES,
    Consumer,
    consumer,
    dead_letter_subject,
    stream_of,
)
from schalter.embedded import Nats, tools

#: The API as the server's documentation has it. `{stream}`, `{consumer}` and `{subject}` are every one that there is.
DOCUMENTED = (
    "INFO", "ACCOUNT.PURGE.{stream}", "ACCOUNT.STREAM.MOVE.{stream}.{consumer}",
    "ACCOUNT.STREAM.CANCEL_MOVE.{stream}.{consumer}", "META.LEADER.STEPDOWN", "SERVER.REMOVE",
    "SERVER.STREAM.MOVE.{stream}.{consumer}", "STREAM.NAMES", "STREAM.LIST", "STREAM.CREATE.{stream}",
    "STREAM.UPDATE.{stream}", "STREAM.INFO.{stream}", "STREAM.DELETE.{stream}", "STREAM.PURGE.{stream}",
    "STREAM.SNAPSHOT.{stream}", "STREAM.RESTORE.{stream}", "STREAM.MSG.GET.{stream}", "STREAM.MSG.DELETE.{stream}",
    "STREAM.PEER.REMOVE.{stream}", "STREAM.LEADER.STEPDOWN.{stream}", "STREAM.TEMPLATE.NAMES",
    "STREAM.TEMPLATE.CREATE.{stream}", "STREAM.TEMPLATE.INFO.{stream}", "STREAM.TEMPLATE.DELETE.{stream}",
    "DIRECT.GET.{stream}", "DIRECT.GET.{stream}.{subject}", "CONSUMER.NAMES.{stream}", "CONSUMER.LIST.{stream}",
    "CONSUMER.CREATE.{stream}", "CONSUMER.CREATE.{stream}.{consumer}",
    "CONSUMER.CREATE.{stream}.{consumer}.{subject}", "CONSUMER.DURABLE.CREATE.{stream}.{consumer}",
    "CONSUMER.INFO.{stream}.{consumer}", "CONSUMER.DELETE.{stream}.{consumer}",
    "CONSUMER.PAUSE.{stream}.{consumer}", "CONSUMER.RESET.{stream}.{consumer}",
    "CONSUMER.UNPIN.{stream}.{consumer}", "CONSUMER.PEER.REMOVE.{stream}.{consumer}",
    "CONSUMER.LEADER.STEPDOWN.{stream}.{consumer}", "CONSUMER.MSG.NEXT.{stream}.{consumer}",
)  # fmt: skip
CONSUMERS = [consumer(service, event) for service, events in CONSUMES.items() for event in events]


def of_the_server() -> set[str]:
    """What the server's own program names: what a newer one adds is tried, too. Some have a letter more."""
    program = tools.script("nats-server").read_bytes()
    names = {found.decode() for found in re.findall(rb"\$JS\.API\.([A-Z_]+(?:\.(?:[A-Z_]+|%s|\*|>))*)", program)}
    return {_with_places(name) for name in names}


def _with_places(name: str) -> str:
    places = iter(("{stream}", "{subject}") if name.startswith("DIRECT") else ("{stream}", "{consumer}", "{subject}"))
    return ".".join(next(places) if token in ("%s", "*", ">") else token for token in name.split("."))


TEMPLATES = sorted({*DOCUMENTED, *of_the_server()})


def subjects() -> Iterator[str]:
    """Every subject of the API about everything that there is."""
    streams = [stream.name for stream in ALL_STREAMS]
    for template in TEMPLATES:
        if "{consumer}" in template:
            yield from (filled(template, each) for each in CONSUMERS)
        elif "{subject}" in template:
            yield from (filled(template, Consumer("", stream_of(each), each)) for each in EVENTS)
        elif "{stream}" in template:
            yield from (filled(template, Consumer("", stream, "")) for stream in streams)
        else:
            yield template


def filled(template: str, one: Consumer) -> str:
    return template.format(stream=one.stream, consumer=one.name, subject=one.subject)


@pytest.fixture(scope="module")
def server(servers_dir: Path) -> Iterator[Nats]:
    with guarded(servers_dir / "api") as server:
        asyncio.run(fill(server))
        yield server


async def fill(server: Nats) -> None:
    """A message in every stream."""
    for service in SERVICES:
        async with signed_in(server, service) as (client, _):
            await client.jetstream().publish(PUBLISHES[service][0].SUBJECT, b"{}")
            await client.jetstream().publish(dead_letter_subject(service, CONSUMES[service][0].SUBJECT), b"{}")


def test_the_server_has_the_documented_subjects() -> None:
    """Else what it names were not found, and a newer server's would not be either."""
    there = of_the_server()
    assert {
        "STREAM.UPDATE.{stream}",
        "CONSUMER.MSG.NEXT.{stream}.{consumer}",
        "CONSUMER.PAUSE.{stream}.{consumer}",
    } <= there
    assert len(there) > 30


@pytest.mark.parametrize("service", SERVICES)
async def test_of_the_api_a_service_may_only_take_what_is_for_it(server: Nats, service: str) -> None:
    mine = [each for each in CONSUMERS if each.name.startswith(f"{service}-")]
    own = {f"CONSUMER.{verb}.{each.stream}.{each.name}" for each in mine for verb in ("MSG.NEXT", "INFO")}
    all_of_them = sorted(set(subjects()))
    assert own < set(all_of_them)
    before = await state(server)
    async with signed_in(server, service) as (client, refusals):
        answers = await client.subscribe(f"{client.new_inbox()}.>")
        tried = [f"$JS.API.{subject}" for subject in all_of_them if subject not in own]
        for subject in tried:
            await client.publish(subject, b"{}", reply=answers.subject.replace(">", "answer"))
        await client.flush()
        assert await refusals.reach(len(tried))
        assert refusals.subjects == {subject.lower() for subject in tried}
        assert answers.pending_msgs == 0
    assert await state(server) == before
