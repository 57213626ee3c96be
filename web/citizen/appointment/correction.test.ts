import { beforeEach, describe, expect, it, vi, beforeAll } from "vitest";

import { appointmentApi } from "$shared/api/links";
import { ApiProblem, type FieldError } from "$shared/api/problem";
import { address } from "$shared/i18n/address";
import { booking } from "$shared/i18n/booking";
import { Correction } from "./correction.svelte";
import { loadPhones } from "$shared/contact/phones.svelte";

beforeAll(loadPhones);

const LINK = "http://localhost/demo/appointment#a.b.c";
const BEFORE = { email: "amelie@gmial.com", phone: "+49622158000" };

const refusal = (status: number, code: string, more: { readonly errors?: readonly FieldError[]; readonly reason?: string } = {}): ApiProblem =>
  new ApiProblem(status, code, code, "", more.errors ?? [], null, more);

describe("correcting an address", () => {
  const correct = vi.spyOn(appointmentApi, "correct");
  let form: Correction;

  beforeEach(() => {
    correct.mockReset().mockResolvedValue({ link: LINK } as never);
    form = new Correction(BEFORE, "old.token.x", false);
  });

  it("begins with what was typed, brings the new link, and leaves the telephone number alone", async () => {
    expect(form.email).toBe("amelie@gmial.com");
    form.email = " amelie@gmail.com\u200b";
    expect(await form.send()).toEqual({ token: "a.b.c", email: "amelie@gmail.com" });
    expect(correct.mock.calls[0]?.slice(0, 2)).toEqual(["old.token.x", { email: "amelie@gmail.com" }]);
  });

  it("tells where the link was mailed to, whatever is typed while it is sent", async () => {
    form.email = "amelie@gmail.com";
    const sending = form.send();
    form.email = "somebody@else.example";
    expect((await sending)?.email).toBe("amelie@gmail.com");
  });

  it("takes a telephone number away or changes it, where it is asked about", async () => {
    const both = new Correction(BEFORE, "t", true);
    both.phone = "";
    await both.send();
    both.phone = "0171 2345678";
    await both.send();
    expect(correct.mock.calls.map(([, contact]) => contact.phone)).toEqual([null, "+491712345678"]);
  });

  it("blames nobody before the first attempt, and sends nothing that is no address", async () => {
    form.email = "amelie@";
    expect(form.wrong).toBeNull();
    expect(await form.send()).toBeNull();
    expect([form.wrong, form.emailError, correct.mock.calls.length]).toEqual(["email", booking.emailInvalid, 0]);
    form.email = "";
    expect(form.emailError).toBe(booking.emailMissing);
  });

  it("is the same correction while it is tried again, and another one with another address", async () => {
    correct.mockRejectedValueOnce(new TypeError("offline"));
    form.email = "amelie@gmail.com";
    await form.send();
    expect(form.problem).toBeInstanceOf(TypeError);
    await form.send();
    form.email = "amelie@gmx.de";
    await form.send();
    const keys = correct.mock.calls.map((call) => call[2]);
    expect(keys[0]).toBe(keys[1]);
    expect(keys[2]).not.toBe(keys[1]);
  });

  it("shows at the field what the service refused, until it is typed anew", async () => {
    correct.mockRejectedValueOnce(refusal(422, "invalid_request", { errors: [{ field: "email", message: "no", code: "" }] }));
    await form.send();
    expect(form.emailError).toBe(booking.emailInvalid);
    form.typed("email");
    expect(form.wrong).toBeNull();
  });

  it.each([
    ["corrections_used_up", 409, {}, () => address.tooOften],
    ["not_correctable", 409, {}, () => address.tooLate],
    ["limit_reached", 429, { reason: "mailbox" }, () => null],
    ["limit_reached", 429, { reason: "requests" }, () => null],
  ])("says what to do: %s", async (code, status, more, words) => {
    correct.mockRejectedValueOnce(refusal(status, code, more));
    await form.send();
    expect(form.reason).toBe(words());
    expect(form.problem).not.toBeNull();
  });
});
