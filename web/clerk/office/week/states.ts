import { office } from "$shared/i18n/clerk-office";
import type { AppointmentState, Channel } from "../types";

/** The state of an appointment in words. */
export function stateWord(state: AppointmentState): string {
  const words: Record<AppointmentState, string> = {
    booked: office.stateBooked,
    completed: office.stateCompleted,
    aborted: office.stateAborted,
    cancelled: office.stateCancelled,
    no_show: office.stateNoShow,
    lapsed: office.stateLapsed,
  };
  return words[state];
}

/** How an appointment was booked, in words. */
export function channelWord(channel: Channel): string {
  const words: Record<Channel, string> = {
    citizen: office.channelCitizen,
    office: office.channelOffice,
    waiting_list: office.channelWaiting,
    walk_in: office.channelWalkIn,
  };
  return words[channel];
}

/** The colour of a state's tag. */
export function stateKind(state: AppointmentState): "plain" | "info" | "success" | "warning" {
  return state === "booked" ? "info" : state === "completed" ? "success" : state === "no_show" ? "warning" : "plain";
}
