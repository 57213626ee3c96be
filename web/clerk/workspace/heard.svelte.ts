import type { CaseView } from "$shared/api/types";
import { type Milestone, Milestones } from "$shared/document/milestones";
import { announce } from "$shared/ui/announce";
import { outcomeOf, stage } from "./stage-texts";
import { work } from "./texts";

/** Says what was done with the case, by the citizen or here, whatever stage the clerk looks at. Call while a component is made. */
export function sayWhatWasDone(read: () => CaseView | null): void {
  const milestones = new Milestones();
  $effect(() => {
    const view = read();
    if (view === null) return;
    const words: Record<Milestone, string> = {
      confirmed: work.audit_application_confirmed,
      signed: stage.signatureArrived,
      paid: stage.payAuthorised,
      failed: work.audit_payment_failed,
      closed: outcomeOf(view.state),
    };
    for (const one of milestones.since(view)) announce(words[one]);
  });
}
