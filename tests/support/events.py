"""The tests' own look at the bus of a running system, as its operator."""

from typing import Any

import nats
from system import System

from contracts.topology import CONSUMES, durable


async def connect(system: System) -> Any:
    """A connection of the operator."""
    url = f"nats://127.0.0.1:{system.state['ports']['nats']}"
    return await nats.connect(url, user="operator", password=system.nats_password("operator"))


async def nothing_pending(system: System) -> bool:
    """Whether every consumer has acknowledged all that is on the bus for it."""
    client = await connect(system)
    try:
        for service, events in CONSUMES.items():
            for event in events:
                stream = event.SUBJECT.split(".", 1)[0].upper()
                info = await client.jetstream().consumer_info(stream, durable(service, event))
                if info.num_pending or info.num_ack_pending:
                    return False
        return True
    finally:
        await client.close()
