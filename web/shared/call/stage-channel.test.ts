import { describe, expect, it } from "vitest";

import { type LiveField, type LiveMedia, parseStageMessage, StageChannel } from "./stage-channel";

function channel(): RTCDataChannel & { sent: string[] } {
  const sent: string[] = [];
  return { readyState: "open", sent, onmessage: null, send: (text: string) => void sent.push(text) } as unknown as RTCDataChannel & { sent: string[] };
}
const field: LiveField = { type: "field", application_id: "a", key: "given_names", value: "Erika" };

describe("live data channel", () => {
  it.each([
    ["{"], ["null"], ["[]"], [{}], [JSON.stringify({ type: "field", application_id: "a", key: "k", value: { deep: 1 } })],
    [JSON.stringify({ type: "field", key: "k", value: 1 })], [JSON.stringify({ type: "media", camera: "yes", microphone: true })],
    [JSON.stringify({ ...field, value: "x".repeat(20_000) })],
  ])("drops what is malformed: %s", (data) => {
    expect(parseStageMessage(data)).toBeNull();
  });

  it("passes nothing in either direction before the verification code exists", () => {
    const heard: unknown[] = [];
    const stage = new StageChannel((media: LiveMedia) => heard.push(media));
    stage.onField((one) => heard.push(one));
    const one = channel();
    stage.attach(one);
    one.onmessage?.({ data: JSON.stringify(field) } as MessageEvent);
    expect(stage.sendField("a", "k", "v")).toBe(false);
    expect(heard).toEqual([]);
    stage.trust(true);
    one.onmessage?.({ data: JSON.stringify(field) } as MessageEvent);
    one.onmessage?.({ data: '{"type":"media","camera":false,"microphone":true}' } as MessageEvent);
    expect(stage.sendField("a", "given_names", "Erika")).toBe(true);
    expect(heard).toEqual([field, { type: "media", camera: false, microphone: true }]);
    expect(one.sent).toEqual([JSON.stringify(field)]);
  });

  it("trusts a new connection only after its own verification", () => {
    const stage = new StageChannel(() => undefined);
    stage.attach(channel());
    stage.trust(true);
    stage.attach(channel());
    expect(stage.sendField("a", "k", "v")).toBe(false);
  });
});
