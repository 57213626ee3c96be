"""The peer of the technical check: a WebRTC end that sends back what it gets, for a minute at most.

aiortc decodes and encodes here, which costs up to a quarter of a core per session; hence the caps, and a process apart.
"""

import asyncio
import re
import secrets
from typing import Final

import structlog
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCDataChannel,
    RTCPeerConnection,
    RTCSessionDescription,
)
from av import VideoFrame
from av.frame import Frame
from prometheus_client import Counter, Gauge

from chassis.metrics import at_zero
from chassis.problems import Problem

log = structlog.get_logger(__name__)

SESSION_SECONDS: Final = 60.0
CONNECT_SECONDS: Final = 10.0
#: What one session may have echoed on "throughput": enough for a reading, too little for a free relay.
THROUGHPUT_BYTES: Final = 8 * 1024 * 1024
PING_MESSAGES: Final = 2_000
_PING_CHARACTERS: Final = 256
_VIDEO_WIDTH, _VIDEO_HEIGHT = 320, 240
_VIDEO_GAP_SECONDS: Final = 1 / 15 - 0.005
_MAX_CANDIDATES: Final = 40
_MAX_MEDIA: Final = {"audio": 1, "video": 1, "application": 1}

CHECKS: Final = Gauge("schalter_signaling_checks", "Technical checks that run now. Sum of processes.")
CHECKS_STARTED: Final = Counter("schalter_signaling_checks_started_total", "Technical checks begun.", ("outcome",))
at_zero(CHECKS_STARTED, ("started", "busy"))


class CheckBusy(Problem):
    code, status, title = "check_busy", 503, "Too many people are testing at the moment"


class SdpInvalid(Problem):
    code, status, title = "sdp_invalid", 422, "The offer cannot be used"


class SmallVideo(MediaStreamTrack):
    """A video track made small and slow, so that encoding it again stays cheap whatever the browser sends."""

    kind = "video"

    def __init__(self, source: MediaStreamTrack) -> None:
        super().__init__()
        self._source = source
        self._last = float("-inf")

    async def recv(self) -> Frame:
        """The next frame to send back. Raises MediaStreamError at the end of the source."""
        while True:
            frame = await self._source.recv()
            if not isinstance(frame, VideoFrame):
                continue
            if frame.time is not None:
                if frame.time - self._last < _VIDEO_GAP_SECONDS:
                    continue
                self._last = frame.time
            return _shrink(frame)


def _shrink(frame: VideoFrame) -> VideoFrame:
    if frame.width <= _VIDEO_WIDTH and frame.height <= _VIDEO_HEIGHT:
        return frame
    scale = min(_VIDEO_WIDTH / frame.width, _VIDEO_HEIGHT / frame.height)
    small = frame.reformat(width=int(frame.width * scale) // 2 * 2, height=int(frame.height * scale) // 2 * 2)
    small.pts, small.time_base = frame.pts, frame.time_base
    return small


class Echo:
    """All running sessions. `limit` at once; `address` replaces the machine's own in the answers (1:1 NAT)."""

    def __init__(self, limit: int, address: str | None = None) -> None:
        self._limit = limit
        self._address = address
        self._sessions: dict[str, RTCPeerConnection] = {}
        self._deadlines: set[asyncio.Task[None]] = set()

    async def open(self, sdp: str) -> tuple[str, str]:
        """Answer a complete offer (no trickling). Returns (check id, answer).

        Raises CheckBusy with Retry-After when `limit` sessions run, SdpInvalid for an offer that cannot be used.
        """
        _require_modest(sdp)
        if len(self._sessions) >= self._limit:
            CHECKS_STARTED.labels("busy").inc()
            raise CheckBusy("Please try again in a few seconds.", headers={"Retry-After": "10"})
        # No ICE server: aiortc's default would be a third party's.
        peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        check_id = secrets.token_urlsafe(16)
        self._sessions[check_id] = peer
        CHECKS.set(len(self._sessions))
        try:
            answer = await _answer(peer, sdp)
        except BaseException:
            await self._close(check_id)
            raise
        self._watch(check_id, peer)
        CHECKS_STARTED.labels("started").inc()
        return check_id, answer if self._address is None else advertise(answer, self._address)

    async def close(self) -> None:
        """End all sessions."""
        for task in self._deadlines:
            task.cancel()
        for check_id in list(self._sessions):
            await self._close(check_id)

    def _watch(self, check_id: str, peer: RTCPeerConnection) -> None:
        connected = asyncio.Event()
        over = asyncio.Event()

        @peer.on("connectionstatechange")
        def changed() -> None:
            if peer.connectionState == "connected":
                connected.set()
            elif peer.connectionState in ("failed", "closed"):
                connected.set()
                over.set()

        async def deadline() -> None:
            try:
                await asyncio.wait_for(connected.wait(), CONNECT_SECONDS)
                await asyncio.wait_for(over.wait(), SESSION_SECONDS)
            except TimeoutError:
                log.debug("check_timed_out", connected=connected.is_set())
            finally:
                await self._close(check_id)

        task = asyncio.create_task(deadline())
        self._deadlines.add(task)
        task.add_done_callback(self._deadlines.discard)

    async def _close(self, check_id: str) -> None:
        peer = self._sessions.pop(check_id, None)
        CHECKS.set(len(self._sessions))
        if peer is not None:
            await peer.close()


def advertise(sdp: str, address: str) -> str:
    """`sdp` with `address` in place of the host candidates' IPv4 addresses."""
    return re.sub(r"(?m)^(a=candidate:\S+ \d+ udp \d+ )[\d.]+( \d+ typ host)", rf"\g<1>{address}\g<2>", sdp)


def _require_modest(sdp: str) -> None:
    media = re.findall(r"(?m)^m=(\w+) ", sdp)
    if not media or any(media.count(kind) > _MAX_MEDIA.get(kind, 0) for kind in media):
        raise SdpInvalid("At most one audio, one video and one data section.")
    if sdp.count("a=candidate:") > _MAX_CANDIDATES:
        raise SdpInvalid("Too many candidates.")


async def _answer(peer: RTCPeerConnection, sdp: str) -> str:
    @peer.on("track")
    def track(source: MediaStreamTrack) -> None:
        peer.addTrack(SmallVideo(source) if source.kind == "video" else source)

    @peer.on("datachannel")
    def datachannel(channel: RTCDataChannel) -> None:
        _echo_messages(channel)

    try:
        await peer.setRemoteDescription(RTCSessionDescription(sdp=sdp, type="offer"))
        await peer.setLocalDescription(await peer.createAnswer())
    except Exception as error:  # the parser raises anything at all on what strangers send
        raise SdpInvalid("The offer cannot be read.") from error
    answer: str = peer.localDescription.sdp
    return answer


def _echo_messages(channel: RTCDataChannel) -> None:
    """ "ping" sends back short texts, "throughput" bytes; each up to its allowance, anything else is swallowed."""
    left = THROUGHPUT_BYTES if channel.label == "throughput" else PING_MESSAGES

    @channel.on("message")
    def message(data: str | bytes) -> None:
        nonlocal left
        if channel.label == "throughput" and isinstance(data, bytes):
            left -= len(data)
        elif channel.label == "ping" and isinstance(data, str) and len(data) <= _PING_CHARACTERS:
            left -= 1
        else:
            return
        if left >= 0 and channel.readyState == "open":
            channel.send(data)
