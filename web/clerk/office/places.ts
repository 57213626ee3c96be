/** Whose place each appointment of a week is booked at: booking's word, for the agenda that casework tells. */
import type { Place, Places } from "../model/day";
import { officeApi } from "./api";
import type { Week } from "./types";

export function placesOf(week: Week): Places {
  const lanes = week.days.flatMap((day) => day.lanes);
  return new Map(
    lanes.flatMap(({ lane, name, mine, appointments }) =>
      appointments.map(({ appointment_id }): [string, Place] => [appointment_id, { name: name || String(lane + 1), mine }]),
    ),
  );
}

/** The places of the week in which `date` lies. @throws ApiProblem */
export const placesAround = async (date: string): Promise<Places> => placesOf(await officeApi.week(date));
