import type { PhoneFault, ReadPhone } from "./phone";

export type { PhoneFault, ReadPhone } from "./phone";

let read = $state.raw<((text: string) => ReadPhone | PhoneFault) | null>(null);
let loading: Promise<void> | null = null;

/** Fetches the countries' rules, which weigh something, once somebody types a number. Without them the service judges alone. */
export function loadPhones(): Promise<void> {
  loading ??= import("./phone").then(
    (part) => void (read = part.readPhone),
    () => void (loading = null),
  );
  return loading;
}

/** What was typed means this number; null for no number, and as long as the rules are not there. */
export function phoneOf(text: string): ReadPhone | null {
  const found = text.trim() === "" ? null : read?.(text);
  return typeof found === "object" ? found : null;
}

/** Why it cannot be taken; null where nothing is wrong, or not known to be. */
export function phoneFault(text: string): PhoneFault | null {
  const found = text.trim() === "" ? null : read?.(text);
  return typeof found === "string" ? found : null;
}

/** The number as it is sent: what was shown, or, without the rules, what was typed. */
export function sentPhone(text: string): string {
  return phoneOf(text)?.e164 ?? text.trim();
}

/** A number that came from a service, as people read it out; fetches the rules, and until they are there it is as it came. */
export function shownPhone(e164: string): string {
  void loadPhones();
  return phoneOf(e164)?.shown ?? e164;
}
