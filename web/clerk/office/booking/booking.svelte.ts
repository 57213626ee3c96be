/** Booking for somebody on the phone: one request at a time, and what came of it. */
import { Intent } from "$shared/api/intent";
import type { BookedForSomebody, OfficeBooking } from "../types";

/** The appointment, and whom it is for: as it was sent, whatever is typed meanwhile. */
export type Booked = BookedForSomebody & Pick<OfficeBooking, "name" | "email">;

export class Booking {
  busy = $state(false);
  booked = $state.raw<Booked | null>(null);
  readonly #intent = new Intent();

  constructor(private readonly send: (body: OfficeBooking, key: string) => Promise<BookedForSomebody>) {}

  /** Books; null while another request runs. Tried again with the same content it is the same booking. @throws ApiProblem */
  async book(body: OfficeBooking): Promise<Booked | null> {
    if (this.busy) return null;
    this.busy = true;
    try {
      const answer = await this.send(body, this.#intent.key(body));
      this.#intent.done();
      this.booked = { ...answer, name: body.name, email: body.email };
      return this.booked;
    } finally {
      this.busy = false;
    }
  }

  /** On to the next person. */
  next(): void {
    this.booked = null;
  }
}
