import type { Slot } from "$shared/api/types";
import { localDay } from "$shared/i18n/format";

/** Free slots by calendar day of a time zone, days and slots in order of time. */
export function groupByDay<S extends Slot>(slots: readonly S[], timeZone: string): ReadonlyMap<string, readonly S[]> {
  const days = new Map<string, S[]>();
  for (const slot of [...slots].sort((one, other) => Date.parse(one.starts_at) - Date.parse(other.starts_at))) {
    const day = localDay(slot.starts_at, timeZone);
    const found = days.get(day);
    if (found) found.push(slot);
    else days.set(day, [slot]);
  }
  return days;
}
