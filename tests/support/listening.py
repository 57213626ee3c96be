"""Consumers on the bus for services that only a test knows; the topology's are there from the start."""

from chassis.bus import Bus
from contracts.casework import StageChanged
from contracts.topology import DEAD_LETTERS, STREAMS, consumer
from schalter.bus import consumer_settings, create, stream_settings


async def listens(bus: Bus, *services: str) -> None:
    """Make each of `services` hear of stages of cases."""
    for service in services:
        await create(bus.client, consumer_settings(consumer(service, StageChanged)))


async def anew(bus: Bus) -> None:
    """casework's stream and the dead letters, empty and heard by nobody."""
    for stream in (STREAMS["casework"], DEAD_LETTERS):
        await bus.jetstream.delete_stream(stream.name)
        await create(bus.client, stream_settings(stream))
