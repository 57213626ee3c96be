import { describe, expect, it } from "vitest";

import type { CallState } from "$shared/call";
import { Conversation, type CallLine } from "./conversation";

const ROOM: CallState = {
  phase: "connecting",
  signaling: "open",
  peerPresent: false,
  connection: "none",
  waiting: null,
  verification: { state: "idle", code: null, failure: null },
  remoteStream: null,
  remoteMedia: { camera: true, microphone: true },
  stage: null,
  completed: false,
  ended: null,
  problem: null,
};

class Line implements CallLine {
  #reader: (state: CallState) => void = () => undefined;
  constructor(readonly said: string[]) {}
  state = {
    subscribe: (reader: (state: CallState) => void): (() => void) => {
      this.#reader = reader;
      reader(ROOM);
      return () => undefined;
    },
  };
  onCaseChanged = (): (() => void) => () => undefined;
  start = (): unknown => this.said.push("start");
  admit = (): unknown => this.said.push("admit");
  dismiss = (): unknown => this.said.push("dismiss");
  leave = (): unknown => this.said.push("leave");
  destroy = (): unknown => this.said.push("destroy");
  says(change: Partial<CallState>): void {
    this.#reader({ ...ROOM, ...change });
  }
}

function desk({ inCall = false, taken = true } = {}) {
  const said: string[] = [];
  const memory = { inCall };
  const lines: Line[] = [];
  const conversation = new Conversation<Line>({
    create: () => {
      const line = new Line(said);
      lines.push(line);
      return line;
    },
    openDevices: () => said.push("camera on"),
    closeDevices: () => said.push("camera off"),
    take: () => {
      said.push("take");
      return Promise.resolve(taken);
    },
    caseChanged: () => undefined,
    remember: (now) => (memory.inCall = now),
    remembered: () => memory.inCall,
  });
  const says = (change: Partial<CallState>): void => lines.at(-1)?.says(change);
  return { conversation, said, memory, says };
}

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

describe("looking at a case", () => {
  it("opens no camera and no connection", () => {
    const { conversation, said } = desk();
    conversation.opened(false, false);
    expect(said).toEqual([]);
    expect(conversation.value.line).toBeNull();
  });

  it("opens neither when the case is closed, whatever was asked", () => {
    const { conversation, said, memory } = desk({ inCall: true });
    conversation.opened(true, true);
    expect(said).toEqual([]);
    expect(memory.inCall).toBe(false);
  });
});

describe("letting in", () => {
  it("joins, and takes the case and admits once both are there", async () => {
    const { conversation, said, says } = desk();
    conversation.opened(false, true);
    expect(said).toEqual(["start", "camera on"]);
    says({ phase: "waiting" });
    expect(said).not.toContain("take");
    says({ phase: "waiting", peerPresent: true });
    says({ phase: "waiting", peerPresent: true });
    await settled();
    expect(said.slice(2)).toEqual(["take", "admit"]);
  });

  it("admits at once who is sent back to the waiting room and wanted again", async () => {
    const { conversation, said, says } = desk();
    conversation.admit();
    says({ phase: "in_call", peerPresent: true });
    conversation.dismiss();
    says({ phase: "waiting", peerPresent: true });
    expect(said).not.toContain("admit");
    conversation.admit();
    await settled();
    expect(said.filter((word) => word === "start")).toHaveLength(1);
    expect(said).toContain("admit");
  });

  it("does not admit into a case that a colleague has", async () => {
    const { conversation, said, says } = desk({ taken: false });
    conversation.admit();
    says({ phase: "waiting", peerPresent: true });
    await settled();
    expect(said).not.toContain("admit");
  });

  it("admits nobody into a case that was closed meanwhile", async () => {
    const { conversation, said, says } = desk();
    conversation.admit();
    conversation.closed();
    says({ phase: "waiting", peerPresent: true });
    await settled();
    expect(said).not.toContain("take");
  });

  it("admits again when the case goes on, in a room of its own", async () => {
    const { conversation, said, says } = desk();
    conversation.admit();
    conversation.closed();
    says({ phase: "ended", ended: "aborted" });
    conversation.reopened();
    expect(conversation.value.line).toBeNull();
    conversation.admit();
    says({ phase: "waiting", peerPresent: true });
    await settled();
    expect(said).toContain("take");
  });
});

describe("a reload", () => {
  it("leads back into the call that this tab was in", () => {
    const { conversation, said, says, memory } = desk({ inCall: true });
    conversation.opened(false, false);
    expect(said).toEqual(["start", "camera on"]);
    says({ phase: "in_call", peerPresent: true });
    expect(memory.inCall).toBe(true);
  });

  it("switches the camera off again when that call is over, and lets nobody in", () => {
    const { conversation, said, says, memory } = desk({ inCall: true });
    conversation.opened(false, false);
    says({ phase: "waiting", peerPresent: true });
    expect(said).toEqual(["start", "camera on", "destroy", "camera off"]);
    expect(conversation.value).toMatchObject({ line: null, room: null });
    expect(memory.inCall).toBe(false);
  });
});

describe("the end", () => {
  it("switches the camera off, and a reload does not come back", () => {
    for (const end of ["leave", "close"] as const) {
      const { conversation, said, says, memory } = desk();
      conversation.admit();
      says({ phase: "in_call", peerPresent: true });
      expect(memory.inCall).toBe(true);
      conversation[end]();
      if (end === "leave") says({ phase: "ended", ended: "left" });
      expect(memory.inCall).toBe(false);
      expect(said.at(-1)).toBe("camera off");
    }
  });

  it("does not take the call back from the window that it went on in", () => {
    const { conversation, says, memory } = desk();
    conversation.admit();
    says({ phase: "in_call", peerPresent: true });
    says({ phase: "ended", ended: "replaced" });
    expect(memory.inCall).toBe(false);
  });
});
