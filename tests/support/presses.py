"""A hand that presses everything twice: what a double click did, judged in the page itself."""

import asyncio
from typing import Any

from browser import Window
from playwright.async_api import Locator, Request, expect

#: What a page sends without anybody pressing: a connection that comes back, a session that goes on.
_BY_ITSELF = ("signaling/tickets", "casework/session/refresh")
#: Between the two halves: slow enough for the page to have changed under the finger, quick enough for a double click.
_PAUSE_SECONDS = 0.25

# Registered before the page's own listeners: notes what each click hit as it was hit, and whether it got through.
_WATCH = """
window.presses = [];
const controls = "a[href], button, summary, [role=button], [role=tab], input, select, label";
const named = (control) => [control.dataset.testid ?? "", control.textContent.trim() || control.ariaLabel].join("|");
window.addEventListener("click", (event) => {
  const control = event.target.closest(controls);
  event.noted = { what: control && named(control), acts: control?.ariaDisabled !== "true", reached: false };
  window.presses.push(event.noted);
}, { capture: true });
window.addEventListener("click", (event) => { event.noted.reached = true; });

const look = () => {
  for (const one of document.querySelectorAll(".kern-btn--primary")) {
    if (one.checkVisibility() && one.ariaDisabled !== "true") void window.sawPrimary(named(one));
  }
};
let wanted = false;
new MutationObserver(() => {
  if (wanted) return;
  wanted = true;
  setTimeout(() => { wanted = false; look(); }, 60);
}).observe(document, { childList: true, subtree: true, attributes: true, characterData: true });
"""


class Presses:
    """Presses the primary buttons of one window twice in a row and notes which ones there were."""

    def __init__(self, window: Window) -> None:
        self.window = window
        self.seen: set[str] = set()
        self.pressed: set[str] = set()
        self.declined: set[str] = set()
        self.wrong: list[str] = []
        self._sent: list[str] = []

    async def watches(self) -> None:
        """Begin to watch: before the window opens its first page."""
        await self.window.context.expose_function("sawPrimary", lambda what: self.seen.add(what))
        await self.window.context.add_init_script(_WATCH)
        self.window.page.on("request", self._asked)

    def _asked(self, request: Request) -> None:
        path = request.url.split("/api/")[-1]
        if request.method == "GET" or "/api/" not in request.url or path in _BY_ITSELF:
            return
        # A proof of work is asked for, and then the request is sent again.
        if "proof-of-work" not in request.headers:
            self._sent.append(f"{request.method} {path}")

    @property
    def left(self) -> set[str]:
        """Primary buttons that could have been pressed and were neither pressed nor declined in a question."""
        return self.seen - self.pressed - self.declined

    async def twice(self, button: str | Locator) -> None:
        """Press a button twice where it stands, and judge what came of it."""
        page = self.window.page
        button = self.window.at(button) if isinstance(button, str) else button
        await expect(button).to_be_enabled()
        await button.hover()
        await page.evaluate("() => { window.presses = []; }")
        self._sent = []
        for count in (1, 2):
            await page.mouse.down(click_count=count)
            await page.mouse.up(click_count=count)
            await asyncio.sleep(_PAUSE_SECONDS)
        self._judge(await page.evaluate("() => window.presses"))

    async def enters_twice(self, keys: str, what: str) -> None:
        """The same with a shortcut: `what` is the primary button it stands for."""
        self._sent = []
        await expect(self.window.at(what)).to_be_enabled()
        self.pressed.add(await _name(self.window.at(what)))
        for _ in range(2):
            await self.window.page.keyboard.press(keys)
            await asyncio.sleep(_PAUSE_SECONDS)
        self._repeats(what)

    async def asks(self, opener: str | Locator, dialog: str) -> None:
        """What `opener` opens asks first, and whoever goes on pressing Enter changes nothing."""
        page = self.window.page
        opener = self.window.at(opener) if isinstance(opener, str) else opener
        await opener.click()
        shown = self.window.at(dialog)
        await expect(shown).to_be_visible()
        await expect(shown.locator("footer .kern-btn--secondary").first).to_be_focused()
        self.declined.add(await _name(shown.locator("footer .kern-btn--primary")))
        self._sent = []
        await page.keyboard.press("Enter")
        await page.keyboard.press("Enter")
        await asyncio.sleep(_PAUSE_SECONDS)
        if await shown.is_visible():  # The second Enter opened it again.
            await page.keyboard.press("Escape")
        await expect(shown).to_be_hidden()
        self.wrong += [f"{dialog}: sent {sent}" for sent in self._sent]

    def _judge(self, presses: list[dict[str, Any]]) -> None:
        assert presses, "the click hit nothing"
        first = presses[0]["what"]
        self.pressed.add(first)
        # One gesture, one act: the second half did what the first did, or nothing at all.
        also = {one["what"] for one in presses if one["what"] and one["acts"] and one["reached"]} - {first}
        self.wrong += [f"{first}: also pressed {what}" for what in also]
        self._repeats(first)

    def _repeats(self, what: str) -> None:
        repeated = {sent for sent in self._sent if self._sent.count(sent) > 1}
        self.wrong += [f"{what}: sent twice: {sent}" for sent in repeated]


async def _name(button: Locator) -> str:
    name: str = await button.evaluate("(button) => [button.dataset.testid ?? '', button.textContent.trim()].join('|')")
    return name
