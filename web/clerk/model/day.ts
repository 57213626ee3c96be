/**
 * The agenda as it lives: today's list for the waiting room, the chosen day's list for the page, and the lobby's word on
 * who is there. It asks casework again whenever the waiting room changes, and now and then in case nobody said so.
 */
import type { Agenda } from "$shared/api/types";
import { Latest } from "$shared/api/latest";
import { arrivals, mergeAgenda, shiftDay, unknownWaiting, type AgendaRow, type Lobby } from "./agenda";
import { State } from "$shared/state";
import type { CaseSummary } from "./types";

export interface DayState {
  /** The day shown: a calendar day of the office. Empty until the first answer. */
  date: string;
  today: string;
  timeZone: string;
  /** The day shown, in the order in which it is needed. */
  rows: readonly AgendaRow[];
  /** Who waits now, whatever day is shown; the longest wait first. */
  waiting: readonly AgendaRow[];
  /** By appointment, as far as known. */
  places: Places;
  /** The waiting room is watched live. */
  live: boolean;
  loading: boolean;
  problem: unknown;
}

/** The place in the office at which an appointment is booked. */
export interface Place {
  /** The clerk's name, or the place's number. */
  readonly name: string;
  /** It is the place of the clerk who is signed in. */
  readonly mine: boolean;
}
export type Places = ReadonlyMap<string, Place>;

export interface DayPorts {
  /** casework's list of a day; without a date the office's today. */
  agenda(date?: string): Promise<Agenda>;
  now(): number;
  later(milliseconds: number, run: () => void): () => void;
  /** At which place each appointment around that day is booked. */
  places(date: string): Promise<Places>;
  /** The id of the clerk who is signed in. */
  me(): string | null;
  /** Somebody came into the waiting room. */
  arrived(rows: readonly AgendaRow[]): void;
}

const REFRESH_MS = 60_000;
/** casework hears of an arrival through events, a moment after the lobby. */
const SETTLE_MS = 600;

/** Places change when somebody is ill; so seldom that nobody waits for it. */
const PLACES_MS = 300_000;

const EMPTY: DayState = {
  date: "",
  today: "",
  timeZone: "Europe/Berlin",
  rows: [],
  waiting: [],
  places: new Map(),
  live: false,
  loading: true,
  problem: null,
};

export class Day extends State<DayState> {
  #today: readonly CaseSummary[] = [];
  #shown: readonly CaseSummary[] = [];
  /** Cases of neighbouring days, loaded because somebody of them waits. */
  #beside: readonly CaseSummary[] = [];
  #besideAsked = new Set<string>();
  /** When the places around a day were asked for, by day. */
  #placesAsked = new Map<string, number>();
  #lobby: Lobby = null;
  #cancel: () => void = () => {};
  readonly #latest = new Latest();
  readonly #besideLatest = new Latest();
  #started = false;
  readonly #ports: DayPorts;

  constructor(ports: DayPorts) {
    super(EMPTY);
    this.#ports = ports;
  }

  start(): void {
    this.#started = true;
    void this.refresh();
  }

  stop(): void {
    this.#started = false;
    this.#cancel();
    this.#latest.drop();
    this.#besideLatest.drop();
    this.#today = this.#shown = this.#beside = [];
    this.#lobby = null;
    this.#placesAsked.clear();
    this.set(EMPTY);
  }

  /** Show another day. */
  async goTo(date: string): Promise<void> {
    if (date === this.value.date) return;
    this.#shown = date === this.value.today ? this.#today : [];
    this.patch({ date, loading: date !== this.value.today });
    this.#merge();
    await this.refresh();
  }

  /** Ask casework again. An answer that a later question has overtaken is dropped. */
  async refresh(): Promise<void> {
    this.#schedule(REFRESH_MS);
    let read: readonly Agenda[] = [];
    await this.#latest.ask(
      async (question) => {
        const { date, today: before } = this.value;
        const today = await this.#ports.agenda();
        const other = question.open && date !== "" && date !== before && date !== today.date;
        return { today, shown: other ? await this.#ports.agenda(date) : today };
      },
      {
        answer: ({ today, shown }) => {
          this.#today = today.cases;
          this.#shown = shown.cases;
          this.patch({ date: shown.date, today: today.date, timeZone: today.time_zone, loading: false, problem: null });
          this.#merge();
          read = shown === today ? [today] : [shown, today];
        },
        failure: (problem) => this.patch({ loading: false, problem }),
      },
    );
    if (read.length === 0) return;
    await this.#lookBeside();
    for (const agenda of read) await this.#lookForPlaces(agenda);
  }

  /** The lobby's word; null while there is no connection. */
  see(lobby: Lobby): void {
    const changed = JSON.stringify(lobby) !== JSON.stringify(this.#lobby);
    this.#lobby = lobby;
    this.#merge();
    if (changed && this.#started) this.#schedule(SETTLE_MS);
  }

  #merge(): void {
    const before = this.value.waiting;
    const now = this.#ports.now();
    const near = [...this.#today, ...this.#beside];
    const mine = (item: CaseSummary): boolean => this.#isMine(item);
    const waiting = mergeAgenda(near, this.#lobby, now, mine).filter((row) => row.kind === "waiting");
    this.patch({ rows: mergeAgenda(this.#shown, this.#lobby, now, mine), waiting, live: this.#lobby !== null });
    const fresh = arrivals(before, waiting);
    if (fresh.length > 0) this.#ports.arrived(fresh);
  }

  #isMine(item: CaseSummary): boolean {
    if (item.clerk !== null) return item.clerk.clerk_id === this.#ports.me();
    return this.value.places.get(item.appointment_id)?.mine ?? false;
  }

  /** Without an answer the agenda just does not know whose place it is. */
  async #lookForPlaces({ date, cases }: Agenda): Promise<void> {
    const now = this.#ports.now();
    const fresh = now - (this.#placesAsked.get(date) ?? -Infinity) < PLACES_MS;
    if (cases.length === 0 || (fresh && cases.every((item) => this.value.places.has(item.appointment_id)))) return;
    this.#placesAsked.set(date, now);
    const found = await this.#ports.places(date).catch(() => null);
    if (found === null || !this.#started) return;
    this.patch({ places: new Map([...this.value.places, ...found]) });
    this.#merge();
  }

  /** Around midnight somebody of yesterday or tomorrow may wait: find their case, once per appointment. */
  async #lookBeside(): Promise<void> {
    const unknown = unknownWaiting([...this.#today, ...this.#beside], this.#lobby);
    const unasked = unknown.filter((entry) => !this.#besideAsked.has(entry.appointment_id));
    if (unasked.length === 0) return;
    for (const entry of unasked) this.#besideAsked.add(entry.appointment_id);
    const today = this.value.today;
    await this.#besideLatest.ask(() => Promise.all([-1, 1].map((by) => this.#ports.agenda(shiftDay(today, by)))), {
      answer: (days) => {
        this.#beside = days.flatMap((day) => day.cases);
        this.#merge();
      },
      // Asked again with the next reading.
      failure: () => unasked.forEach((entry) => this.#besideAsked.delete(entry.appointment_id)),
    });
  }

  #schedule(milliseconds: number): void {
    this.#cancel();
    this.#cancel = this.#started ? this.#ports.later(milliseconds, () => void this.refresh()) : () => {};
  }
}
