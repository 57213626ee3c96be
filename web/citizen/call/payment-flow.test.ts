import { beforeEach, describe, expect, it } from "vitest";

import type { PaymentOrder } from "$shared/api/types";
import { PaymentFlow, type PaymentWindow } from "./payment-flow";

let windows: (PaymentWindow & { closed: boolean })[];
let blocked: boolean;
let answer: PaymentOrder["state"] | { status: number };
let approval: () => Promise<{ approval_url: string }>;
let tick: (() => void) | null;
let paid: number;
let asked: number;
let flow: PaymentFlow;
const step = (): string => flow.state.value.step;
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

beforeEach(() => {
  [windows, blocked, answer, tick, paid, asked] = [[], false, "authorised", null, 0, 0];
  approval = () => Promise.resolve({ approval_url: "https://provider.example/pay" });
  flow = new PaymentFlow({
    approval: () => approval(),
    authorise: () => {
      asked += 1;
      return typeof answer === "string" ? Promise.resolve({ state: answer } as PaymentOrder) : Promise.reject(answer);
    },
    open: () => {
      if (blocked) return null;
      const opened = { closed: false, location: { href: "about:blank" }, close: () => void (opened.closed = true) };
      windows.push(opened);
      return opened;
    },
    every: (run) => {
      tick = run;
      return () => void (tick = null);
    },
    onpaid: () => (paid += 1),
  });
});

describe("paying", () => {
  it("opens the window in the click and sends it to the provider", async () => {
    const paying = flow.pay();
    expect(windows).toHaveLength(1);
    await paying;
    expect(windows[0]?.location.href).toBe("https://provider.example/pay");
    expect(step()).toBe("waiting");
  });

  it("is done once the service has asked the provider, and closes the window", async () => {
    await flow.pay();
    await flow.returned("approved");
    expect([step(), paid, windows[0]?.closed]).toEqual(["done", 1, true]);
    await flow.returned("approved");
    expect([asked, paid]).toEqual([1, 1]);
  });

  it("believes the provider, not the address the browser came back with", async () => {
    answer = "approval_pending";
    await flow.pay();
    await flow.returned("approved");
    expect([step(), paid]).toEqual(["unfinished", 0]);
    answer = "authorised";
    await flow.pay();
    await flow.returned("cancelled");
    expect([step(), paid]).toEqual(["done", 1]);
  });

  it("says that nothing was charged after a cancellation, and lets one try again", async () => {
    answer = { status: 409 };
    await flow.pay();
    await flow.returned("cancelled");
    expect(step()).toBe("cancelled");
    await flow.pay();
    expect(step()).toBe("waiting");
  });

  it("asks the provider when the window was just closed: it may have been paid", async () => {
    await flow.pay();
    tick?.();
    expect(asked).toBe(0);
    if (windows[0]) windows[0].closed = true;
    tick?.();
    await settle();
    expect([step(), paid, tick]).toEqual(["done", 1, null]);
  });

  it("offers a link when the window was blocked", async () => {
    blocked = true;
    await flow.pay();
    expect(flow.state.value).toMatchObject({ step: "blocked", approvalUrl: "https://provider.example/pay" });
    flow.followLink();
    await flow.returned("approved");
    expect(step()).toBe("done");
  });

  it("closes the empty window when there is no payment to make, and shows why", async () => {
    const problem = new Error("unreachable");
    approval = () => Promise.reject(problem);
    await flow.pay();
    expect(windows[0]?.closed).toBe(true);
    expect(flow.state.value).toMatchObject({ step: "problem", problem });
  });
});
