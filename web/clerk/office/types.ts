/** The words of booking's side for the town hall, as the pages below this folder use them. Times are UTC, days are the office's. */
import type { LocalisedText } from "$shared/i18n/language.svelte";
import type { Weekday } from "$shared/api/types";

export type { Weekday };

export const WEEKDAYS: readonly Weekday[] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

export interface Stretch {
  readonly starts_at: string;
  readonly ends_at: string;
}

export type AppointmentState = "booked" | "cancelled" | "completed" | "aborted" | "no_show";
export type Channel = "citizen" | "office" | "waiting_list" | "walk_in";
export type Need = "interpreter" | "sign_language_interpreter" | "companion";

export interface AppointmentBrief extends Stretch {
  readonly appointment_id: string;
  readonly reference: string;
  readonly lane: number;
  readonly services: readonly { readonly service_id: string; readonly persons: number }[];
  readonly state: AppointmentState;
  /** Null once the person's data was erased. */
  readonly name: string | null;
  readonly channel: Channel;
}

/** Why nobody is there for an appointment. */
export type Unserved = "lane_removed" | "blocked" | "closed" | "off_shift" | "skill_missing";
export type Conflict = AppointmentBrief & { readonly reason?: Unserved };

export type BlockReason = "sick" | "leave" | "training" | "other";

export interface BlockedTime extends Stretch {
  readonly id: string;
  readonly lane: number;
  readonly reason: BlockReason;
  readonly note?: string | null;
}

export interface WeekLane {
  readonly lane: number;
  readonly name: string;
  readonly on_duty: readonly Stretch[];
  readonly appointments: readonly AppointmentBrief[];
  readonly blocked: readonly BlockedTime[];
}

export interface WeekDay {
  readonly day: string;
  readonly closed: "holiday" | "closure" | "weekly" | null;
  readonly note: LocalisedText | null;
  readonly hours: readonly Stretch[];
  readonly lanes: readonly WeekLane[];
  readonly offered_minutes: number;
  readonly booked_minutes: number;
}

export interface Week {
  readonly time_zone: string;
  readonly monday: string;
  readonly days: readonly WeekDay[];
  readonly conflicts: readonly Conflict[];
}

/** From which day and until which day (included) something holds; null is without end. */
export interface Validity {
  readonly valid_from: string | null;
  readonly valid_until: string | null;
}

export interface OpeningHours extends Validity {
  readonly weekday: Weekday;
  readonly opens: string;
  readonly closes: string;
}

/** When a clerk is on duty. */
export type Shift = OpeningHours;

export interface SpecialDay {
  readonly day: string;
  readonly hours: readonly { readonly opens: string; readonly closes: string }[];
  readonly note: LocalisedText | null;
}

export interface Closure {
  readonly first: string;
  readonly last: string;
  readonly reason: LocalisedText | null;
}

export interface Lane {
  /** Null until it was saved for the first time. */
  readonly lane: number | null;
  readonly name: string;
  readonly clerk_id: string | null;
  /** Services this clerk is trained for; null is all of them. */
  readonly skills: readonly string[] | null;
  /** Empty: whenever the office is open. */
  readonly shifts: readonly Shift[];
}

export interface Timetable {
  readonly version: number;
  readonly opening_hours: readonly OpeningHours[];
  readonly special_days: readonly SpecialDay[];
  readonly closures: readonly Closure[];
  readonly observes_holidays: boolean;
  readonly clerks: readonly Lane[];
}

export interface Moves {
  /** Same time, another clerk: nobody is notified. */
  readonly kept_time: readonly AppointmentBrief[];
  readonly moved: readonly { readonly appointment_id: string; readonly reference: string; readonly from: string; readonly to: string }[];
  /** They stay where they are, though nobody is there for them. */
  readonly left: readonly (AppointmentBrief & { readonly reason: "begun" | "nobody_trained" | "no_room" })[];
}

export interface StatisticsRow {
  readonly monday: string;
  /** Null: all services together. */
  readonly service_id: string | null;
  readonly booked: number;
  readonly completed: number;
  readonly aborted: number;
  readonly cancelled: number;
  readonly no_show: number;
  readonly no_show_rate: number | null;
  readonly lead_hours_median: number | null;
  readonly wait_seconds_median: number | null;
  readonly talk_seconds_median: number | null;
  readonly utilisation: number | null;
}

export interface OfficeBooking {
  readonly services: readonly { readonly service_id: string; readonly options: Readonly<Record<string, string>>; readonly persons: number }[];
  readonly starts_at: string;
  readonly name: string;
  readonly email: string;
  readonly phone?: string;
  readonly needs: readonly Need[];
  readonly language: "de" | "en";
}

export interface Colleague {
  readonly clerk_id: string;
  readonly name: string;
  readonly role: "clerk" | "lead" | "admin";
}
