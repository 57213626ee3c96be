import { describe, expect, it } from "vitest";

import type { BookedForSomebody, OfficeBooking } from "../types";
import { Booking } from "./booking.svelte";

const ANSWER = { appointment_id: "a", reference: "HD-1", starts_at: "2026-12-01T08:00:00Z" } as unknown as BookedForSomebody;
const of = (name: string): OfficeBooking => ({ name, email: `${name}@example.org`, starts_at: "2026-12-01T08:00:00Z", services: [] }) as unknown as OfficeBooking;

function world() {
  const asked: { readonly body: OfficeBooking; readonly key: string; readonly give: (answer: BookedForSomebody) => void; readonly fail: (problem: unknown) => void }[] = [];
  const booking = new Booking((body, key) => new Promise((give, fail) => asked.push({ body, key, give, fail })));
  return { asked, booking };
}

describe("a booking on the phone", () => {
  it("names who was booked, not who is typed when the answer comes", async () => {
    const { asked, booking } = world();
    const typed = { ...of("amelie") };
    const running = booking.book({ ...typed });
    typed.name = "bruno";
    asked[0]?.give(ANSWER);
    await running;
    expect(booking.booked).toMatchObject({ reference: "HD-1", name: "amelie", email: "amelie@example.org" });
    booking.next();
    expect(booking.booked).toBeNull();
  });

  it("is sent once, however often it is pressed", async () => {
    const { asked, booking } = world();
    void booking.book(of("amelie"));
    expect(await booking.book(of("amelie"))).toBeNull();
    expect(asked).toHaveLength(1);
  });

  it("is the same act while it is tried again, and another one for the next person", async () => {
    const { asked, booking } = world();
    for (const name of ["amelie", "amelie", "bruno"]) {
      const running = booking.book(of(name));
      asked.at(-1)?.fail("away");
      await expect(running).rejects.toBe("away");
    }
    expect(asked[1]?.key).toBe(asked[0]?.key);
    expect(asked[2]?.key).not.toBe(asked[0]?.key);
    expect([booking.busy, booking.booked]).toEqual([false, null]);
  });
});
