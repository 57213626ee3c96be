"""A person who has nothing but a keyboard, and hears what a screen reader says."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from browser import Window, until
from playwright.async_api import expect

# What has the focus: what it is, whether one sees it, and whose case it belongs to.
_FOCUSED = """
() => {
  const one = document.activeElement;
  const nothing = { testid: null, id: null, ring: false, text: "", value: null, case: null };
  if (!one || one === document.body) return { tag: "BODY", ...nothing };
  const style = (element) => getComputedStyle(element);
  const rings = (element) => style(element).outlineStyle !== "none" && parseFloat(style(element).outlineWidth) >= 2;
  // A box or dot that is drawn by its label has its ring there.
  const shown = [one, ...(one.labels ?? [])];
  return {
    tag: one.tagName,
    testid: one.dataset.testid ?? null,
    id: one.id || null,
    ring: shown.some(rings),
    text: one.textContent.trim().slice(0, 80),
    value: one.value ?? null,
    case: one.closest("[data-case]")?.dataset.case ?? null,
  };
}
"""
# Regions that speak by themselves, beside announce(): what is in both is read twice.
_KEEP_LIVE = """
window.spoken = [];
const known = new WeakMap();
const speaking = "[role=status], [role=alert], [aria-live]:not([data-announce], [aria-live=off])";
const words = (region) => region.textContent.replace(/\\s+/g, " ").trim();
new MutationObserver(() => {
  for (const region of document.querySelectorAll(speaking)) {
    const text = words(region);
    if (text !== "" && text !== known.get(region)) window.spoken.push(text);
    known.set(region, text);
  }
}).observe(document, { childList: true, subtree: true, characterData: true });
"""
_MOST_TABS = 150
#: After this the queue of announcements, which keeps them apart, has said what belongs together.
_QUIET_SECONDS = 0.5


class Keys:
    """Goes through a page by Tab, and asserts at every stop that the focus is seen."""

    def __init__(self, window: Window) -> None:
        self.window = window
        self._heard = {"announced": 0, "spoken": 0}

    async def listens(self) -> None:
        """Begin to listen: before the window opens its first page."""
        await self.window.context.add_init_script(_KEEP_LIVE)

    async def focused(self) -> dict[str, Any]:
        """What has the focus now."""
        found: dict[str, Any] = await self.window.page.evaluate(_FOCUSED)
        return found

    async def goes_to(self, testid: str, case: str | None = None) -> None:
        """Tab until what has that test id (of that case) has the focus; every stop on the way shows its ring."""
        stops = []
        here = await self.focused()
        for _ in range(_MOST_TABS):
            if here["testid"] == testid and case in (None, here["case"]):
                assert here["ring"], here
                return
            await self.window.page.keyboard.press("Tab")
            here = await self.focused()
            if here["tag"] not in ("BODY", "HTML"):  # past the last stop begins the browser's own frame
                assert here["ring"], here
            stops.append(here["testid"] or here["text"] or here["tag"])
        raise AssertionError(f"no way by Tab to {testid}: {stops}")

    async def presses(self, testid: str, key: str = "Enter", case: str | None = None) -> None:
        """Go there and press it, once it may be pressed: a button that has just come rests for a moment."""
        await self.goes_to(testid, case)
        await expect(self.window.page.locator(":focus")).to_be_enabled()
        await self.window.page.keyboard.press(key)

    async def types(self, testid: str, text: str) -> None:
        """Go to a field and type."""
        await self.goes_to(testid)
        await self.window.page.keyboard.type(text)

    async def chooses(self, testid: str, value: str) -> None:
        """Go to a list and walk it by the arrow keys to that value."""
        await self.goes_to(testid)
        await self.window.page.keyboard.press("Home")
        for _ in range(20):
            if (await self.focused())["value"] == value:
                return
            await self.window.page.keyboard.press("ArrowDown")
        raise AssertionError(f"{testid} has no {value}")

    async def stands_on(self, what: str, says: str = "") -> None:
        """The focus has come to that element (a tag, a test id or an id) with these words, and one sees it."""
        here: dict[str, Any] = {}

        async def arrived() -> bool:
            here.update(await self.focused())
            return what in (here["tag"], here["testid"], here["id"]) and says in here["text"]

        try:
            await until(arrived)
        except AssertionError:
            raise AssertionError(f"the focus is not on {what} {says!r} but on {here}") from None
        assert here["ring"], here

    @asynccontextmanager
    async def hears(self, words: str, besides: Sequence[str] = ()) -> AsyncIterator[None]:
        """What is done within is said with these words, once and no more, whether announced or by a region that speaks.

        `besides`: what may be said of other things.
        """
        lines: list[str] = []
        await self._news()
        yield

        async def said() -> bool:
            lines.extend(line for line in await self._news() if not any(other in line for other in besides))
            return any(words in line for line in lines)

        try:
            await until(said)
        except AssertionError:
            raise AssertionError(f"nobody said {words!r}, but {lines}") from None
        await asyncio.sleep(_QUIET_SECONDS)
        await said()
        assert len(lines) == 1, f"more was said than {words!r}: {lines}"

    async def _news(self) -> list[str]:
        news: list[str] = []
        for ear, before in self._heard.items():
            lines: list[str] = await self.window.page.evaluate(f"() => window.{ear}")
            # A new document begins with nothing.
            news += lines[before if len(lines) >= before else 0 :]
            self._heard[ear] = len(lines)
        return news
