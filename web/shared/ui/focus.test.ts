// @vitest-environment jsdom
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { focusIfLost, keepFocus } from "./focus";

const byId = (id: string): HTMLElement => document.getElementById(id)!;
const settled = (): Promise<unknown> => new Promise((resolve) => setTimeout(resolve, 400));
const at = (): string => document.activeElement?.id ?? "";

let stop: () => void;
beforeEach(() => {
  document.body.innerHTML = `<main id="content" tabindex="-1">
    <section id="panel" tabindex="0"><div id="row"><button id="act">act</button></div><button id="other">other</button></section>
    <button id="outside">outside</button>
  </main><dialog open><button id="answer">yes</button></dialog>`;
  stop = keepFocus();
});
afterEach(() => {
  stop();
  document.body.innerHTML = "";
});

describe("the focus of what vanishes", () => {
  it("goes to the nearest part of the page that can have it", async () => {
    byId("act").focus();
    byId("row").remove();
    await settled();
    expect(at()).toBe("panel");
  });

  it("goes to the page when no part around it is left", async () => {
    byId("act").focus();
    byId("panel").remove();
    await settled();
    expect(at()).toBe("content");
    byId("answer").focus();
    document.querySelector("dialog")!.remove();
    await settled();
    expect(at()).toBe("content");
  });

  it("stays where an act led it", async () => {
    byId("act").focus();
    byId("row").remove();
    byId("outside").focus();
    await settled();
    expect(at()).toBe("outside");
  });

  it("is still lost to an act that leads it on later", async () => {
    byId("act").focus();
    byId("row").remove();
    await settled();
    await focusIfLost("outside");
    expect(at()).toBe("outside");
  });
});

describe("the focus of what is still there", () => {
  it("is left to whoever clicked into nothing", async () => {
    byId("act").focus();
    byId("act").blur();
    byId("other").remove();
    await settled();
    expect(document.activeElement).toBe(document.body);
  });

  it("is not taken by what vanishes elsewhere, nor by one that was wanted", async () => {
    byId("act").focus();
    byId("other").remove();
    await settled();
    expect(at()).toBe("act");
    byId("panel").focus();
    await focusIfLost("outside");
    expect(at()).toBe("panel");
  });
});
