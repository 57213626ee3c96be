"""A clerk and a citizen without browsers: they join through the service and then talk to each other directly."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.sdp import candidate_from_sdp, candidate_to_sdp


class Headless:
    """One side of the call: CALL.md's rules, over the service's WebSocket."""

    def __init__(self, client: Any) -> None:
        self.client = client
        # No third party's server; aiortc offers this machine's other addresses, never 127.0.0.1.
        self.peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.channel = self.peer.createDataChannel("stage", negotiated=True, id=1)
        self.received: asyncio.Queue[str] = asyncio.Queue()
        self.channel.on("message", self.received.put_nowait)

    async def describe(self) -> None:
        await self.peer.setLocalDescription(
            await (self.peer.createAnswer() if self.peer.remoteDescription else self.peer.createOffer())
        )
        local = self.peer.localDescription
        kept = [line for line in local.sdp.splitlines() if "candidate" not in line]
        await self.client.send(type="description", description={"type": local.type, "sdp": "\r\n".join(kept) + "\r\n"})
        # aiortc gathers before it answers; a browser trickles, so the candidates travel one by one here too.
        assert self.peer.sctp is not None
        for candidate in self.peer.sctp.transport.transport.iceGatherer.getLocalCandidates():
            line = {"candidate": f"candidate:{candidate_to_sdp(candidate)}", "sdpMid": "0", "sdpMLineIndex": 0}
            await self.client.send(type="candidate", candidate=line)
        await self.client.send(type="candidate", candidate=None)

    async def follow(self) -> None:
        """Act on what the other side sends until the channel is open."""
        while self.channel.readyState != "open":
            try:
                message = await self.client.next(0.2)
            except TimeoutError:
                continue
            if message["type"] == "description":
                description = message["description"]
                await self.peer.setRemoteDescription(RTCSessionDescription(description["sdp"], description["type"]))
                if description["type"] == "offer":
                    await self.describe()
            elif message["type"] == "candidate":
                await self._candidate(message["candidate"])

    async def _candidate(self, given: dict[str, Any] | None) -> None:
        if given is None:
            await self.peer.addIceCandidate(None)
            return
        candidate = candidate_from_sdp(given["candidate"].removeprefix("candidate:"))
        candidate.sdpMid, candidate.sdpMLineIndex = given["sdpMid"], given["sdpMLineIndex"]
        await self.peer.addIceCandidate(candidate)


async def test_two_headless_participants_meet_and_exchange_messages(
    instances: tuple[Any, Any],
    enter: Any,
    room: Callable[..., Awaitable[UUID]],
    published: Callable[..., Awaitable[list[dict[str, Any]]]],
    soon: Callable[..., Awaitable[Any]],
) -> None:
    appointment_id = await room()
    async with (
        enter(instances[0], "citizen", appointment_id) as citizen_socket,
        enter(instances[1], "clerk", appointment_id) as clerk_socket,
    ):
        await clerk_socket.send(type="admit")
        await clerk_socket.expect("admitted")
        await citizen_socket.expect("admitted")
        citizen, clerk = Headless(citizen_socket), Headless(clerk_socket)
        try:
            await clerk.describe()
            async with asyncio.timeout(30):
                await asyncio.gather(citizen.follow(), clerk.follow())
            clerk.channel.send('{"type":"field","key":"name","value":"Ä"}')
            assert await asyncio.wait_for(citizen.received.get(), 5) == '{"type":"field","key":"name","value":"Ä"}'
            citizen.channel.send("seen")
            assert await asyncio.wait_for(clerk.received.get(), 5) == "seen"

            async def started() -> bool:
                return any(e["subject"] == "signaling.call_started.v1" for e in await published(appointment_id))

            await soon(started)
        finally:
            await citizen.peer.close()
            await clerk.peer.close()


@pytest.fixture(autouse=True)
def _address(request: pytest.FixtureRequest) -> None:
    from aioice.ice import get_host_addresses

    if not get_host_addresses(use_ipv4=True, use_ipv6=True):
        pytest.fail("aiortc skips 127.0.0.1: this machine needs another address (a veth pair will do)")
