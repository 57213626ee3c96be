// @vitest-environment jsdom
import { readFileSync } from "node:fs";

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { announce, type Urgency } from "./announce";

const regions = (): string => ["polite", "assertive"].map((one) => `<div aria-live="${one}" data-announce="${one}"></div>`).join("");
const said = (urgency: Urgency, root: ParentNode = document.body): (string | null)[] =>
  [...root.querySelectorAll(`:scope > [data-announce="${urgency}"] > p`)].map((line) => line.textContent);

beforeEach(() => {
  vi.useFakeTimers();
  document.body.innerHTML = regions();
});
afterEach(() => {
  vi.runAllTimers();
  vi.useRealTimers();
});

describe("the first HTML", () => {
  it.each(["citizen", "clerk"])("of the %s's client holds both regions, empty", (client) => {
    const page = new DOMParser().parseFromString(readFileSync(`${client}/index.html`, "utf-8"), "text/html");
    for (const urgency of ["polite", "assertive"]) {
      const region = page.querySelector(`body > [data-announce="${urgency}"]`);
      expect(region?.getAttribute("aria-live")).toBe(urgency);
      expect(region?.textContent).toBe("");
    }
  });
});

describe("announcements", () => {
  it("made in the same moment are all said, in their order, in a region that stays", () => {
    const region = document.querySelector('[data-announce="polite"]');
    for (const message of ["one", "two", "three"]) announce(message);
    vi.advanceTimersByTime(2000);
    expect(said("polite")).toEqual(["one", "two", "three"]);
    expect(document.querySelector('[data-announce="polite"]')).toBe(region);
  });

  it("come one by one, each a change of its own", () => {
    announce("one");
    announce("two");
    vi.advanceTimersByTime(150);
    expect(said("polite")).toEqual(["one"]);
    vi.advanceTimersByTime(300);
    expect(said("polite")).toEqual(["one", "two"]);
  });

  it("that interrupt do not wait behind the others", () => {
    announce("later");
    announce("now", "assertive");
    vi.advanceTimersByTime(150);
    expect(said("assertive")).toEqual(["now"]);
    expect(said("polite")).toEqual([]);
  });

  it("are said again when they are made again, and once when they come twice at once", () => {
    announce("again");
    announce("again");
    vi.advanceTimersByTime(1000);
    expect(said("polite")).toEqual(["again"]);
    announce("again");
    vi.advanceTimersByTime(1000);
    expect(said("polite")).toEqual(["again", "again"]);
  });

  it("leave nothing behind to be met by browsing", () => {
    announce("once");
    vi.advanceTimersByTime(60_000);
    expect(said("polite")).toEqual([]);
  });

  it("are made within the dialog that is open, since all else is inert", () => {
    document.body.insertAdjacentHTML("beforeend", `<dialog open id="ask">${regions()}</dialog>`);
    announce("inside");
    vi.advanceTimersByTime(1000);
    const dialog = document.getElementById("ask")!;
    expect(said("polite", dialog)).toEqual(["inside"]);
    expect(said("polite")).toEqual([]);
    dialog.remove();
    announce("outside");
    vi.advanceTimersByTime(1000);
    expect(said("polite")).toEqual(["outside"]);
  });

  it("are made in the dialog that holds the focus when several are open", () => {
    document.body.insertAdjacentHTML("beforeend", `<dialog open id="a">${regions()}<button></button></dialog><dialog open id="b">${regions()}</dialog>`);
    document.querySelector<HTMLElement>("#a button")!.focus();
    announce("here");
    vi.advanceTimersByTime(1000);
    expect(said("polite", document.getElementById("a")!)).toEqual(["here"]);
  });
});
