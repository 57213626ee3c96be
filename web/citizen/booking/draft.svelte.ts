import { SvelteMap } from "svelte/reactivity";

import { bookingApi } from "$shared/api/booking";
import { Intent } from "$shared/api/intent";
import type { BookedAppointment, BookedService, Hold, NewAppointment, OfficeInfo, ServiceOffer } from "$shared/api/types";
import { optionsOf } from "$shared/booking/bring";
import { counted, groupsOf, MOST_PERSONS, type Item } from "./catalogue";
import { Person } from "./person.svelte";
import { blockOf } from "$shared/booking/readiness";
import { Reservation, type Kept } from "./reservation.svelte";

const STORAGE_KEY = "schalter-booking";

type Options = Readonly<Record<string, string>>;

interface Stored extends Kept {
  readonly office: string;
  readonly services: readonly string[];
  readonly persons: Readonly<Record<string, number>>;
  readonly options: Readonly<Record<string, Options>>;
  readonly answers: Readonly<Record<string, boolean>>;
  readonly easy: boolean;
}

/**
 * A booking in the making: what was chosen, the slot held for it, and the details typed so far.
 *
 * Choices survive a reload (session storage); what somebody tells about themselves stays in memory.
 */
export class Draft {
  selected = $state<readonly string[]>([]);
  persons = new SvelteMap<string, number>();
  options = new SvelteMap<string, Options>();
  answers = new SvelteMap<string, boolean>();
  /** Services are explained in plain language. */
  easy = $state(false);
  readonly person: Person;
  readonly reservation: Reservation;

  readonly #intent = new Intent();

  constructor(readonly office: OfficeInfo) {
    this.person = new Person(office.languages);
    const hold = (startsAt: string, id: string): Promise<Hold> => bookingApi.hold(office.slug, this.items.map(counted), startsAt, id);
    this.reservation = new Reservation({ office: office.slug, hold, onchange: () => this.store() });
    this.#restore();
    this.person.takeBack();
  }

  /** The services that were chosen, in the order of the page. */
  get chosen(): readonly ServiceOffer[] {
    return groupsOf(this.office.services).flatMap(({ services }) => services.filter(({ id }) => this.selected.includes(id)));
  }

  /** What the appointment is for: the chosen services that a call can finish, and for how many people each. */
  get items(): readonly Item[] {
    return this.chosen.filter((service) => this.blockOf(service) === null).map((service) => ({ service, persons: this.personsOf(service) }));
  }

  /** The services as a booking names them. */
  get order(): BookedService[] {
    return this.items.map(({ service, persons }) => ({ service_id: service.id, options: { ...this.optionsOf(service) }, persons }));
  }

  select(service: string, on: boolean): void {
    this.selected = on ? [...this.selected.filter((other) => other !== service), service] : this.selected.filter((other) => other !== service);
    this.#lengthChanged();
  }

  personsOf(service: ServiceOffer): number {
    return service.minutes_per_further_person === null ? 1 : (this.persons.get(service.id) ?? 1);
  }

  bring(service: string, persons: number): void {
    this.persons.set(service, Math.max(1, Math.min(MOST_PERSONS, persons)));
    this.#lengthChanged();
  }

  choose(service: string, option: string, value: string): void {
    this.options.set(service, { ...this.options.get(service), [option]: value });
    this.store();
  }

  /** What was chosen of a service's options, or is preselected. */
  optionsOf(service: ServiceOffer): Options {
    return optionsOf(service, this.options.get(service.id));
  }

  answer(service: ServiceOffer, question: string, yes: boolean): void {
    const before = this.blockOf(service) !== null;
    this.answers.set(`${service.id}/${question}`, yes);
    if ((this.blockOf(service) !== null) !== before) this.#lengthChanged();
    else this.store();
  }

  answerOf(service: string, question: string): boolean | undefined {
    return this.answers.get(`${service}/${question}`);
  }

  blockOf(service: ServiceOffer): ServiceOffer["questions"][number] | null {
    return blockOf(service, (id, question) => this.answerOf(id, question));
  }

  explainEasily(on: boolean): void {
    this.easy = on;
    this.store();
  }

  /** Books what was chosen. Repeating it after a lost answer cannot book twice. @throws ApiProblem; a lost slot fills `alternatives`. */
  async book(): Promise<BookedAppointment> {
    const { slot, holdId } = this.reservation;
    if (!slot) throw new Error("no slot chosen");
    const appointment: NewAppointment = {
      services: this.order,
      starts_at: slot.starts_at,
      ...(holdId ? { hold_id: holdId } : {}),
      ...this.person.contact(this.office, slot.starts_at),
    };
    try {
      return await bookingApi.book(this.office.slug, appointment, this.#intent.key(appointment));
    } catch (problem) {
      this.reservation.lost(problem);
      throw problem;
    }
  }

  store(): void {
    const stored: Stored = {
      ...this.reservation.kept,
      office: this.office.slug,
      services: this.selected,
      persons: Object.fromEntries(this.persons),
      options: Object.fromEntries(this.options),
      answers: Object.fromEntries(this.answers),
      easy: this.easy,
    };
    try {
      sessionStorage.setItem(STORAGE_KEY, JSON.stringify(stored));
    } catch {
      // Without storage a reload starts the booking anew; nothing else is lost.
    }
  }

  /** An appointment of another length may not fit the slot any more. */
  #lengthChanged(): void {
    this.reservation.letGo();
    this.store();
  }

  #restore(): void {
    let stored: Partial<Stored> | null = null;
    try {
      stored = JSON.parse(sessionStorage.getItem(STORAGE_KEY) ?? "null") as Partial<Stored> | null;
    } catch {
      // Unreadable means nothing was kept.
    }
    if (!stored || stored.office !== this.office.slug) return;
    this.selected = stored.services ?? [];
    for (const [service, persons] of Object.entries(stored.persons ?? {})) this.persons.set(service, persons);
    for (const [service, options] of Object.entries(stored.options ?? {})) this.options.set(service, options);
    for (const [question, yes] of Object.entries(stored.answers ?? {})) this.answers.set(question, yes);
    this.easy = stored.easy ?? false;
    this.reservation.restore({ slot: stored.slot ?? null, hold: stored.hold ?? null });
  }
}

let draft: Draft | null = null;

/** The draft for an office; another office starts a new one. */
export function draftFor(office: OfficeInfo): Draft {
  if (draft?.office.slug !== office.slug) {
    leaveBooking();
    draft = new Draft(office);
  }
  return draft;
}

/** The citizen went elsewhere in the pages: the slot goes back to the others, what was chosen stays. */
export function leaveBooking(): void {
  if (draft?.reservation.slot) draft.reservation.letGo();
}

/** Before a reload that the page asks for: what was typed survives it, as the choices do. */
export function putDraftAside(): void {
  draft?.person.putAside();
}

/** The reservation of the booking in the making, if there is one. */
export function currentReservation(): Reservation | null {
  return draft?.reservation ?? null;
}

/** Forgets everything after a booking. */
export function finishDraft(): void {
  draft = null;
  try {
    sessionStorage.removeItem(STORAGE_KEY);
  } catch {
    // Nothing was kept then.
  }
}
