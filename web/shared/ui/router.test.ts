// @vitest-environment jsdom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { focusOnTitle } from "./focus";
import { Router } from "./router.svelte";

const TOKEN = "#aaa.bbb.ccc";
const OTHER = "#ddd.eee.fff";
const routes = [
  { name: "services", pattern: "/:office" },
  { name: "appointment", pattern: "/:office/appointment" },
  { name: "call", pattern: "/:office/call" },
] as const;

let router: Router<"services" | "appointment" | "call">;
let stop: () => void;
const address = (): string => window.location.pathname + window.location.search + window.location.hash;
const byId = (id: string): HTMLElement => document.getElementById(id)!;
/** The browser's own ways (back, a typed fragment) end in a later task. */
const settled = (): Promise<unknown> => new Promise((resolve) => setTimeout(resolve, 30));

function body(html: string): void {
  document.body.innerHTML = html;
}

function click(id: string, options: MouseEventInit = {}): MouseEvent {
  const event = new MouseEvent("click", { bubbles: true, cancelable: true, button: 0, ...options });
  byId(id).dispatchEvent(event);
  return event;
}

beforeEach(() => {
  window.scrollTo = vi.fn() as unknown as typeof window.scrollTo;
  window.history.replaceState(null, "", `/demo/call?a=1${TOKEN}`);
  body("");
  focusOnTitle.wanted = false;
  router = new Router(routes, ["api", "clerk"]);
  stop = router.start();
});
afterEach(() => stop());

describe("a link to a place on this page", () => {
  it("moves the focus and leaves the address, and with it the token, alone", () => {
    body('<a id="skip" href="#content">Skip</a><main id="content" tabindex="-1"></main>');
    const length = window.history.length;
    expect(click("skip").defaultPrevented).toBe(true);
    expect(document.activeElement).toBe(byId("content"));
    expect(address()).toBe(`/demo/call?a=1${TOKEN}`);
    expect(router.hash).toBe(TOKEN);
    expect(window.history.length).toBe(length);
    expect(router.visits).toBe(0);
    expect(focusOnTitle.wanted).toBe(false);
  });

  it("leads into a group of fields, and to what cannot take the focus by itself", () => {
    body('<a id="one" href="#group">1</a><a id="two" href="#text">2</a><fieldset id="group"><input id="field"></fieldset><p id="text"></p>');
    click("one");
    expect(document.activeElement).toBe(byId("field"));
    click("two");
    expect(document.activeElement).toBe(byId("text"));
  });

  it("that names nothing changes nothing", () => {
    body('<a id="skip" href="#nowhere">Skip</a>');
    click("skip");
    expect(address()).toBe(`/demo/call?a=1${TOKEN}`);
    expect(router.hash).toBe(TOKEN);
  });
});

describe("the fragment", () => {
  it("written by anybody else is put back", async () => {
    body('<main id="content" tabindex="-1"></main>');
    window.location.hash = "#content";
    await settled();
    expect(router.hash).toBe(TOKEN);
    expect(window.location.hash).toBe(TOKEN);
    expect(document.activeElement).toBe(byId("content"));
  });

  it("with another token is another link", async () => {
    window.location.hash = OTHER;
    await settled();
    expect(router.hash).toBe(OTHER);
    expect(router.visits).toBe(1);
    window.history.back();
    await settled();
    expect(router.hash).toBe(TOKEN);
  });
});

describe("links", () => {
  it("of this client change the view and keep their token", () => {
    body(`<a id="link" href="/demo/appointment${TOKEN}">Appointment</a>`);
    expect(click("link").defaultPrevented).toBe(true);
    expect(address()).toBe(`/demo/appointment${TOKEN}`);
    expect(router.current).toEqual({ name: "appointment", params: { office: "demo" } });
    expect(router.visits).toBe(1);
    // The new page's title takes the focus; the first view's does not.
    expect(focusOnTitle.wanted).toBe(true);
  });

  it.each([
    ["of another page", '<a id="link" href="/clerk/">x</a>', {}],
    ["of another origin", '<a id="link" href="https://example.org/demo/">x</a>', {}],
    ["to a file", '<a id="link" href="/demo/file" download>x</a>', {}],
    ["to another window", '<a id="link" href="/demo/" target="_blank">x</a>', {}],
    ["pressed with Ctrl", '<a id="link" href="/demo/">x</a>', { ctrlKey: true }],
  ])("%s are the browser's", (_what, html, options) => {
    body(html);
    // jsdom would try to load the page; what counts is that the router has not taken the click.
    let taken = true;
    const after = (event: Event): void => {
      taken = event.defaultPrevented;
      event.preventDefault();
    };
    window.addEventListener("click", after, { once: true });
    click("link", options);
    expect(taken).toBe(false);
    expect(router.visits).toBe(0);
  });
});

describe("a hold", () => {
  it("is asked before the view changes and lets go when it is decided", () => {
    let leave: (() => void) | null = null;
    router.hold((go) => (leave = go));
    router.go("/demo/");
    expect(router.path).toBe("/demo/call");
    leave!();
    expect(router.path).toBe("/demo/");
  });

  it("is asked before a step back, which is taken back meanwhile", async () => {
    router.go("/demo/");
    let leave: (() => void) | null = null;
    router.hold((go) => (leave = go));
    window.history.back();
    await vi.waitFor(() => expect(leave).not.toBeNull());
    await vi.waitFor(() => expect(window.location.pathname).toBe("/demo/"));
    expect(router.path).toBe("/demo/");
    leave!();
    await vi.waitFor(() => expect(router.path).toBe("/demo/call"));
    expect(router.hash).toBe(TOKEN);
  });

  it("that was released is not asked", () => {
    const ask = vi.fn();
    router.hold(ask)();
    router.go("/demo/");
    expect(ask).not.toHaveBeenCalled();
    expect(router.path).toBe("/demo/");
  });

  it("is not asked about a place on the page", () => {
    body('<a id="skip" href="#content">Skip</a><main id="content" tabindex="-1"></main>');
    const ask = vi.fn();
    router.hold(ask);
    click("skip");
    expect(ask).not.toHaveBeenCalled();
  });
});

describe("a link that was replaced by a newer one", () => {
  beforeEach(() => {
    stop();
    window.history.replaceState(null, "", `/demo/appointment${TOKEN}`);
    router = new Router(routes, [], (hash) => (hash === TOKEN ? OTHER : hash));
    stop = router.start();
  });

  it("is opened as it stands by who asks for it", () => {
    expect([router.hash, address()]).toEqual([TOKEN, `/demo/appointment${TOKEN}`]);
  });

  it("gives way to the newer one when a step back leads to it", async () => {
    router.go(`/demo/call${OTHER}`);
    window.history.back();
    await vi.waitFor(() => expect(router.path).toBe("/demo/appointment"));
    await settled();
    expect([router.hash, address()]).toEqual([OTHER, `/demo/appointment${OTHER}`]);
  });

  it("gives way in a page that the browser loads again on the way back", () => {
    stop();
    stop = new Router(routes, [], (hash) => (hash === TOKEN ? OTHER : hash)).start();
    expect(address()).toBe(`/demo/appointment${OTHER}`);
  });
});
