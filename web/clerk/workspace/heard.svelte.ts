import type { CaseView } from "$shared/api/types";
import { announce } from "$shared/ui/announce";
import { stage } from "./stage-texts";
import { work } from "./texts";

/** Says what the citizen did (confirmed, signed, paid), whatever stage the clerk looks at. Call while a component is made. */
export function sayWhatCitizenDid(read: () => CaseView | null): void {
  let before: { confirmed: number; signed: number; paid: boolean } | null = null;
  $effect(() => {
    const view = read();
    if (view === null) return;
    const now = {
      confirmed: view.applications.filter((one) => one.confirmed_at !== null).length,
      signed: view.applications.filter((one) => one.signed_at !== null).length,
      paid: view.payment.state === "authorised",
    };
    if (before !== null && now.confirmed > before.confirmed) announce(work.audit_application_confirmed);
    if (before !== null && now.signed > before.signed) announce(stage.signatureArrived);
    if (before !== null && now.paid && !before.paid) announce(stage.payAuthorised);
    before = now;
  });
}
