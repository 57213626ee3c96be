import type { CaseSummary } from "$shared/api/types";
import { clerk } from "$shared/i18n/clerk";
import { localised } from "$shared/i18n/language.svelte";

/** The citizen's name, or the word for one that was erased. */
export function personName(item: Pick<CaseSummary, "citizen_name">): string {
  return item.citizen_name ?? clerk.erasedPerson;
}

/** What the appointment is about: "Personalausweis (3 Personen), Anmeldung". */
export function servicesText(item: Pick<CaseSummary, "services">): string {
  return item.services
    .map(({ name, persons }) => (persons > 1 ? `${localised(name)} (${clerk.persons(persons)})` : localised(name)))
    .join(", ");
}
