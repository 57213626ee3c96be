import { SvelteMap } from "svelte/reactivity";

import { bookingApi } from "$shared/api/booking";
import { secondsLeft } from "$shared/api/clock";
import { idempotencyKey } from "$shared/api/http";
import { isProblem } from "$shared/api/problem";
import type { BookedAppointment, BookedService, Hold, OfficeInfo, ServiceOffer, Slot } from "$shared/api/types";
import { clocksDiffer, ownTimeZone } from "$shared/i18n/format";
import { language, type Language } from "$shared/i18n/language.svelte";

const STORAGE_KEY = "schalter-booking";
// With less than this left, typing prolongs the hold: nobody should lose a slot for being slow.
const EXTEND_BELOW_SECONDS = 180;
const EXTEND_EVERY_MS = 30_000;
// Taken by somebody else, or (after a long pause) begun meanwhile: the answer is the same, other slots nearby.
const LOST = ["slot_taken", "slot_not_offered"] as const;

interface Stored {
  readonly office: string;
  readonly services: readonly string[];
  readonly options: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly answers: Readonly<Record<string, boolean>>;
  readonly slot: Slot | null;
  readonly hold: Hold | null;
}

/** The alternatives that a `slot_taken` problem brings along. */
function alternativesOf(problem: { readonly extra: Readonly<Record<string, unknown>> }): readonly Slot[] {
  const list = problem.extra["alternatives"];
  return Array.isArray(list) ? (list as readonly Slot[]) : [];
}

/**
 * A booking in the making: what was chosen, the slot held for it, and the details typed so far.
 *
 * Choices survive a reload (session storage); name and e-mail stay in memory, since they are personal.
 */
export class Draft {
  services = $state<readonly string[]>([]);
  options = new SvelteMap<string, Readonly<Record<string, string>>>();
  answers = new SvelteMap<string, boolean>();
  slot = $state<Slot | null>(null);
  hold = $state<Hold | null>(null);
  /** Seconds until the hold ends; null without a hold. */
  left = $state<number | null>(null);
  expired = $state(false);
  /** The server cannot hold slots right now; booking works without. */
  holdless = $state(false);
  /** Set when the slot was taken by somebody else; empty when nothing near it is free. */
  alternatives = $state<readonly Slot[] | null>(null);
  reserving = $state(false);
  name = $state("");
  email = $state("");
  language = $state<Language>(language.current);

  #intent: { readonly key: string; readonly content: string } | null = null;
  #lastExtension = 0;
  /** Chosen here, so that a repeated request cannot hold twice. A released hold's id is not used again. */
  #holdId = crypto.randomUUID() as string;

  constructor(readonly office: string) {
    this.#restore();
  }

  chosen(offers: readonly ServiceOffer[]): readonly ServiceOffer[] {
    return offers.filter((offer) => this.services.includes(offer.id));
  }

  select(service: string, on: boolean): void {
    this.services = on ? [...this.services, service] : this.services.filter((other) => other !== service);
    // Another length may not fit the slot any more.
    this.letGo();
    this.store();
  }

  choose(service: string, option: string, value: string): void {
    this.options.set(service, { ...this.options.get(service), [option]: value });
    this.store();
  }

  answer(service: string, question: string, yes: boolean): void {
    this.answers.set(`${service}/${question}`, yes);
    this.store();
  }

  answerOf(service: string, question: string): boolean | undefined {
    return this.answers.get(`${service}/${question}`);
  }

  /** Reserves a slot, moving the hold if there is one. @throws ApiProblem except a lost slot, which fills `alternatives`. */
  async reserve(slot: Slot): Promise<boolean> {
    this.reserving = true;
    try {
      const held = await bookingApi.hold(this.office, this.services, slot.starts_at, this.#holdId);
      this.#held(held);
      return true;
    } catch (problem) {
      if (isProblem(problem, ...LOST)) {
        this.alternatives = alternativesOf(problem);
        return false;
      }
      if (isProblem(problem, "holds_unavailable")) {
        this.#held(null, slot);
        return true;
      }
      throw problem;
    } finally {
      this.reserving = false;
    }
  }

  /** @throws ApiProblem when the hold is gone or may not be prolonged further. */
  async extend(): Promise<void> {
    if (!this.hold) return;
    this.#held(await bookingApi.extendHold(this.office, this.hold.hold_id));
  }

  /** Call on every key stroke: prolongs the hold when it runs short. */
  typed(): void {
    if (!this.hold || this.left === null || this.left > EXTEND_BELOW_SECONDS || this.expired) return;
    if (Date.now() - this.#lastExtension < EXTEND_EVERY_MS) return;
    this.#lastExtension = Date.now();
    // A refusal is no news here: the countdown goes on and says so itself.
    this.extend().catch(() => undefined);
  }

  /** Call every second: moves the countdown on. */
  tick(): void {
    if (!this.hold || this.expired) return;
    this.left = secondsLeft(this.hold.expires_at);
    if (this.left === 0) {
      this.expired = true;
      this.store();
    }
  }

  letGo(): void {
    const held = this.hold;
    this.#held(null, null);
    this.holdless = false;
    // The server forgets it by itself soon; telling it only frees the slot earlier.
    if (held) bookingApi.releaseHold(this.office, held.hold_id).catch(() => undefined);
    this.#holdId = crypto.randomUUID();
  }

  /** Books what was chosen. Repeating it after a lost answer cannot book twice. @throws ApiProblem; a lost slot fills `alternatives`. */
  async book(info: OfficeInfo): Promise<BookedAppointment> {
    if (!this.slot) throw new Error("no slot chosen");
    const zone = ownTimeZone();
    const appointment = {
      services: this.services.map((id): BookedService => ({ service_id: id, options: this.options.get(id) ?? {} })),
      starts_at: this.slot.starts_at,
      ...(this.hold && !this.expired ? { hold_id: this.hold.hold_id } : {}),
      name: this.name.trim(),
      email: this.email.trim(),
      language: this.language,
      ...(clocksDiffer(zone, info.time_zone, this.slot.starts_at) ? { time_zone: zone } : {}),
    };
    const content = JSON.stringify(appointment);
    if (this.#intent?.content !== content) this.#intent = { key: idempotencyKey(), content };
    try {
      return await bookingApi.book(this.office, appointment, this.#intent.key);
    } catch (problem) {
      if (isProblem(problem, ...LOST)) this.alternatives = alternativesOf(problem);
      throw problem;
    }
  }

  store(): void {
    const { office, services, slot, hold } = this;
    const stored: Stored = { office, services, slot, hold, options: Object.fromEntries(this.options), answers: Object.fromEntries(this.answers) };
    try {
      sessionStorage.setItem(STORAGE_KEY, JSON.stringify(stored));
    } catch {
      // Without storage a reload starts the booking anew; nothing else is lost.
    }
  }

  #held(hold: Hold | null, slot: Slot | null = hold): void {
    this.hold = hold;
    this.slot = slot ? { starts_at: slot.starts_at, ends_at: slot.ends_at } : null;
    this.holdless = hold === null && slot !== null;
    this.expired = false;
    this.alternatives = null;
    this.left = hold ? secondsLeft(hold.expires_at) : null;
    this.store();
  }

  #restore(): void {
    let stored: Partial<Stored> | null = null;
    try {
      stored = JSON.parse(sessionStorage.getItem(STORAGE_KEY) ?? "null") as Partial<Stored> | null;
    } catch {
      // Unreadable means nothing was kept.
    }
    if (!stored || stored.office !== this.office) return;
    this.services = stored.services ?? [];
    for (const [service, options] of Object.entries(stored.options ?? {})) this.options.set(service, options);
    for (const [question, yes] of Object.entries(stored.answers ?? {})) this.answers.set(question, yes);
    this.slot = stored.slot ?? null;
    this.hold = stored.hold ?? null;
    this.#holdId = this.hold?.hold_id ?? this.#holdId;
    this.tick();
  }
}

let draft: Draft | null = null;

/** The draft for an office; another office starts a new one. */
export function draftFor(office: string): Draft {
  if (draft?.office !== office) draft = new Draft(office);
  return draft;
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
