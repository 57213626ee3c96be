"""`schalter bus`: the operator makes streams and consumers as contracts.topology has them; services only use them."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, Literal

import nats
from nats.aio.client import Client
from nats.errors import Error as NatsError

from contracts import topology
from contracts.topology import ALL_STREAMS, CONSUMES, FORMER_DEAD_LETTERS
from schalter.embedded import SchalterError
from schalter.embedded.errors import reason, unreachable
from schalter.installation import BusAccess
from schalter.nats_config import OPERATOR, inbox_prefix

_SECONDS: Final = 5.0
_NANOSECONDS: Final = 1_000_000_000
#: How the server says that a setting is not made.
_UNSET: Final[tuple[Any, ...]] = (None, False, 0, -1, "", [], {})


@dataclass(frozen=True)
class Thing:
    """A stream, or a consumer of the stream `of`, with its settings as the server's API has them."""

    name: str
    of: str
    settings: Mapping[str, Any]

    @property
    def sent_to(self) -> str:
        """The subject to which all that a consumer gets is sent, whoever listens there; ours ask for each message."""
        return str(self.settings.get("deliver_subject") or "")

    def __str__(self) -> str:
        return f"consumer {self.name} of {self.of}" if self.of else f"stream {self.name}"


@dataclass(frozen=True)
class Difference:
    """Where the bus is not as the topology has it. `settings` names those that differ.

    `listens`: a consumer that sends what it gets to a subject, so that somebody else hears it; we plant none. `former`:
    what the version before needed, and nobody does any more.
    """

    thing: Thing
    kind: Literal["missing", "differs", "unknown", "listens", "former"]
    settings: tuple[str, ...] = ()

    @property
    def foreign(self) -> bool:
        """Whether it is nobody's that the topology knows."""
        return self.kind in ("unknown", "listens")

    @property
    def turn(self) -> int:
        """When it is settled: what takes others' subjects first, then streams, then consumers, which need theirs."""
        return 0 if self.thing.name == FORMER_DEAD_LETTERS.name else 2 if self.thing.of else 1

    def __str__(self) -> str:
        if self.kind == "listens":
            return f"{self.thing}: somebody else listens (at {self.thing.sent_to})"
        return f"{self.thing}: {self.kind}" + (f" ({', '.join(self.settings)})" if self.settings else "")


@asynccontextmanager
async def connected(access: BusAccess) -> AsyncIterator[Client]:
    """A connection of the operator. Raises SchalterError when the bus cannot be reached."""
    try:
        client = await nats.connect(
            access.url,
            user=OPERATOR,
            password=access.password,
            inbox_prefix=inbox_prefix(OPERATOR),
            connect_timeout=3,
            allow_reconnect=False,
            max_reconnect_attempts=1,
            reconnect_time_wait=0.1,
            error_cb=_keep_quiet,
        )
    except (NatsError, OSError, TimeoutError) as error:
        raise unreachable(f"The bus at {access.url}", error) from None
    try:
        yield client
    finally:
        await client.close()


async def _keep_quiet(_: Exception) -> None:
    """The client's own report of each attempt; what matters is raised where a call fails."""


async def differences(access: BusAccess) -> list[Difference]:
    """How the bus differs from the topology. Raises SchalterError when it cannot be reached."""
    async with connected(access) as client:
        return await _differences(client)


async def apply(access: BusAccess, *, prune: bool = False) -> list[Difference]:
    """Makes what is missing and sets right what differs. What the topology does not know stays, unless `prune`: then it
    is deleted, a stream with all that it keeps. The dead letters' former stream gives its subjects to those that came
    after it, stays for as long as it keeps letters, and is deleted then.

    Returns what it found, which is what it changed but for what stays. A second run changes nothing. Raises
    SchalterError when the bus cannot be reached, refuses, or is not as it shall be afterwards.
    """
    async with connected(access) as client:
        found = await _differences(client)
        changed = [each for each in found if prune or not each.foreign]
        for turn in range(3):
            await asyncio.gather(*(_settle(client, each) for each in changed if each.turn == turn))
        left = [each for each in await _differences(client) if _matters(each)] if changed else []
    if left:
        raise SchalterError(f"The bus does not take what the topology says of {left[0]}.")
    return found


def wanted() -> Iterator[Thing]:
    """The streams and consumers of the topology."""
    for stream in ALL_STREAMS:
        yield stream_settings(stream)
    for service, events in CONSUMES.items():
        for event in events:
            yield consumer_settings(topology.consumer(service, event))


def stream_settings(stream: topology.Stream) -> Thing:
    """What is told the server of a stream; all else shall be as the server has it unless told."""
    return Thing(
        stream.name,
        "",
        {
            "name": stream.name,
            "subjects": list(stream.subjects),
            "max_age": int(stream.max_age.total_seconds() * _NANOSECONDS),
            "max_bytes": stream.max_bytes,
            "retention": "limits",
            "storage": "file",
            "discard": "old",
            "compression": "none",
            "duplicate_window": int(topology.DUPLICATE_WINDOW.total_seconds() * _NANOSECONDS),
            "allow_atomic": stream.batches,
            "num_replicas": 1,
        },
    )


def consumer_settings(consumer: topology.Consumer) -> Thing:
    """What is told the server of a consumer."""
    return Thing(
        consumer.name,
        consumer.stream,
        {
            "name": consumer.name,
            "durable_name": consumer.name,
            "filter_subject": consumer.subject,
            "deliver_policy": "all",
            "ack_policy": "explicit",
            "ack_wait": int(topology.ACK_WAIT.total_seconds() * _NANOSECONDS),
            # Tries are counted by the service: with the server's own limit a message that outlived five crashes would
            # go silent.
            "max_deliver": -1,
            "max_ack_pending": topology.MAX_ACK_PENDING,
            "max_waiting": 512,
            "replay_policy": "instant",
        },
    )


_FORMER: Final = stream_settings(FORMER_DEAD_LETTERS)


async def create(client: Client, thing: Thing) -> None:
    """Makes `thing`; a consumer that is there is brought up to date. Raises SchalterError when the bus refuses."""
    if thing.of:
        # The filter is part of the subject.
        subject = f"CONSUMER.CREATE.{thing.of}.{thing.name}.{thing.settings['filter_subject']}"
        await _ask(client, subject, {"stream_name": thing.of, "config": thing.settings})
    else:
        await _ask(client, f"STREAM.CREATE.{thing.name}", thing.settings)


def _matters(difference: Difference) -> bool:
    """Whether it is more than a default of a newer server, which stays after it was told everything."""
    differs = difference.kind == "differs" and set(difference.settings) & difference.thing.settings.keys()
    return difference.kind == "missing" or bool(differs)


async def _settle(client: Client, difference: Difference) -> None:
    thing = difference.thing
    if difference.foreign or difference.kind == "former":
        await _ask(client, f"CONSUMER.DELETE.{thing.of}.{thing.name}" if thing.of else f"STREAM.DELETE.{thing.name}")
        if difference.kind == "listens" and (ours := _wanted(str(thing))):  # under the name of one of ours
            await create(client, ours)
    elif difference.kind == "differs" and not thing.of:
        await _ask(client, f"STREAM.UPDATE.{thing.name}", thing.settings)
    else:
        await create(client, thing)


def _wanted(name: str) -> Thing | None:
    """What the topology has under this name."""
    return next((thing for thing in wanted() if str(thing) == name), None)


async def _differences(client: Client) -> list[Difference]:
    there = {str(thing): thing for thing in await _there(client)}
    found = await _former(client, there.pop(str(_FORMER), None))
    shall = {str(thing): thing for thing in wanted()}
    heard = [name for name, thing in there.items() if thing.sent_to]
    found += [Difference(thing, "missing") for name, thing in shall.items() if name not in there]
    for name, thing in shall.items():
        if name in there and name not in heard and (settings := _differing(thing.settings, there[name].settings)):
            found.append(Difference(thing, "differs", settings))
    unknown = [thing for name, thing in there.items() if name not in shall and name not in heard]
    return [
        *found,
        *(Difference(thing, "unknown") for thing in unknown),
        *(Difference(there[name], "listens") for name in heard),
    ]


async def _former(client: Client, there: Thing | None) -> list[Difference]:
    """What is to be done about the dead letters' former stream: nothing while it keeps letters and takes none."""
    if there is None:
        return []
    if settings := _differing(_FORMER.settings, there.settings):
        return [Difference(_FORMER, "differs", settings)]
    kept = (await _ask(client, f"STREAM.INFO.{there.name}"))["state"]["messages"]
    return [] if kept else [Difference(_FORMER, "former")]


def _differing(shall: Mapping[str, Any], there: Mapping[str, Any]) -> tuple[str, ...]:
    """The settings that differ. What is not told is not set: whatever is, somebody has planted (`republish`)."""
    one, other = _set(shall), _set(there)
    return tuple(sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name)))


def _set(settings: Mapping[str, Any]) -> dict[str, Any]:
    made = {name: value for name, value in settings.items() if name != "metadata" and value not in _UNSET}
    # The server notes its own version there.
    noted = {k: v for k, v in (settings.get("metadata") or {}).items() if not k.startswith("_nats.")}
    return made | ({"metadata": noted} if noted else {})


async def _there(client: Client) -> list[Thing]:
    """What the bus has: all streams, and the consumers of those that the topology knows."""
    streams = [
        Thing(each["config"]["name"], "", each["config"]) for each in await _all(client, "STREAM.LIST", "streams")
    ]
    known = {stream.name for stream in (*ALL_STREAMS, FORMER_DEAD_LETTERS)}
    consumers = await asyncio.gather(
        *(_all(client, f"CONSUMER.LIST.{stream.name}", "consumers") for stream in streams if stream.name in known)
    )
    return streams + [Thing(each["name"], each["stream_name"], each["config"]) for some in consumers for each in some]


async def _all(client: Client, verb: str, what: str) -> list[Any]:
    """All pages of a list."""
    found: list[Any] = []
    while True:
        page = await _ask(client, verb, {"offset": len(found)})
        found += page[what] or []
        if len(found) >= page["total"] or not page[what]:
            return found


async def _ask(client: Client, verb: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The answer of JetStream's API. Raises SchalterError when it refuses, or does not answer."""
    try:
        reply = await client.request(f"$JS.API.{verb}", json.dumps(body).encode() if body else b"", timeout=_SECONDS)
    except (NatsError, TimeoutError) as error:
        raise SchalterError(f"The bus does not answer {verb}: {reason(error)}") from None
    answer: dict[str, Any] = json.loads(reply.data)
    if "error" in answer:
        raise SchalterError(f"The bus refuses {verb}: {answer['error'].get('description')}")
    return answer
