"""A signaling server that cheats: it stands between a browser and the real one and tampers with what passes.

Playwright routes one browser's WebSocket through here, so everything else (browsers, client, services) is real.
"""

import asyncio
import hashlib
import json
import re
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Literal

from aiortc import MediaStreamTrack, RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription
from aiortc.sdp import candidate_from_sdp
from browser import Window
from playwright.async_api import WebSocketRoute

Json = dict[str, Any]
Cunning = Literal["guesses", "forwards", "grinds"]
# There are a million codes, so this finds the wanted one, all but once in half a billion times.
MOST_TRIES = 20_000_000


def swap_fingerprints(description: Json) -> Json:
    """The description with the fingerprint of a certificate that the attacker might hold."""
    forged = ":".join(f"{byte:02X}" for byte in secrets.token_bytes(32))
    return description | {"sdp": re.sub(r"(a=fingerprint:sha-256 )[0-9A-F:]+", rf"\g<1>{forged}", description["sdp"])}


class FingerprintSwapper:
    """Passes everything on, but with other fingerprints in every description, in both directions."""

    def __init__(self) -> None:
        self.swapped = 0

    async def stand_before(self, window: Window) -> None:
        """Take over the window's signaling. Call before it opens the page."""
        await window.page.route_web_socket(re.compile("/api/signaling/ws$"), self._route)

    def _route(self, browser: WebSocketRoute) -> None:
        server = browser.connect_to_server()
        browser.on_message(lambda frame: server.send(self._forge(frame)))
        server.on_message(lambda frame: browser.send(self._forge(frame)))

    def _forge(self, frame: str | bytes) -> str | bytes:
        message = json.loads(frame)
        if message["type"] != "description":
            return frame
        self.swapped += 1
        return json.dumps(message | {"description": swap_fingerprints(message["description"])})


class Leg:
    """The attacker's own connection to one of the two people; ends there like any peer's."""

    def __init__(self) -> None:
        # Without this aiortc would ask a public server of somebody else.
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.sas = self.pc.createDataChannel("sas", negotiated=True, id=0, ordered=True)
        self.stage = self.pc.createDataChannel("stage", negotiated=True, id=1, ordered=True)
        self.heard: asyncio.Queue[Json] = asyncio.Queue()
        self.sas.on("message", self._heard)
        self.their_fingerprint = ""

    def _heard(self, frame: str) -> None:
        message = json.loads(frame)
        # That one of the two gave up is nothing that the attacker would pass on.
        if message["type"] != "refuse":
            self.heard.put_nowait(message)

    @property
    def own_fingerprint(self) -> str:
        """Of the attacker's certificate on this leg."""
        assert self.pc.sctp is not None
        of_kind = {one.algorithm: one.value for one in self.pc.sctp.transport.getLocalParameters().fingerprints}
        return _plain(of_kind["sha-256"])

    @property
    def hung_up(self) -> bool:
        """Whether this person's browser has taken the connection down."""
        return bool(self.sas.readyState == "closed")

    async def offer(self) -> Json:
        """Offer sound and picture, as the clerk does."""
        for kind in ("audio", "video"):
            self.pc.addTransceiver(kind, direction="sendrecv")
        await self.pc.setLocalDescription(await self.pc.createOffer())
        return {"type": "offer", "sdp": self.pc.localDescription.sdp}

    async def answer(self, offer: Json) -> Json:
        """Answer as the citizen does."""
        await self.hear(offer)
        for transceiver in self.pc.getTransceivers():
            transceiver.direction = "sendrecv"
        await self.pc.setLocalDescription(await self.pc.createAnswer())
        return {"type": "answer", "sdp": self.pc.localDescription.sdp}

    async def hear(self, description: Json) -> None:
        """Take the other side's description."""
        found = re.search(r"a=fingerprint:sha-256 (\S+)", description["sdp"])
        assert found is not None
        self.their_fingerprint = _plain(found[1])
        await self.pc.setRemoteDescription(RTCSessionDescription(sdp=description["sdp"], type=description["type"]))

    async def add(self, candidate: Json | None) -> None:
        """Take one of the other side's addresses."""
        if candidate and candidate["candidate"]:
            parsed = candidate_from_sdp(candidate["candidate"].split(":", 1)[1])
            parsed.sdpMid, parsed.sdpMLineIndex = candidate["sdpMid"], candidate["sdpMLineIndex"]
            await self.pc.addIceCandidate(parsed)

    def send(self, track: MediaStreamTrack) -> None:
        """Send somebody's picture or sound as one's own."""
        for transceiver in self.pc.getTransceivers():
            if transceiver.kind == track.kind:
                transceiver.sender.replaceTrack(track)

    def say(self, kind: str, value: str) -> None:
        """Send one message of the verification protocol."""
        self.sas.send(json.dumps({"type": kind, "value": value}, separators=(",", ":")))

    async def hears(self, kind: str) -> str:
        """The value of the next message, which must be of that kind."""
        message = await self.heard.get()
        assert message["type"] == kind, message
        return str(message["value"])


class ManInTheMiddle:
    """Ends both connections at himself, with certificates of his own, and relays picture, sound and data."""

    def __init__(self, call_id: str, cunning: Cunning) -> None:
        self._call_id, self._cunning = call_id, cunning
        self._to_citizen, self._to_clerk = Leg(), Leg()
        self._work: asyncio.Queue[Callable[[], Awaitable[None]]] = asyncio.Queue()
        self._tasks = [asyncio.create_task(self._in_order())]
        self.relays = False

    async def stand_before(self, window: Window) -> None:
        """Take over the citizen's signaling. Call before the window opens the page."""
        await window.page.route_web_socket(re.compile("/api/signaling/ws$"), self._route)

    @property
    def clerk_hung_up(self) -> bool:
        """Whether the clerk's browser has taken its connection down: what is sent to it reaches nobody."""
        return self._to_clerk.hung_up

    @property
    def citizen_hung_up(self) -> bool:
        """The same for the citizen's."""
        return self._to_citizen.hung_up

    async def close(self) -> None:
        """End both connections. Raises what went wrong in the attack itself, which then proved nothing."""
        for task in self._tasks:
            task.cancel()
        ends = await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(self._to_citizen.pc.close(), self._to_clerk.pc.close())
        for end in ends:
            if isinstance(end, Exception):
                raise end

    def _route(self, citizen: WebSocketRoute) -> None:
        server = citizen.connect_to_server()

        def from_citizen(frame: str | bytes) -> None:
            message = json.loads(frame)
            if message["type"] == "description":
                self._work.put_nowait(lambda: self._to_citizen.hear(message["description"]))
            elif message["type"] == "candidate":
                self._work.put_nowait(lambda: self._to_citizen.add(message["candidate"]))
            elif message["type"] != "restart-request":
                server.send(frame)

        def from_clerk(frame: str | bytes) -> None:
            message = json.loads(frame)
            if message["type"] == "description":
                self._work.put_nowait(lambda: self._come_between(message, citizen, server))
            elif message["type"] == "candidate":
                self._work.put_nowait(lambda: self._to_clerk.add(message["candidate"]))
            else:
                citizen.send(frame)

        citizen.on_message(from_citizen)
        server.on_message(from_clerk)

    async def _in_order(self) -> None:
        while True:
            await (await self._work.get())()

    async def _come_between(self, message: Json, citizen: WebSocketRoute, server: WebSocketRoute) -> None:
        if self.relays:
            return  # a restart of something that stands
        self.relays = True
        answer = await self._to_clerk.answer(message["description"])
        offer = await self._to_citizen.offer()
        self._pass_on_media()
        server.send(json.dumps({"type": "description", "description": answer}))
        citizen.send(json.dumps(message | {"description": offer}))
        self._pass_on(self._to_citizen.stage, self._to_clerk.stage)
        self._pass_on(self._to_clerk.stage, self._to_citizen.stage)
        self._tasks.append(asyncio.create_task(getattr(self, f"_{self._cunning}")()))

    def _pass_on_media(self) -> None:
        for receiver in self._to_clerk.pc.getReceivers():
            self._to_citizen.send(receiver.track)
        self._to_citizen.pc.on("track", self._to_clerk.send)

    def _pass_on(self, source: RTCDataChannel, target: RTCDataChannel) -> None:
        def relay(frame: str) -> None:
            if target.readyState == "open":
                target.send(frame)

        source.on("message", relay)

    async def _guesses(self) -> None:
        """Follow the protocol on both legs, and hope for equal codes."""
        await asyncio.gather(self._plays_clerk(), self._plays_citizen(secrets.token_bytes(32)))

    async def _forwards(self) -> None:
        """Hand every message on unchanged."""

        async def forward(source: Leg, target: Leg) -> None:
            while True:
                message = await source.heard.get()
                await _open(target.sas)
                target.say(message["type"], message["value"])

        await asyncio.gather(forward(self._to_citizen, self._to_clerk), forward(self._to_clerk, self._to_citizen))

    async def _grinds(self) -> None:
        """Learn the citizen's code first, then look for a nonce that gives the clerk the same."""
        wanted = await self._plays_clerk()
        leg, clerks_nonce = self._to_clerk, await self._commits(secrets.token_bytes(32))
        fingerprints = leg.own_fingerprint, leg.their_fingerprint
        found = await asyncio.to_thread(_grind, wanted, self._call_id, *fingerprints, clerks_nonce)
        leg.say("reveal", found.hex())

    async def _plays_clerk(self) -> int:
        """The clerk's part, towards the citizen. Returns the code that the citizen is shown."""
        leg, nonce = self._to_citizen, secrets.token_bytes(32)
        await leg.hears("commit")
        leg.say("nonce", nonce.hex())
        citizens = bytes.fromhex(await leg.hears("reveal"))
        return code(self._call_id, leg.their_fingerprint, leg.own_fingerprint, citizens, nonce)

    async def _plays_citizen(self, nonce: bytes) -> None:
        await self._commits(nonce)
        self._to_clerk.say("reveal", nonce.hex())

    async def _commits(self, nonce: bytes) -> bytes:
        leg = self._to_clerk
        await _open(leg.sas)
        fields = b"vba-sas/1 commit", self._call_id.encode(), b"citizen", leg.own_fingerprint.encode(), nonce
        leg.say("commit", hashlib.sha256(_fields(*fields)).hexdigest())
        return bytes.fromhex(await leg.hears("nonce"))


def code(call_id: str, citizen: str, clerk: str, citizens_nonce: bytes, clerks_nonce: bytes) -> int:
    """The six digits, after the protocol's definition."""
    fields = b"vba-sas/1 code", call_id.encode(), citizen.encode(), clerk.encode(), citizens_nonce, clerks_nonce
    return int.from_bytes(hashlib.sha256(_fields(*fields)).digest()[:8], "big") % 1_000_000


def _grind(wanted: int, call_id: str, citizen: str, clerk: str, clerks_nonce: bytes) -> bytes:
    for number in range(MOST_TRIES):
        nonce = number.to_bytes(32, "big")
        if code(call_id, citizen, clerk, nonce, clerks_nonce) == wanted:
            return nonce
    raise AssertionError("the attacker was too slow to prove anything")


def _fields(*fields: bytes) -> bytes:
    return b"".join(len(field).to_bytes(4, "big") + field for field in fields)


def _plain(fingerprint: str) -> str:
    return fingerprint.replace(":", "").lower()


async def _open(channel: RTCDataChannel) -> None:
    opened = asyncio.Event()
    channel.on("open", opened.set)
    if channel.readyState != "open":
        with suppress(TimeoutError):
            await asyncio.wait_for(opened.wait(), 60)
    assert channel.readyState == "open"
