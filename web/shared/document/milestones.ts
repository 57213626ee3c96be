export type Milestone = "confirmed" | "signed" | "paid" | "failed" | "closed";

const ORDER: readonly Milestone[] = ["confirmed", "signed", "paid", "failed", "closed"];
const CLOSED = ["completed", "aborted", "cancelled"];

/** As much of a case as is needed here, as the citizen or the clerk sees it. */
export interface CaseProgress {
  readonly state: string;
  readonly applications: readonly { readonly confirmed_at: string | null; readonly signed_at: string | null }[];
  readonly payment: { readonly state: string };
}

/** Tells what has happened between two looks at a case, so that both sides hear of it at whatever stage they are. */
export class Milestones {
  #before: Record<Milestone, number> | null = null;

  /** What is new in `view`; nothing at the first look, which shows what was so already. */
  since(view: CaseProgress): Milestone[] {
    const before = this.#before;
    const now: Record<Milestone, number> = {
      confirmed: view.applications.filter((one) => one.confirmed_at !== null).length,
      signed: view.applications.filter((one) => one.signed_at !== null).length,
      paid: view.payment.state === "authorised" || view.payment.state === "captured" ? 1 : 0,
      failed: view.payment.state === "failed" ? 1 : 0,
      closed: CLOSED.includes(view.state) ? 1 : 0,
    };
    this.#before = now;
    if (before === null) return [];
    return ORDER.filter((one) => now[one] > before[one]);
  }
}
