// @vitest-environment jsdom
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { surviveTranslation } from "./translation";

let stop: () => void;
const settled = (): Promise<unknown> => new Promise((resolve) => setTimeout(resolve, 0));
const shown = (): string | null => document.body.textContent;

beforeEach(() => {
  document.body.innerHTML = "<p>Noch 3 vor Ihnen</p>";
  stop = surviveTranslation(document.body);
});
afterEach(() => stop());

function standIn(text: string): HTMLElement {
  const outer = document.createElement("font");
  const inner = document.createElement("font");
  inner.textContent = text;
  outer.append(inner);
  return outer;
}

const ways: [string, (text: ChildNode, font: HTMLElement) => void][] = [
  ["in one step", (text, font) => text.replaceWith(font)],
  ["before it, then away with it", (text, font) => (text.before(font), text.remove())],
  ["after it, then away with it", (text, font) => (text.after(font), text.remove())],
];

describe("a text that a browser translated", () => {
  it.each(ways)("shows its next state (%s)", async (_way, replace) => {
    const text = document.querySelector("p")!.firstChild!;
    replace(text, standIn("Ещё 3 перед вами"));
    await settled();
    expect(shown()).toBe("Ещё 3 перед вами");
    text.nodeValue = "Noch 2 vor Ihnen";
    await settled();
    expect(shown()).toBe("Noch 2 vor Ihnen");
  });

  it("may be translated and change again and again", async () => {
    const text = document.querySelector("p")!.firstChild!;
    for (const left of [2, 1]) {
      text.replaceWith(standIn("…"));
      await settled();
      text.nodeValue = `Noch ${left}`;
      await settled();
      expect(shown()).toBe(`Noch ${left}`);
    }
  });

  it("that was taken away stays away", async () => {
    const text = document.querySelector("p")!.firstChild!;
    text.replaceWith(standIn("…"));
    await settled();
    document.querySelector("p")!.remove();
    text.nodeValue = "Noch 2";
    await settled();
    expect(shown()).toBe("");
  });
});
