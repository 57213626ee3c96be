import { isProblem } from "$shared/api/problem";
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

/** What the office refuses to do with an appointment, in words, and the name of the message; null for what is no refusal. */
export function refusal(problem: unknown): { said: string; testid: string } | null {
  if (isProblem(problem, "slot_taken", "slot_not_offered")) return { said: office.slotGone, testid: "slot-gone" };
  if (isProblem(problem, "not_resumable")) return { said: office.notResumable, testid: "not-resumable" };
  if (isProblem(problem, "too_early")) return { said: office.noShowEarly, testid: "too-early" };
  if (isProblem(problem, "citizen_here")) return { said: office.citizenHere, testid: "citizen-here" };
  if (changedMeanwhile(problem)) return { said: office.changedMeanwhile, testid: "changed-meanwhile" };
  return null;
}

/** The appointment is no longer what the page shows. */
export function changedMeanwhile(problem: unknown): boolean {
  return isProblem(problem, "not_movable", "not_cancellable");
}
