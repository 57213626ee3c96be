"""The technical check's echo, tried by another WebRTC end: pings, throughput, audio and small video come back."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from fractions import Fraction
from typing import Any

import httpx
import pytest
from aiortc import MediaStreamTrack, RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack
from av import VideoFrame

from signaling import echo as module
from signaling.check_app import build
from signaling.echo import Echo, advertise
from signaling.settings import CheckSettings


class Camera(MediaStreamTrack):
    """640x480 at 30 frames per second."""

    kind = "video"

    def __init__(self) -> None:
        super().__init__()
        self.sent = 0

    async def recv(self) -> VideoFrame:
        await asyncio.sleep(1 / 30)
        frame = VideoFrame(640, 480, "yuv420p")
        for plane in frame.planes:
            plane.update(bytes([self.sent % 200]) * plane.buffer_size)
        frame.pts, frame.time_base = self.sent * 3000, Fraction(1, 90000)
        self.sent += 1
        return frame


@asynccontextmanager
async def checking(**settings: int) -> AsyncIterator[httpx.AsyncClient]:
    app = build(CheckSettings.model_validate({"log_level": "warning", **settings}))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://check", timeout=20) as client,
    ):
        yield client


@asynccontextmanager
async def browser() -> AsyncIterator[RTCPeerConnection]:
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    try:
        yield peer
    finally:
        await peer.close()


async def offer(peer: RTCPeerConnection) -> str:
    await peer.setLocalDescription(await peer.createOffer())
    sdp: str = peer.localDescription.sdp
    return sdp


async def begin(client: httpx.AsyncClient, peer: RTCPeerConnection) -> None:
    answer = await client.post("/api/signaling/check/sessions", json={"sdp": await offer(peer)})
    assert answer.status_code == 201, answer.text
    assert answer.json()["check_id"]
    await peer.setRemoteDescription(RTCSessionDescription(answer.json()["sdp"], "answer"))


def messages(channel: RTCDataChannel) -> "asyncio.Queue[Any]":
    queue: asyncio.Queue[Any] = asyncio.Queue()
    channel.on("message", queue.put_nowait)
    return queue


async def opened(channel: RTCDataChannel) -> None:
    async with asyncio.timeout(15):
        while channel.readyState != "open":
            await asyncio.sleep(0.01)


async def test_pings_bytes_audio_and_small_video_come_back() -> None:
    async with checking() as client, browser() as peer:
        ping, throughput = peer.createDataChannel("ping"), peer.createDataChannel("throughput")
        other = peer.createDataChannel("other")
        pongs, returned, nothing = messages(ping), messages(throughput), messages(other)
        peer.addTrack(AudioStreamTrack())
        peer.addTrack(Camera())
        tracks: asyncio.Queue[MediaStreamTrack] = asyncio.Queue()
        peer.on("track", tracks.put_nowait)
        await begin(client, peer)
        got = {track.kind: track for track in [await tracks.get(), await tracks.get()]}
        await opened(ping)

        started = time.monotonic()
        ping.send("7")
        assert await asyncio.wait_for(pongs.get(), 5) == "7"
        assert time.monotonic() - started < 2

        await opened(throughput)
        for _ in range(16):
            throughput.send(b"x" * 16_384)
        size = 0
        async with asyncio.timeout(20):
            while size < 16 * 16_384:
                size += len(await returned.get())

        ping.send("x" * 257)
        other.send("hello")
        ping.send("8" * 256)
        assert await asyncio.wait_for(pongs.get(), 5) == "8" * 256, "longer texts are swallowed"
        assert nothing.empty()

        assert await asyncio.wait_for(got["audio"].recv(), 10)
        frame = await asyncio.wait_for(got["video"].recv(), 10)
        assert isinstance(frame, VideoFrame)
        assert (frame.width, frame.height) == (320, 240)


async def test_only_so_many_test_at_once_and_a_place_is_free_again_afterwards() -> None:
    async with checking(check_sessions=1) as client:
        async with browser() as first, browser() as second:
            channel = first.createDataChannel("ping")
            await begin(client, first)
            second.createDataChannel("ping")
            busy = await client.post("/api/signaling/check/sessions", json={"sdp": await offer(second)})
            assert (busy.status_code, busy.json()["code"]) == (503, "check_busy")
            assert busy.headers["retry-after"]
            await opened(channel)
        async with browser() as third, asyncio.timeout(20):
            third.createDataChannel("ping")
            sdp = await offer(third)
            while (await client.post("/api/signaling/check/sessions", json={"sdp": sdp})).status_code == 503:
                await asyncio.sleep(0.05)


@pytest.mark.parametrize("connects", [True, False])
async def test_a_session_ends_by_itself(monkeypatch: pytest.MonkeyPatch, connects: bool) -> None:
    monkeypatch.setattr(module, "SESSION_SECONDS", 0.5)
    monkeypatch.setattr(module, "CONNECT_SECONDS", 10 if connects else 0.5)
    echo = Echo(limit=1)
    async with browser() as peer:
        channel = peer.createDataChannel("ping")
        _, answer = await echo.open(await offer(peer))
        if connects:
            await peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
            await opened(channel)
        async with asyncio.timeout(10):
            while echo._sessions:
                await asyncio.sleep(0.02)
    await echo.close()


async def test_no_session_outlives_the_service() -> None:
    echo = Echo(limit=1)
    async with browser() as peer:
        peer.createDataChannel("ping")
        await echo.open(await offer(peer))
        (session,) = echo._sessions.values()
        await echo.close()
        await asyncio.sleep(0)
    assert (session.connectionState, echo._sessions, echo._deadlines) == ("closed", {}, set())


async def test_pings_end_some_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PING_MESSAGES", 2)
    async with checking() as client, browser() as peer:
        ping, again = peer.createDataChannel("ping"), peer.createDataChannel("ping")
        pongs, others = messages(ping), messages(again)
        await begin(client, peer)
        await opened(again)
        for number in range(3):
            ping.send(str(number))
        again.send("each channel by itself")
        await asyncio.wait_for(others.get(), 5)
    assert [pongs.get_nowait(), pongs.get_nowait(), pongs.empty()] == ["0", "1", True]


async def test_the_echo_is_no_free_relay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "THROUGHPUT_BYTES", 100_000)
    async with checking() as client, browser() as peer:
        throughput = peer.createDataChannel("throughput")
        ping = peer.createDataChannel("ping")
        returned, pongs = messages(throughput), messages(ping)
        await begin(client, peer)
        await opened(throughput)
        await opened(ping)
        for _ in range(20):
            throughput.send(b"x" * 10_000)
        async with asyncio.timeout(10):
            for _ in range(10):
                await returned.get()
        ping.send("still there")
        assert await asyncio.wait_for(pongs.get(), 5) == "still there"
        await asyncio.sleep(0.2)
        assert returned.empty()


MEDIA = "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n"


@pytest.mark.parametrize(
    "sdp",
    [
        "",
        "v=0",
        "nonsense",
        "v=0\r\n" + MEDIA,
        "v=0\r\n" + MEDIA * 2,
        "v=0\r\nm=image 9 udp t38\r\n",
        "v=0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=candidate:x\r\n",
        "v=0\r\n" + MEDIA + "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n" * 41,
        "\x00" * 1000,
    ],
)
async def test_an_offer_that_is_none_is_refused_and_takes_no_place(sdp: str) -> None:
    async with checking(check_sessions=1) as client:
        for _ in range(2):
            answer = await client.post("/api/signaling/check/sessions", json={"sdp": sdp})
            assert (answer.status_code, answer.json()["code"]) == (422, "sdp_invalid")


@pytest.mark.parametrize(
    "sdp",
    [
        "v=0\r\n" + MEDIA + "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n" * 40,
        "v=0\r\n" + MEDIA + "m=video 9 UDP/TLS/RTP/SAVPF 96\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n",
    ],
    ids=["40 candidates", "one of each"],
)
def test_an_offer_may_have_as_much_as_a_browser_says(sdp: str) -> None:
    module._require_modest(sdp)


@pytest.mark.parametrize("kind", ["audio", "video", "application"])
def test_one_of_each_kind_is_enough(kind: str) -> None:
    with pytest.raises(module.SdpInvalid):
        module._require_modest(f"v=0\r\nm={kind} 9 x 0\r\nm={kind} 9 x 0\r\n")


class Frames(MediaStreamTrack):
    """A camera whose frames are there already, of these moments in 30ths of a second."""

    kind = "video"

    def __init__(self, width: int, height: int, moments: list[int]) -> None:
        super().__init__()
        self._size, self._moments = (width, height), iter(moments)

    async def recv(self) -> VideoFrame:
        frame = VideoFrame(*self._size, "yuv420p")
        frame.pts, frame.time_base = next(self._moments), Fraction(1, 30)
        return frame


async def test_pictures_come_back_fifteen_times_a_second() -> None:
    small = module.SmallVideo(Frames(320, 240, [0, 1, 2, 3, 3, 4, 9]))
    assert [(await small.recv()).pts for _ in range(4)] == [0, 2, 4, 9]


@pytest.mark.parametrize(
    ("sent", "returned"),
    [
        ((320, 240), (320, 240)),
        ((160, 120), (160, 120)),
        ((640, 480), (320, 240)),
        ((1280, 720), (320, 180)),
        ((480, 640), (180, 240)),
        ((321, 240), (320, 238)),  # sides are even
        ((320, 242), (316, 240)),
    ],
)
async def test_pictures_come_back_small_and_undistorted(sent: tuple[int, int], returned: tuple[int, int]) -> None:
    frame = await module.SmallVideo(Frames(*sent, [5])).recv()
    assert isinstance(frame, VideoFrame)
    assert ((frame.width, frame.height), frame.pts, frame.time_base) == (returned, 5, Fraction(1, 30))


async def test_requests_that_are_none_are_refused() -> None:
    async with checking() as client:
        for body, status in (({}, 422), ({"sdp": 7}, 422), ({"sdp": "x", "y": 1}, 422), ({"sdp": "x" * 40_000}, 422)):
            assert (await client.post("/api/signaling/check/sessions", json=body)).status_code == status
        huge = await client.post("/api/signaling/check/sessions", content=b"x" * 100_000)
        assert huge.status_code == 413
        assert (await client.get("/readyz")).status_code == 200


@pytest.mark.parametrize("address", [None, "203.0.113.9"])
async def test_the_answer_names_the_address_that_the_service_was_given(address: str | None) -> None:
    echo = Echo(limit=1, address=address)
    async with browser() as peer:
        peer.createDataChannel("ping")
        _, answer = await echo.open(await offer(peer))
    assert ("203.0.113.9" in answer) == (address is not None)
    assert " typ host" in answer
    await echo.close()


def test_behind_nat_the_public_address_is_advertised() -> None:
    answer = (
        "a=candidate:abc 1 udp 2130706431 10.0.0.5 40000 typ host\r\n"
        "a=candidate:def 1 udp 2130706431 fd00::2 40001 typ host\r\n"
    )
    changed = advertise(answer, "203.0.113.9")
    assert "203.0.113.9 40000 typ host" in changed
    assert "10.0.0.5" not in changed
    assert "fd00::2 40001" in changed
