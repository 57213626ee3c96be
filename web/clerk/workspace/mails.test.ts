import { describe, expect, it, vi } from "vitest";

vi.mock("../app", () => ({ session: {} }));
const { notArrived } = await import("./mails");

const mail = (message_id: string, kind: string, state: string, channel = "mail") =>
  ({ message_id, kind, state, channel, tries: 1, trouble: null, address: "a…@example.org", created_at: "", settled_at: null }) as never;

describe("mails that did not arrive", () => {
  it("are those whose newest one of the kind failed", () => {
    const mails = [mail("3", "reminder", "failed"), mail("2", "confirmation", "pending"), mail("1", "confirmation", "failed")];
    expect(notArrived(mails).map(({ message_id }) => message_id)).toEqual(["3"]);
  });

  it("are not those that were dropped, nor short messages to a telephone", () => {
    expect(notArrived([mail("2", "reminder", "dropped"), mail("1", "reminder", "failed", "sms")])).toEqual([]);
  });

  it("are none with an older link than was sent since", () => {
    const mails = [mail("3", "confirmation", "pending"), mail("2", "reminder", "failed"), mail("1", "rescheduled", "failed"), mail("0", "receipt", "failed")];
    expect(notArrived(mails).map(({ message_id }) => message_id)).toEqual(["0"]);
  });

  it("stay lost when a later one was dropped before it went out", () => {
    expect(notArrived([mail("2", "confirmation", "dropped"), mail("1", "confirmation", "failed")])).toHaveLength(1);
  });
});
