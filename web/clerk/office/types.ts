/**
 * The words of booking's side for the town hall: names for what is generated from OpenAPI. Times are UTC, days are the
 * office's. What was read is not changed in place, so everything here is read-only.
 */
import type { components as BookingComponents } from "$shared/api/generated/booking";
import type { components as CaseworkComponents } from "$shared/api/generated/casework";
import type { Weekday } from "$shared/api/types";

type Booking = BookingComponents["schemas"];
type Casework = CaseworkComponents["schemas"];

/** Read-only, all the way down. */
export type Read<T> = T extends readonly (infer Item)[] ? readonly Read<Item>[] : T extends object ? { readonly [Key in keyof T]: Read<T[Key]> } : T;

/** `Read` undone: the generated types of requests know no read-only lists. */
export type Sent<T> = T extends readonly (infer Item)[] ? Sent<Item>[] : T extends object ? { -readonly [Key in keyof T]: Sent<T[Key]> } : T;

export type { Weekday };

export const WEEKDAYS: readonly Weekday[] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

export type Stretch = Read<Booking["Stretch"]>;
export type AppointmentBrief = Read<Booking["AppointmentBrief"]>;
/** One appointment that a clerk opened: with how to reach the citizen. */
export type AppointmentDetail = Read<Booking["AppointmentDetail"]>;
/** An appointment whose person came after all, and who has got the time in the meantime. */
export type Resumed = Read<Booking["ResumedView"]>;
export type AppointmentState = AppointmentBrief["state"];
export type Channel = AppointmentBrief["channel"];
export type Need = NonNullable<Booking["OfficeAppointmentRequest"]["needs"]>[number];

/** An appointment that nobody is there for, and why. */
export type Conflict = Read<Booking["Conflict"]>;
export type Unserved = Conflict["reason"];

export type Week = Read<Booking["WeekView"]>;
export type WeekDay = Read<Booking["DayOfWeek"]>;
export type WeekLane = Read<Booking["LaneOfDay"]>;

/** Taken until somebody confirms their address, or until `confirm_by`. */
export type ProvisionalTime = WeekLane["provisional"][number];

/** Free times as clerks may book them, also what the public does not see yet. */
export type OfficeSlots = Read<Booking["OfficeSlotsView"]>;
export type OfficeSlot = OfficeSlots["slots"][number];

export type BlockedTime = Read<Booking["BlockedTimeView"]>;
export type BlockReason = BlockedTime["reason"];
export type NewBlock = Read<Booking["BlockRequest"]>;
/** A blocked time, and the appointments that nobody is there for because of it. */
export type SavedBlock = Read<Booking["Blocked"]>;

export type Timetable = Read<Booking["TimetableView"]>;
export type SavedTimetable = Read<Booking["TimetableSaved"]>;
export type OpeningHours = Timetable["opening_hours"][number];
export type SpecialDay = Timetable["special_days"][number];
export type Closure = Timetable["closures"][number];
/** A clerk of the team; without a number until it was saved for the first time. */
export type Lane = Timetable["clerks"][number];
/** From which day and until which day (included) something holds; without a day it has no end there. */
export type Validity = Pick<OpeningHours, "valid_from" | "valid_until">;

export type Moves = Read<Booking["MovesView"]>;
export type Statistics = Read<Booking["StatisticsView"]>;
export type StatisticsRow = Statistics["weeks"][number];
export type Figures = Statistics["totals"][number];

export type OfficeBooking = Read<Booking["OfficeAppointmentRequest"]>;
/** The appointment stands. Its link goes to the citizen alone. */
export type BookedForSomebody = Read<Booking["OfficeBooked"]>;

export type Colleague = Read<Casework["ColleagueView"]>;
