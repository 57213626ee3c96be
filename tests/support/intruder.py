"""A signaling server gone bad: it sits between the two browsers' WebSockets and the honest server.

As `Forger` it rewrites the fingerprints in what it relays; as `Intruder` it ends both calls itself, with an aiortc peer
of its own towards each browser, so that media flow to both while it listens.
"""

import asyncio
import hashlib
import json
import re
import secrets
import struct
from typing import Any, Literal

from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, VideoStreamTrack
from playwright.async_api import Page, WebSocketRoute

Json = dict[str, Any]
Manner = Literal["plays both roles", "passes the code's messages on"]
SIGNALING = re.compile(r"/api/signaling/ws$")


class Forger:
    """Replaces every certificate fingerprint that passes by another one."""

    def __init__(self) -> None:
        self.forged = 0

    async def sit_between(self, *pages: Page) -> None:
        """From the next load of each page on."""
        for page in pages:
            await page.route_web_socket(SIGNALING, self._relay)

    def _relay(self, browser: WebSocketRoute) -> None:
        server = browser.connect_to_server()

        def outgoing(frame: str | bytes) -> None:
            false = "a=fingerprint:sha-256 " + ":".join(f"{byte:02X}" for byte in secrets.token_bytes(32))
            text, count = re.subn(r"a=fingerprint:sha-256 [0-9A-Fa-f:]+", false, str(frame))
            self.forged += count
            server.send(text)

        browser.on_message(outgoing)


class Leg:
    """The intruder's own connection to one of the two browsers."""

    def __init__(self) -> None:
        # No ICE server: aiortc's default is one of a third party.
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.sas: RTCDataChannel = self.connection.createDataChannel("sas", negotiated=True, id=0)
        self.connection.createDataChannel("stage", negotiated=True, id=1)
        self.socket: WebSocketRoute | None = None
        self.epoch = ""

    def plays(self) -> None:
        """Picture and sound of the intruder's own, so that nothing seems amiss."""
        self.connection.addTrack(AudioStreamTrack())
        self.connection.addTrack(VideoStreamTrack())

    async def describe(self, epoch: str) -> None:
        """Send the current local description as if it came from `epoch`."""
        local = self.connection.localDescription
        frame = {"type": "description", "epoch": epoch, "description": {"type": local.type, "sdp": local.sdp}}
        assert self.socket is not None
        self.socket.send(json.dumps(frame))

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate that this leg shows, lower-case hex."""
        (line,) = set(re.findall(r"a=fingerprint:sha-256 ([0-9A-F:]+)", self.connection.localDescription.sdp))
        return str(line).replace(":", "").lower()


class Intruder:
    """A man in the middle with certificates of his own, one towards each side."""

    def __init__(self, manner: Manner, appointment_id: str) -> None:
        self.manner, self.appointment_id = manner, appointment_id
        self.citizen, self.clerk = Leg(), Leg()
        self._nonce = secrets.token_bytes(32)
        self._tasks: set[asyncio.Task[None]] = set()
        self.citizen.sas.on("message", self._from_citizen)
        self.clerk.sas.on("message", self._from_clerk)
        self.clerk.sas.on("open", self._commit)

    async def sit_between(self, citizen: Page, clerk: Page) -> None:
        """From the next load of both pages on."""
        await citizen.route_web_socket(SIGNALING, lambda socket: self._relay(socket, self.citizen))
        await clerk.route_web_socket(SIGNALING, lambda socket: self._relay(socket, self.clerk))

    async def close(self) -> None:
        """Leave both calls."""
        await asyncio.gather(self.citizen.connection.close(), self.clerk.connection.close(), *self._tasks)

    def _relay(self, browser: WebSocketRoute, leg: Leg) -> None:
        server = browser.connect_to_server()
        epoch = ""

        def outgoing(frame: str | bytes) -> None:
            nonlocal epoch
            message = json.loads(frame)
            if message["type"] == "hello":
                epoch = message["epoch"]
                # The clerk has a second socket, for the waiting room; the citizen's only one is the call's.
                if leg is self.citizen:
                    leg.socket, leg.epoch = browser, epoch
            if message["type"] == "description":
                leg.socket, leg.epoch = browser, epoch
                self._do(self._takes(leg, message["description"]))
            elif message["type"] != "candidate":
                server.send(str(frame))

        browser.on_message(outgoing)

    def _do(self, step: Any) -> None:
        task = asyncio.ensure_future(step)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _takes(self, leg: Leg, description: Json) -> None:
        """The clerk's offer is answered in the citizen's name, and the citizen gets an offer in the clerk's."""
        if leg is self.clerk and leg.connection.remoteDescription is not None:
            return
        await leg.connection.setRemoteDescription(RTCSessionDescription(description["sdp"], description["type"]))
        if leg is self.citizen:
            return
        leg.plays()
        await leg.connection.setLocalDescription(await leg.connection.createAnswer())
        await leg.describe(self.citizen.epoch)
        self.citizen.plays()
        await self.citizen.connection.setLocalDescription(await self.citizen.connection.createOffer())
        await self.citizen.describe(self.clerk.epoch)

    def _commit(self) -> None:
        if self.manner == "plays both roles":
            fields = ("vba-sas/1 commit", self.appointment_id, "citizen", self.clerk.fingerprint, self._nonce)
            self._say(self.clerk, "commit", hashlib.sha256(_encoded(*fields)).hexdigest())

    def _from_citizen(self, frame: str) -> None:
        if self.manner == "passes the code's messages on":
            self.clerk.sas.send(frame)
        elif json.loads(frame)["type"] == "commit":
            self._say(self.citizen, "nonce", secrets.token_hex(32))

    def _from_clerk(self, frame: str) -> None:
        if self.manner == "passes the code's messages on":
            self.citizen.sas.send(frame)
        elif json.loads(frame)["type"] == "nonce":
            self._say(self.clerk, "reveal", self._nonce.hex())

    def _say(self, leg: Leg, kind: str, value: str) -> None:
        leg.sas.send(json.dumps({"type": kind, "value": value}))


def _encoded(*fields: str | bytes) -> bytes:
    """Each field prefixed with its length as 4 bytes, big-endian."""
    parts = [field.encode() if isinstance(field, str) else field for field in fields]
    return b"".join(struct.pack(">I", len(part)) + part for part in parts)
