import type { CaseSummary } from "$shared/api/types";
import { clerk } from "$shared/i18n/clerk";

/** The citizen's name, or the word for one that was erased. */
export function personName(item: Pick<CaseSummary, "citizen_name">): string {
  return item.citizen_name ?? clerk.erasedPerson;
}
