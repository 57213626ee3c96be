"""The TURN server as deploy/turn.yml configures it: a relay for calls, for who has a ticket, and for nothing else."""

import asyncio
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aioice import stun, turn

from schalter.turn_config import DENIED, RELAY_PORTS, render
from signaling.turn import ice_servers

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not shutil.which("turnserver"), reason="needs coturn: apt-get install coturn"),
]
SECRET = "shared"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """A running coturn on loopback; it may relay to 127.0.0.1 alone, which stands for the world."""
    directory = tmp_path_factory.mktemp("turn")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    conf = directory / "turnserver.conf"
    conf.write_text(render(SECRET, allowed="127.0.0.1").replace("=/tmp/", f"={directory}/"))
    argv = ["turnserver", "-c", str(conf), "--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1"]
    running = subprocess.Popen([*argv, f"--listening-port={port}", "--no-tls", "--no-dtls"])
    try:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert running.poll() is None
            asyncio.run(asyncio.sleep(0.05))
        yield "127.0.0.1", port
    finally:
        running.terminate()
        running.wait(10)
    assert not [path for path in directory.iterdir() if path.suffix == ".log"]


def credentials(now: datetime | None = None, session: str = "s", secret: str = SECRET) -> dict[str, Any]:
    """What signaling gives to a participant."""
    (entry,) = ice_servers(["turn:t"], secret, session, now or datetime.now(UTC))
    return {"username": entry.username, "password": entry.credential}


Client = tuple[turn.TurnTransport, Any]


@pytest.fixture
async def allocate(server: tuple[str, int]) -> AsyncIterator[Callable[..., Awaitable[Client]]]:
    """`await allocate(**credentials)`: a new allocation, and the protocol that speaks with the server; given back."""
    opened: list[turn.TurnTransport] = []

    async def connect(**known: Any) -> Client:
        transport, _ = await turn.create_turn_endpoint(asyncio.DatagramProtocol, server_addr=server, **known)
        opened.append(transport)
        return transport, transport._TurnTransport__inner_protocol  # type: ignore[attr-defined] # nowhere else

    yield connect
    for transport in opened:
        transport.close()
    await asyncio.sleep(0.1)


async def test_who_has_a_ticket_is_relayed(allocate: Any) -> None:
    transport, _ = await allocate(**credentials())
    with socket.socket(type=socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        other.setblocking(False)
        transport.sendto(b"picture", other.getsockname())
        loop = asyncio.get_running_loop()
        data, sender = await asyncio.wait_for(loop.sock_recvfrom(other, 100), 5)
    assert data == b"picture"
    assert RELAY_PORTS[0] <= sender[1] <= RELAY_PORTS[1]


@pytest.mark.parametrize(
    "known",
    [
        credentials(secret="another"),
        credentials(now=datetime.now(UTC) - timedelta(minutes=11)),
        {"username": "citizen", "password": "guess"},
    ],
    ids=["another secret", "ten minutes are over", "a guess"],
)
async def test_nobody_else_is(allocate: Any, known: dict[str, Any]) -> None:
    with pytest.raises(stun.TransactionFailed) as refused:
        await allocate(**known)
    assert refused.value.response.error_code == 401


@pytest.mark.parametrize("network", [network for network in DENIED if network.version == 4], ids=str)
async def test_nothing_but_the_world_is_reached(allocate: Any, network: Any) -> None:
    """The first and the last address of each network; 127.0.0.1 alone stands for the world here."""
    _, client = await allocate(**credentials(session=str(network)))
    for number, address in enumerate((network[0], network[-2])):
        with pytest.raises(stun.TransactionFailed) as refused:
            await client.channel_bind(0x4000 + number, (str(address), 80))
        assert refused.value.response.error_code == 403, address


async def test_one_session_takes_so_many_ports_and_no_more(allocate: Any) -> None:
    known = credentials(session="greedy")
    for _ in range(8):
        await allocate(**known)
    with pytest.raises(stun.TransactionFailed) as refused:
        await allocate(**known)
    assert refused.value.response.error_code == 486
