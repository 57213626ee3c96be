"""Real Chromium browsers with a fake camera, watched for everything that must not happen in them."""

import asyncio
import os
import shutil
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Literal

import camera
from playwright.async_api import BrowserContext, ConsoleMessage, Locator, Page, Request, async_playwright, expect
from system import ROOT

Device = Literal["phone", "desk"]

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# No request leaves this machine, not even a name is looked up: what a page needs, the gateway serves.
FLAGS = (
    "--no-sandbox",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--allow-loopback-in-peer-connection",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-sync",
    "--no-first-run",
    "--no-pings",
)
# Under load a page may be slow; only a wrong one waits this long.
PATIENCE_MS = 45_000
expect.set_options(timeout=PATIENCE_MS)

_KEEP_CONNECTIONS = """
const Native = window.RTCPeerConnection;
window.connections = [];
window.RTCPeerConnection = class extends Native {
  constructor(configuration) { super(configuration); window.connections.push(this); }
  // A closed connection tells nothing any more: what it told last is kept.
  close() { this.told ??= super.getStats(); super.close(); }
};
"""
# What screen readers would be told: every line that announce() puts into one of its regions. Not in frames: in one
# that may run no script, each call of the observer is a refusal.
_KEEP_ANNOUNCEMENTS = """
window.announced = [];
if (window === top) new MutationObserver((changes) => {
  for (const change of changes) {
    if (!change.target.matches?.("[data-announce]")) continue;
    for (const line of change.addedNodes) window.announced.push(line.textContent);
  }
}).observe(document, { childList: true, subtree: true });
"""
_PACKETS = """
async () => {
  const sum = { sent: 0, received: 0, decoded: 0 };
  for (const connection of window.connections) {
    for (const [, one] of await (connection.told ?? connection.getStats())) {
      sum.sent += one.type === "outbound-rtp" ? one.packetsSent ?? 0 : 0;
      sum.received += one.type === "inbound-rtp" ? one.packetsReceived ?? 0 : 0;
      sum.decoded += one.type === "inbound-rtp" ? one.framesDecoded ?? 0 : 0;
    }
  }
  return sum;
}
"""
# Of a colour that is on its way to another one axe would say that nobody can read it. What never ends goes on.
_END_ANIMATIONS = """
() => {
  for (const each of document.getAnimations()) {
    if (each.effect?.getComputedTiming().endTime !== Infinity) each.finish();
  }
}
"""
_PICTURE = """
(tile) => {
  const video = tile instanceof HTMLVideoElement ? tile : tile.querySelector("video");
  if (!video || !video.videoWidth) return null;
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth; canvas.height = video.videoHeight;
  const paper = canvas.getContext("2d");
  paper.drawImage(video, 0, 0);
  const corner = paper.getImageData(canvas.width * 0.05, canvas.height * 0.1, 1, 1).data;
  const frames = video.getVideoPlaybackQuality().totalVideoFrames;
  return { time: video.currentTime, frames, corner: [...corner].slice(0, 3) };
}
"""


async def until(condition: Callable[[], Awaitable[Any]], seconds: float = 45, what: str = "") -> Any:
    """Polls until `condition()` gives something truthy and returns that. Raises AssertionError after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        value = await condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"not within {seconds} s: {what or condition}"
        await asyncio.sleep(0.05)


class Window:
    """One person's browser: a page, and what went wrong in it."""

    def __init__(self, device: Device, context: BrowserContext, page: Page, origin: str) -> None:
        self.device, self.context, self.page, self.origin = device, context, page, origin
        self.troubles: list[str] = []
        context.on("console", self._said)
        context.on("weberror", lambda error: self.troubles.append(f"exception: {error.error}"))
        context.on("request", self._asked)

    def _said(self, message: ConsoleMessage) -> None:
        # A refusal by the content security policy is such a message, too.
        if message.type == "error":
            self.troubles.append(f"console: {message.text} ({message.location.get('url')})")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self.origin, "blob:", "data:", "about:")):
            self.troubles.append(f"asks another origin: {request.url}")

    def at(self, testid: str) -> Locator:
        """The element with that data-testid."""
        return self.page.get_by_test_id(testid)

    async def click(self, testid: str) -> None:
        """Click. Not a tap on the phone: after touches that a test made, Chromium may swallow the next ones."""
        await self.at(testid).click()

    async def photograph(self, step: str) -> None:
        """Keep what the person sees, when SCHALTER_SCREENSHOTS names a folder."""
        folder = os.environ.get("SCHALTER_SCREENSHOTS")
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            await self.page.screenshot(path=Path(folder) / f"{step}-{self.device}.png", animations="disabled")

    async def sees_moving(self, wall: camera.Colour, testid: str = "remote-video") -> None:
        """Return once the picture moves and shows the room with that wall."""
        tile = self.at(testid).first

        async def picture() -> Any:
            return await tile.evaluate(_PICTURE)

        first = await until(picture, what=f"{self.device}: a picture in {testid}")

        async def moves() -> bool:
            now = await picture()
            return bool(now and now["time"] > first["time"] and now["frames"] > first["frames"] + 3)

        await until(moves, what=f"{self.device}: frames flow in {testid}")
        corner = (await picture())["corner"]
        assert all(abs(seen - real) < 60 for seen, real in zip(corner, wall, strict=True)), (self.device, corner, wall)

    async def announced(self, words: str) -> None:
        """Return once a screen reader was told these words; fails when it was told them more than once."""

        async def told() -> Any:
            lines: list[str] = await self.page.evaluate("() => window.announced")
            return [line for line in lines if words in line]

        lines = await until(told, what=f"{self.device}: announced {words!r}")
        assert len(lines) == 1, lines

    async def packets(self) -> dict[str, int]:
        """RTP packets sent and received and frames decoded so far, over all connections of the page."""
        counted: dict[str, int] = await self.page.evaluate(_PACKETS)
        return counted

    async def barriers(self, where: str) -> list[str]:
        """What axe finds wrong on the page as it is now, once what fades or moves has come to its end."""
        if not await self.page.evaluate("() => 'axe' in window"):
            await self.page.evaluate((ROOT / "web/node_modules/axe-core/axe.min.js").read_text())
        await self.page.evaluate(_END_ANIMATIONS)
        found = await self.page.evaluate(
            "() => axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })"
        )
        return [f"{where}: {one['id']} at {one['nodes'][0]['target']}: {one['help']}" for one in found["violations"]]


class Browsers:
    """Opens windows, each in a browser process of its own, and closes them all. Use as an async context manager."""

    def __init__(self, origin: str, films: Path) -> None:
        self.origin, self._films, self._stack = origin, films, AsyncExitStack()
        self._windows: list[Window] = []

    async def __aenter__(self) -> "Browsers":
        self._playwright = await self._stack.enter_async_context(async_playwright())
        return self

    async def __aexit__(self, failure: type[BaseException] | None, *rest: object) -> None:
        if failure is not None:
            for window in self._windows:
                await window.photograph("failure")
                print(window.device, window.page.url.split("#")[0], *window.troubles, sep="\n  ")
        await self._stack.aclose()

    async def open(self, device: Device, **options: Any) -> Window:
        """A browser with an own camera: a phone in the citizen's hand, or the clerk's desk."""
        look = camera.CITIZEN if device == "phone" else camera.CLERK
        film = self._films / f"{device}.y4m"
        if not film.exists():
            camera.write(film, look)
        browser = await self._playwright.chromium.launch(
            executable_path=next(path for path in map(shutil.which, CHROMIUM) if path),
            args=[*FLAGS, f"--use-file-for-fake-video-capture={film}"],
        )
        self._stack.push_async_callback(browser.close)
        shape: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}}
        if device == "phone":
            shape = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
            shape["device_scale_factor"] = 2
        context = await browser.new_context(
            locale="de-DE",
            timezone_id="Europe/Berlin",
            reduced_motion="reduce",
            permissions=["camera", "microphone"],
            **shape | options,
        )
        context.set_default_timeout(PATIENCE_MS)
        await context.add_init_script(_KEEP_CONNECTIONS)
        await context.add_init_script(_KEEP_ANNOUNCEMENTS)
        page = await context.new_page()
        self._windows.append(Window(device, context, page, self.origin))
        return self._windows[-1]
