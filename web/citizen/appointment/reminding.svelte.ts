import { appointmentApi } from "$shared/api/links";
import type { AppointmentView } from "$shared/api/types";

/** The choice whether to be reminded of an appointment: one at a time, and what came of it. */
export class Reminding {
  /** What is being asked for. */
  asked = $state<boolean | null>(null);
  problem = $state.raw<unknown>(null);

  constructor(private readonly remind: (token: string, wanted: boolean) => Promise<AppointmentView> = appointmentApi.remind) {}

  get busy(): boolean {
    return this.asked !== null;
  }

  /** The appointment as it is then; null if it failed (see `problem`), or something is under way. */
  async choose(token: string, wanted: boolean): Promise<AppointmentView | null> {
    if (this.busy) return null;
    this.asked = wanted;
    this.problem = null;
    try {
      return await this.remind(token, wanted);
    } catch (problem) {
      this.problem = problem;
      return null;
    } finally {
      this.asked = null;
    }
  }
}
