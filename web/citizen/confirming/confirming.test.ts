import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { FakeService, ok, problem } from "../testing";
import { Question } from "./question.svelte";
import { Reserved } from "./reserved.svelte";

const NOW = new Date("2026-11-30T13:00:00Z");
const KEPT = {
  office: "demo",
  state: "kept",
  starts_at: "2026-12-01T08:00:00Z",
  ends_at: "2026-12-01T08:05:00Z",
  services: [],
  email: "amelie@gmial.com",
  mails_left: 2,
  mail_returned: false,
  confirm_by: "2026-11-30T13:30:00Z",
  language: "de",
};
const CONFIRMED = { ...KEPT, state: "confirmed", email: null, mails_left: 0, confirm_by: null };
const ASKED = { office: "demo", state: "kept", starts_at: KEPT.starts_at, ends_at: KEPT.ends_at, confirm_by: KEPT.confirm_by, language: "de", link: null };
let server: FakeService;

beforeEach(() => {
  vi.useFakeTimers({ now: NOW });
  server = new FakeService();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function reserved(): Promise<Reserved> {
  const page = new Reserved("a.b.c");
  server.answers = [ok(KEPT)];
  await page.load();
  return page;
}

async function overtime(page: Reserved): Promise<void> {
  vi.setSystemTime(new Date(KEPT.confirm_by));
  await page.tick();
}

async function question(): Promise<Question> {
  const page = new Question("a.b.c");
  server.answers = [ok(ASKED)];
  await page.load();
  return page;
}

describe("a time that is kept", () => {
  it("is kept until the server says it is not", async () => {
    const page = await reserved();
    expect([page.shown, page.left]).toEqual(["kept", 1800]);
    server.answers = [problem(410, "not_confirmed_in_time")];
    await overtime(page);
    expect(page.shown).toBe("late");
  });

  it("is not called late when it was confirmed in time elsewhere", async () => {
    const page = await reserved();
    server.answers = [ok(CONFIRMED)];
    await overtime(page);
    expect(page.shown).toBe("confirmed");
  });

  it("asks once at the end of its time, and again only with the next look", async () => {
    const page = await reserved();
    server.answers = [problem(502, "unreachable"), ok(CONFIRMED)];
    await overtime(page);
    await page.tick();
    expect([page.shown, server.to("/reservation").length]).toEqual(["kept", 2]);
    await page.look();
    expect(page.shown).toBe("confirmed");
  });

  it("is late when it is still unconfirmed after its time, and looked at again by who comes back", async () => {
    const page = await reserved();
    server.answers = [ok(KEPT), ok(CONFIRMED)];
    await overtime(page);
    expect(page.shown).toBe("late");
    await page.look();
    expect(page.shown).toBe("late");
    await page.cameBack();
    expect(page.shown).toBe("confirmed");
  });

  it("becomes an appointment that was confirmed elsewhere", async () => {
    const page = await reserved();
    server.answers = [ok(CONFIRMED)];
    await page.load();
    expect(page.shown).toBe("confirmed");
  });

  it("stays as it is while the network is away", async () => {
    const page = await reserved();
    server.answers = [problem(502, "unreachable")];
    await page.load();
    expect([page.shown, page.problem]).toEqual(["kept", null]);
  });

  it("is asked about once more with one press, whatever the answer", async () => {
    const page = await reserved();
    server.answers = [problem(502, "unreachable"), ok({ ...KEPT, mails_left: 1 })];
    expect(await page.again()).toBe(false);
    expect(page.problem).toMatchObject({ code: "unreachable" });
    expect(await page.again()).toBe(true);
    const sent = server.to("/reservation/mail");
    expect(sent.map(({ body }) => body)).toEqual([{ email: null }, { email: null }]);
    expect(new Set(sent.map(({ key }) => key)).size).toBe(1);
    expect([page.sentTo, page.usedUp]).toEqual(["amelie@gmial.com", false]);
    server.answers = [ok({ ...KEPT, mails_left: 0 })];
    await page.again();
    expect(new Set(server.to("/reservation/mail").map(({ key }) => key)).size).toBe(2);
    expect(page.usedUp).toBe(true);
  });

  it("goes to a corrected address, and asks for one that could be one first", async () => {
    const page = await reserved();
    page.correct();
    expect(page.email).toBe("amelie@gmial.com");
    page.email = "amelie";
    expect(await page.elsewhere()).toBe(false);
    expect(page.emailError).toBeTruthy();
    expect(server.to("/reservation/mail")).toEqual([]);
    page.email = " amelie@gmail.com ";
    server.answers = [ok({ ...KEPT, email: "amelie@gmail.com", mails_left: 1 })];
    expect(await page.elsewhere()).toBe(true);
    expect([page.sentTo, page.correcting]).toEqual(["amelie@gmail.com", false]);
    expect(server.to("/reservation/mail")[0]?.body).toEqual({ email: "amelie@gmail.com" });
  });

  it("asks for another address when the mail came back, once", async () => {
    const page = await reserved();
    server.answers = [ok({ ...KEPT, mails_left: 1 })];
    await page.again();
    expect([page.returned, page.correcting, page.sentTo]).toEqual([false, false, "amelie@gmial.com"]);
    const back = { ...KEPT, mails_left: 1, mail_returned: true };
    server.answers = [ok(back), ok(back), ok({ ...KEPT, email: "amelie@gmail.com", mails_left: 0 })];
    await page.look();
    expect([page.returned, page.correcting, page.email, page.sentTo]).toEqual([true, true, "amelie@gmial.com", null]);
    page.keep();
    await page.look();
    expect([page.returned, page.correcting]).toEqual([true, false]);
    page.correct();
    page.email = "amelie@gmail.com";
    expect(await page.elsewhere()).toBe(true);
    expect([page.returned, page.correcting, page.sentTo]).toEqual([false, false, "amelie@gmail.com"]);
  });

  it("does not overwrite the address that is being typed when the mail comes back", async () => {
    const page = await reserved();
    page.correct();
    page.email = "amelie@gma";
    server.answers = [ok({ ...KEPT, mail_returned: true })];
    await page.look();
    expect([page.returned, page.email]).toEqual([true, "amelie@gma"]);
  });

  it("was confirmed while somebody pressed", async () => {
    const page = await reserved();
    server.answers = [problem(409, "not_reserved"), ok({ ...KEPT, state: "confirmed" })];
    expect(await page.again()).toBe(false);
    expect(page.shown).toBe("confirmed");
  });

  it.each([
    ["not confirmed in time", "a.b.c", problem(410, "not_confirmed_in_time"), "late"],
    ["cut, or expired long after it was confirmed", "a.b.c", problem(401, "token_invalid"), "invalid"],
    ["unreachable", "a.b.c", problem(502, "unreachable"), "failed"],
    ["without a link", null, null, "missing"],
  ])("%s says so", async (_, token, answer, shown) => {
    const page = new Reserved(token);
    server.answers = answer ? [answer] : [];
    await page.load();
    expect(page.shown).toBe(shown);
  });
});

describe("the question whether an address is theirs", () => {
  it("is answered by no look", async () => {
    const page = await question();
    expect([page.shown, server.sent.map(({ method }) => method)]).toEqual(["kept", ["GET"]]);
  });

  it("leads to the appointment with one press", async () => {
    const page = await question();
    server.answers = [ok({ ...ASKED, state: "confirmed", link: "https://x.example/demo/appointment#h.c.s" })];
    const [first, second] = await Promise.all([page.confirm(), page.confirm()]);
    expect([first, second]).toEqual(["h.c.s", null]);
    expect(server.to("/confirmation").filter(({ method }) => method === "POST")).toHaveLength(1);
  });

  it("gives no link that was renewed since", async () => {
    const page = await question();
    server.answers = [ok({ ...ASKED, state: "confirmed" })];
    expect(await page.confirm()).toBeNull();
    expect(page.shown).toBe("confirmed");
  });

  it("can be answered again when the network failed", async () => {
    const page = await question();
    server.answers = [problem(502, "unreachable"), ok({ ...ASKED, state: "confirmed", link: "https://x.example/demo/appointment#h.c.s" })];
    expect(await page.confirm()).toBeNull();
    expect([page.shown, page.busy, page.problem]).toMatchObject(["kept", false, { code: "unreachable" }]);
    expect(await page.confirm()).toBe("h.c.s");
  });

  it.each([
    ["too late", "a.b.c", problem(410, "not_confirmed_in_time"), "late"],
    ["for another address by now", "a.b.c", problem(410, "link_expired"), "other"],
    ["broken by the mail program, or expired", "a.b.c", problem(401, "token_invalid"), "invalid"],
    ["cancelled", "a.b.c", ok({ ...ASKED, state: "cancelled" }), "cancelled"],
    ["without a link", null, null, "missing"],
  ])("%s says so", async (_, token, answer, shown) => {
    const page = new Question(token);
    server.answers = answer ? [answer] : [];
    await page.load();
    expect(page.shown).toBe(shown);
  });
});
