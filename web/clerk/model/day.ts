/**
 * The agenda as it lives: today's list for the waiting room, the chosen day's list for the page, and the lobby's word on
 * who is there. It asks casework again whenever the waiting room changes, and now and then in case nobody said so.
 */
import type { Agenda } from "$shared/api/types";
import { arrivals, mergeAgenda, shiftDay, unknownWaiting, type AgendaRow, type Lobby } from "./agenda";
import { State } from "./state";
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
  /** The waiting room is watched live. */
  live: boolean;
  loading: boolean;
  problem: unknown;
}

export interface DayPorts {
  /** casework's list of a day; without a date the office's today. */
  agenda(date?: string): Promise<Agenda>;
  now(): number;
  later(milliseconds: number, run: () => void): () => void;
  /** Somebody came into the waiting room. */
  arrived(rows: readonly AgendaRow[]): void;
}

const REFRESH_MS = 60_000;
/** casework hears of an arrival through events, a moment after the lobby. */
const SETTLE_MS = 600;

const EMPTY: DayState = {
  date: "",
  today: "",
  timeZone: "Europe/Berlin",
  rows: [],
  waiting: [],
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
  #lobby: Lobby = null;
  #cancel: () => void = () => {};
  #asked = 0;
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
    this.#asked += 1;
    this.#today = this.#shown = this.#beside = [];
    this.#lobby = null;
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
    const asked = ++this.#asked;
    this.#schedule(REFRESH_MS);
    try {
      const today = await this.#ports.agenda();
      const other = this.value.date !== "" && this.value.date !== this.value.today && this.value.date !== today.date;
      const shown = other ? await this.#ports.agenda(this.value.date) : today;
      if (asked !== this.#asked) return;
      this.#today = today.cases;
      this.#shown = shown.cases;
      this.patch({ date: shown.date, today: today.date, timeZone: today.time_zone, loading: false, problem: null });
      this.#merge();
      await this.#lookBeside();
    } catch (problem) {
      if (asked === this.#asked) this.patch({ loading: false, problem });
    }
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
    const waiting = mergeAgenda(near, this.#lobby, now).filter((row) => row.kind === "waiting");
    this.patch({ rows: mergeAgenda(this.#shown, this.#lobby, now), waiting, live: this.#lobby !== null });
    const fresh = arrivals(before, waiting);
    if (fresh.length > 0) this.#ports.arrived(fresh);
  }

  /** Around midnight somebody of yesterday or tomorrow may wait: find their case, once per appointment. */
  async #lookBeside(): Promise<void> {
    const unknown = unknownWaiting([...this.#today, ...this.#beside], this.#lobby);
    const unasked = unknown.filter((entry) => !this.#besideAsked.has(entry.appointment_id));
    if (unasked.length === 0) return;
    for (const entry of unasked) this.#besideAsked.add(entry.appointment_id);
    const today = this.value.today;
    const days = await Promise.all([-1, 1].map((by) => this.#ports.agenda(shiftDay(today, by))));
    this.#beside = days.flatMap((day) => day.cases);
    this.#merge();
  }

  #schedule(milliseconds: number): void {
    this.#cancel();
    this.#cancel = this.#started ? this.#ports.later(milliseconds, () => void this.refresh()) : () => {};
  }
}
