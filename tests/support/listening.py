"""Consumers on the bus for services that only a test knows; the topology's are there from the start."""

from contextlib import suppress

from nats.js.errors import NotFoundError

from chassis.bus import Bus
from contracts.casework import StageChanged
from contracts.topology import STREAMS, Stream, consumer, dead_letters
from schalter.bus import consumer_settings, create, stream_settings


async def listens(bus: Bus, *services: str) -> None:
    """Make each of `services` hear of stages of cases, and give it an empty stream for its dead letters."""
    for service in services:
        await _empty(bus, dead_letters(service))
        await create(bus.client, consumer_settings(consumer(service, StageChanged)))


async def anew(bus: Bus) -> None:
    """casework's stream, empty and heard by nobody."""
    await _empty(bus, STREAMS["casework"])


async def _empty(bus: Bus, stream: Stream) -> None:
    with suppress(NotFoundError):
        await bus.jetstream.delete_stream(stream.name)
    await create(bus.client, stream_settings(stream))
