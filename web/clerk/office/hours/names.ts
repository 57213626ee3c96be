import { settings } from "$shared/i18n/clerk-settings";
import { briefDate } from "../parts/words";
import { isDay } from "../time";

/** "Immer", "Ab 1. Dez. 2026", "Vom … bis …". */
export function periodName(from: string, until: string): string {
  if (isDay(from) && isDay(until)) return settings.periodName(briefDate(from), briefDate(until));
  if (isDay(from)) return settings.periodSince(briefDate(from));
  return isDay(until) ? settings.periodTill(briefDate(until)) : settings.always;
}
