"""The TURN server as deploy/turn.yml configures it: a relay for calls, for who has a ticket, and for nothing else."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from aioice import stun, turn
from relay import MISSING, coturn

from schalter.compose_secrets import write_secrets
from schalter.running.secret_store import SecretStore
from schalter.turn_config import DENIED, RELAY_PORTS, render
from signaling.turn import ice_servers

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(MISSING, reason="needs coturn: apt-get install coturn"),
]
SECRET = "shared"


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """Exactly what is shipped."""
    with coturn(tmp_path_factory.mktemp("turn"), SECRET) as address:
        yield address


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """One that may relay to 127.0.0.1, which stands for the world, so that something can be sent there."""
    with coturn(tmp_path_factory.mktemp("turn"), SECRET, allowed="127.0.0.1") as address:
        yield address


def credentials(now: datetime | None = None, session: str = "s", secret: str = SECRET) -> dict[str, Any]:
    """What signaling gives to a participant."""
    (entry,) = ice_servers(["turn:t"], secret, session, now or datetime.now(UTC))
    return {"username": entry.username, "password": entry.credential}


Client = tuple[turn.TurnTransport, Any]


@pytest.fixture
async def allocate() -> AsyncIterator[Callable[..., Awaitable[Client]]]:
    """`await allocate(**credentials)`: a new allocation, and the protocol that speaks with the server; given back."""
    opened: list[turn.TurnTransport] = []

    async def connect(server: tuple[str, int], **known: Any) -> Client:
        transport, _ = await turn.create_turn_endpoint(asyncio.DatagramProtocol, server_addr=server, **known)
        opened.append(transport)
        return transport, transport._TurnTransport__inner_protocol  # type: ignore[attr-defined] # nowhere else

    yield connect
    for transport in opened:
        transport.close()
    await asyncio.sleep(0.1)


async def test_who_has_a_ticket_is_relayed(allocate: Any, local: Any) -> None:
    transport, _ = await allocate(local, **credentials())
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
async def test_nobody_else_is(allocate: Any, shipped: Any, known: dict[str, Any]) -> None:
    with pytest.raises(stun.TransactionFailed) as refused:
        await allocate(shipped, **known)
    assert refused.value.response.error_code == 401


async def test_while_the_secret_turns_whoever_has_either_is_relayed(
    allocate: Any, tmp_path: Path, offices_dir: Path
) -> None:
    """As compose's files say it after each step: of two neighbours one may not have been restarted yet."""
    write_secrets(tmp_path, offices_dir)
    store, told = SecretStore(tmp_path / "store" / "secrets.json"), tmp_path / "turn" / "turnserver.conf"
    used = [store.password("turn")]
    for step in (store.turn_password, store.turn_password, store.drop_password, store.turn_password):
        before = store.passwords("turn")
        step("turn")
        used.append(store.password("turn"))
        store.save()
        write_secrets(tmp_path, offices_dir)
        taken = [line.partition("=")[2] for line in told.read_text().splitlines() if "auth-secret=" in line]
        assert taken == list(store.passwords("turn"))
        for number, secrets in enumerate((before, taken)):  # the server of before the step, and of after it
            directory = tmp_path / f"{len(used)}-{number}"
            directory.mkdir()
            with coturn(directory, *secrets) as address:
                for secret in {used[-1], used[-2]} if step != store.drop_password else {used[-1]}:
                    await allocate(address, **credentials(secret=secret))
    with coturn(tmp_path / "2-0", *taken) as address, pytest.raises(stun.TransactionFailed):
        await allocate(address, **credentials(secret=used[0]))


@pytest.mark.parametrize("network", [network for network in DENIED if network.version == 4], ids=str)
async def test_nothing_but_the_world_is_reached(allocate: Any, shipped: Any, network: Any) -> None:
    """The first and the last address of each network."""
    _, client = await allocate(shipped, **credentials(session=str(network)))
    for number, address in enumerate((network[0], network[-2])):
        with pytest.raises(stun.TransactionFailed) as refused:
            await client.channel_bind(0x4000 + number, (str(address), 80))
        assert refused.value.response.error_code == 403, address


async def test_the_world_is_reached(allocate: Any, shipped: Any) -> None:
    """Asked for, no more: nothing is sent there."""
    _, client = await allocate(shipped, **credentials())
    for number, address in enumerate(("8.8.8.8", "100.128.0.1", "172.32.0.1", "193.0.0.1")):
        await client.channel_bind(0x4000 + number, (address, 80))


def test_it_is_no_proxy_by_tcp() -> None:
    """RFC 6062, which would connect to whatever listens at the machine's own public address."""
    assert "no-tcp-relay\n" in render(SECRET)


#: In a network of its own, with an address that the world has, or one behind 1:1 NAT: two whose own networks close
#: everything meet through the relay alone.
_RELAYS: Final = """
import asyncio, subprocess, sys
from aioice.turn import create_turn_endpoint
from schalter.compose_secrets import write_secrets
from schalter.running.secret_store import SecretStore
from schalter.turn_config import render

private, public, known = sys.argv[1], "11.22.33.44", {{"username": {username!r}, "password": {password!r}}}
for command in ("link set lo up", "link add d0 type veth peer name d1", "link set d0 up", "link set d1 up",
                f"addr add {{private}}/24 dev d0"):
    subprocess.run(["ip", *command.split()], check=True)

class Heard(asyncio.DatagramProtocol):
    said = None
    def datagram_received(self, data, addr):
        self.said = data

async def main():
    ends = [await create_turn_endpoint(Heard, (private, 3478), **known) for _ in "ab"]
    (one, _), (other, heard) = ends
    other.sendto(b"let me in", one.get_extra_info("sockname"))
    await asyncio.sleep(0.3)
    one.sendto(b"picture", other.get_extra_info("sockname"))
    await asyncio.sleep(0.7)
    print(other.get_extra_info("sockname")[0], heard.said)

with open({conf!r}, "w") as file:
    file.write(render({secret!r}).replace("=/tmp/", {directory!r}))
server = subprocess.Popen(["turnserver", "-c", {conf!r}, f"--listening-ip={{private}}", f"--relay-ip={{private}}",
                           f"--external-ip={{public}}/{{private}}", "--no-tls", "--no-dtls"], stderr=subprocess.DEVNULL)
import time; time.sleep(1.5)
try:
    asyncio.run(main())
finally:
    server.terminate()
"""


@pytest.mark.skipif(os.getuid() != 0, reason="only root makes networks")
@pytest.mark.parametrize("private", ["11.22.33.44", "10.0.0.5"], ids=["public", "behind NAT"])
async def test_two_relays_reach_each_other(tmp_path: Path, private: str) -> None:
    directory = f"={tmp_path}/"
    conf = str(tmp_path / "turnserver.conf")
    script = _RELAYS.format(conf=conf, secret=SECRET, directory=directory, **credentials())
    done = subprocess.run(
        ["unshare", "--net", sys.executable, "-c", script, private],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.strip() == "11.22.33.44 b'picture'", done.stdout + done.stderr


async def test_one_session_takes_so_many_ports_and_no_more(allocate: Any, shipped: Any) -> None:
    known = credentials(session="greedy")
    for _ in range(8):
        await allocate(shipped, **known)
    with pytest.raises(stun.TransactionFailed) as refused:
        await allocate(shipped, **known)
    assert refused.value.response.error_code == 486
