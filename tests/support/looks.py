"""What people would find wrong with a page and axe does not: hidden focus, words that overlap, break or are cut."""

from browser import Window

_TWICE = """
() => {
  const seen = new Set(), twice = new Set();
  for (const { id } of document.querySelectorAll("[id]")) (seen.has(id) ? twice : seen).add(id);
  return [...twice];
}
"""
# Rectangles of words, by the element that holds them. What floats above the page on purpose is left out: bars that
# stick, dialogs, what only screen readers get. A line's rectangle is higher than its letters, hence the two fifths.
_OVERLAPS = """
() => {
  const words = [], found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  const floats = new Map();
  const floating = (element) => {
    if (!element || element === document.body) return false;
    if (!floats.has(element)) {
      const style = getComputedStyle(element);
      const apart = ["fixed", "sticky"].includes(style.position) || element.matches("dialog, .kern-sr-only, svg, video")
        || style.clipPath !== "none" || style.opacity === "0";
      floats.set(element, apart || floating(element.parentElement));
    }
    return floats.get(element);
  };
  while (walker.nextNode()) {
    const { currentNode: node } = walker, element = node.parentElement;
    if (!node.data.trim() || !element.checkVisibility({ visibilityProperty: true }) || floating(element)) continue;
    range.selectNodeContents(node);
    // Seen is what every box around it lets through: a line in a list that is scrolled inside a page.
    const edge = { left: -Infinity, right: Infinity, top: -Infinity, bottom: Infinity };
    for (let up = element; up && up !== document.body; up = up.parentElement) {
      if (getComputedStyle(up).overflowX === "visible") continue;
      const box = up.getBoundingClientRect();
      edge.left = Math.max(edge.left, box.left);
      edge.right = Math.min(edge.right, box.right);
      edge.top = Math.max(edge.top, box.top);
      edge.bottom = Math.min(edge.bottom, box.bottom);
    }
    for (const box of range.getClientRects()) {
      const left = Math.max(box.left, edge.left), right = Math.min(box.right, edge.right);
      const top = Math.max(box.top, edge.top), bottom = Math.min(box.bottom, edge.bottom);
      if (right - left > 1 && bottom - top > 1) {
        words.push({ left, right, top, bottom, node, text: node.data.trim().slice(0, 40) });
      }
    }
  }
  for (const [index, one] of words.entries()) {
    for (const other of words.slice(index + 1)) {
      const across = Math.min(one.right, other.right) - Math.max(one.left, other.left);
      const down = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
      const low = Math.min(one.bottom - one.top, other.bottom - other.top);
      if (one.node !== other.node && across > 2 && down > low * 0.4) found.push(`"${one.text}" over "${other.text}"`);
    }
  }
  return found.slice(0, 5);
}
"""
# Words that go on in the next line without a hyphen, and lines that end in dots though their whole text stands nowhere.
# Some browsers have a dictionary to break words by: what is right without one is right with it.
_BROKEN = """
() => {
  const plain = new CSSStyleSheet(), found = new Set();
  plain.replaceSync("* { hyphens: manual !important }");
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, plain];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  while (walker.nextNode()) {
    const { currentNode: node } = walker, element = node.parentElement;
    const { clipPath, writingMode, textOverflow, overflowX } = getComputedStyle(element);
    if (clipPath !== "none" || writingMode !== "horizontal-tb" || !element.checkVisibility({ visibilityProperty: true })
      || element.closest(".kern-sr-only, pre, textarea, select")) continue;
    for (const { 0: word, index } of node.data.matchAll(/\\S+/g)) {
      if (/[@/]/.test(word)) continue;
      for (const { 0: part, index: at } of word.matchAll(/\\p{L}{2,}/gu)) {
        // A hyphen at the end of a line is counted to the letter that begins the next: its last box is its own.
        const top = (letter) => {
          range.setStart(node, index + at + letter);
          range.setEnd(node, index + at + letter + 1);
          return [...range.getClientRects()].at(-1)?.top ?? 0;
        };
        if (Math.abs(top(0) - top(part.length - 1)) > 2) found.add(`broken: "${part}"`);
      }
    }
    const cut = textOverflow === "ellipsis" && overflowX !== "visible" && element.scrollWidth > element.clientWidth + 1;
    if (cut && !element.closest("[title]")) found.add(`cut: "${node.data.trim()}"`);
  }
  document.adoptedStyleSheets = document.adoptedStyleSheets.filter((sheet) => sheet !== plain);
  return [...found].slice(0, 5);
}
"""
_TOO_WIDE = """
() => {
  const { scrollWidth, clientWidth } = document.documentElement;
  return scrollWidth > clientWidth ? [`${scrollWidth} px in ${clientWidth} px`] : [];
}
"""
# What takes the focus, from the keyboard or from the page, and the ring that shows it: its own, or its label's around a
# radio button that is hidden.
_RINGS = """
(measured) => {
  const paper = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const light = (colour) => {
    paper.clearRect(0, 0, 1, 1);
    paper.fillStyle = colour;
    paper.fillRect(0, 0, 1, 1);
    const [red, green, blue] = [...paper.getImageData(0, 0, 1, 1).data].map((one) => {
      const part = one / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const clear = (colour) => /[,/] ?0\\)$/.test(colour) || colour === "transparent";
  const groundOf = (element) => {
    while (element && clear(getComputedStyle(element).backgroundColor)) element = element.parentElement;
    return element ? getComputedStyle(element).backgroundColor : "white";
  };
  const before = document.activeElement, place = [scrollX, scrollY], found = [];
  let walked = 0;
  const all = "a[href], button, input, select, textarea, summary, iframe, [tabindex]";
  for (const element of document.querySelectorAll(all)) {
    element.focus({ preventScroll: true });
    if (document.activeElement !== element || element.tagName === "IFRAME") continue;
    walked += 1;
    document.getAnimations()
      .filter((one) => one.effect?.getComputedTiming().endTime !== Infinity)
      .forEach((one) => one.finish());
    const proxy = element.classList.contains("kern-sr-only") ? element.closest("label") : null;
    const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(proxy ?? element);
    const name = element.dataset.testid ?? (element.id || element.outerHTML.slice(0, 120));
    if (outlineStyle === "none" || parseFloat(outlineWidth) < 2) found.push(`no ring around ${name}`);
    else if (measured) {
      const [one, other] = [light(outlineColor), light(groundOf((proxy ?? element).parentElement))];
      const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
      if (contrast < 3) found.push(`ring of ${contrast.toFixed(1)}:1 around ${name}`);
    }
  }
  before?.focus({ preventScroll: true });
  scrollTo(...place);
  return { walked, found };
}
"""


async def faults(window: Window, where: str) -> list[str]:
    """Ids that are given twice, words that lie over others, break or end in dots, and a page wider than its window."""
    page = window.page
    return [
        f"{where}: {what}: {one}"
        for what, script in (
            ("id given twice", _TWICE),
            ("words overlap", _OVERLAPS),
            ("words", _BROKEN),
            ("too wide", _TOO_WIDE),
        )
        for one in await page.evaluate(script)
    ]


async def rings(window: Window, where: str, *, forced: bool = False) -> list[str]:
    """What takes the focus without showing it, or with less contrast than 3:1. Where colours are forced, they are the
    system's, which has its own measure."""
    # A focus that follows a key is one to be shown.
    await window.page.keyboard.press("Tab")
    seen = await window.page.evaluate(_RINGS, not forced)
    assert seen["walked"] > 2, f"{where}: {seen['walked']} elements take the focus"
    return [f"{where}: {one}" for one in seen["found"]]
