/** The composition root of the clerks' client: the one place where models meet server, browser and call. */
import { serverNow } from "$shared/api/clock";
import { clerkApi } from "$shared/api/casework";
import { createLobby, fetchTicket, type Lobby } from "$shared/call";
import { clerk as texts } from "$shared/i18n/clerk";
import { announce } from "$shared/ui/announce";
import { Router } from "$shared/ui/router.svelte";
import { chime } from "./agenda/chime";
import { Day } from "./model/day";
import { Session, type SessionMessage } from "./model/session";
import { State } from "$shared/state";
import { Unsaved } from "./model/unsaved";
import { Workbench } from "./model/workbench";
import { Workspace, type Live } from "./model/workspace";
import * as kept from "./shell/kept";
import { placesAround } from "./office/places";
import { personName } from "./shell/names";

const later = (milliseconds: number, run: () => void): (() => void) => {
  const timer = setTimeout(run, milliseconds);
  return () => clearTimeout(timer);
};

const channel = new BroadcastChannel("schalter-clerk-session");

export const session = new Session({
  signIn: clerkApi.signIn,
  refresh: clerkApi.refresh,
  signOut: clerkApi.signOut,
  remembered: () => kept.read("session") === "some",
  remember: (signedIn) => kept.write("session", signedIn ? "some" : "none"),
  now: () => serverNow(),
  later,
  exclusive: async (run) => ("locks" in navigator ? await navigator.locks.request("schalter-clerk-refresh", run) : run()),
  tell: (message) => channel.postMessage(message),
  hear: (listener) => {
    channel.onmessage = (event: MessageEvent<SessionMessage>) => listener(event.data);
  },
  unsaved: () => unsaved.some,
});

export const router = new Router(
  [
    { name: "agenda", pattern: "/clerk" },
    { name: "case", pattern: "/clerk/cases/:case_id" },
    { name: "week", pattern: "/clerk/week" },
    { name: "book", pattern: "/clerk/book" },
    { name: "absences", pattern: "/clerk/absences" },
    { name: "moves", pattern: "/clerk/moves" },
    { name: "statistics", pattern: "/clerk/statistics" },
    { name: "hours", pattern: "/clerk/hours" },
    { name: "team", pattern: "/clerk/team" },
    { name: "mails", pattern: "/clerk/mails" },
  ] as const,
  ["api", "mail"],
);

export const day = new Day({
  agenda: (date) => session.call((token) => clerkApi.agenda(token, date)),
  places: placesAround,
  me: () => session.value.clerk?.clerk_id ?? null,
  now: () => Date.now(),
  later,
  arrived: (rows) => {
    chime();
    for (const row of rows) announce(texts.arrived(personName(row.item)));
  },
});

let lobby: Lobby | null = null;

/** Watch agenda and waiting room, on every page: who waits matters in a call, too. */
export function startWatching(): () => void {
  day.start();
  lobby = createLobby({ ticket: async () => fetchTicket(await session.token(), { lobby: true }) });
  const unsubscribe = lobby.state.subscribe(({ signaling, waiting }) => day.see(signaling === "open" ? waiting : null));
  lobby.start();
  const visible = (): void => {
    if (document.visibilityState === "visible") void day.refresh();
  };
  document.addEventListener("visibilitychange", visible);
  return () => {
    document.removeEventListener("visibilitychange", visible);
    unsubscribe();
    lobby?.stop();
    lobby = null;
    day.stop();
  };
}

/** "Let in" on the agenda is one click: the workspace takes the case and admits as soon as it can. */
let toAdmit: { readonly caseId: string; readonly visit: number } | null = null;

export function letIn(caseId: string): void {
  // Who is asked before a running call is left, and stays, has let nobody in: only the very next page counts.
  toAdmit = { caseId, visit: router.visits + 1 };
  router.go(`/clerk/cases/${caseId}`);
}

/** Whether the case was opened by "let in"; asked once. */
export function wantsAdmission(caseId: string): boolean {
  const wanted = toAdmit?.caseId === caseId && toAdmit.visit === router.visits;
  toAdmit = null;
  return wanted;
}

/** Whether this tab was in the case's call, for its reload: in the tab's own memory, and nothing but the case's id. */
export function callOfThisTab(caseId: string): { remember(inCall: boolean): void; remembered(): boolean } {
  const remembered = (): boolean => kept.readHere("call") === caseId;
  return { remembered, remember: (inCall) => (inCall ? kept.writeHere("call", caseId) : remembered() ? kept.writeHere("call", "") : undefined) };
}

const workspaceOf = (caseId: string): Workspace =>
  new Workspace({
    read: () => session.call((token) => clerkApi.case(token, caseId)),
    take: () => session.call((token) => clerkApi.take(token, caseId)),
    showStage: (stage) => session.call((token) => clerkApi.showStage(token, caseId, stage)),
    recordIdentity: (check) => session.call((token) => clerkApi.recordIdentity(token, caseId, check)),
    save: (applicationId, values, revision) =>
      session.call((token) => clerkApi.saveApplication(token, caseId, applicationId, values, revision)),
    requestPayment: () => session.call((token) => clerkApi.requestPayment(token, caseId)),
    complete: () => session.call((token) => clerkApi.complete(token, caseId)),
    abort: (reason) => session.call((token) => clerkApi.abort(token, caseId, reason)),
    later,
  });

/** What is typed in cases, also in those that were left before all of it was saved. */
export const workbench = new Workbench(workspaceOf);

/** What would be lost with this tab: in cases, and on the pages that say so (Frame). */
export const unsaved = new Unsaved(() => workbench.held);

/** The workspace's model of one case; `live` carries keystrokes to the citizen's screen. */
export const createWorkspace = (caseId: string, live: Live): Workspace => workbench.open(caseId, live);

let worker: string | null = null;
session.subscribe(({ clerk }) => {
  if (worker !== null && clerk?.clerk_id !== worker) workbench.clear();
  worker = clerk?.clerk_id ?? null;
});

const PATIENCE_MS = 3_000;
/** Somebody wants to sign out, and something typed is not saved: they are asked (see Leftovers). */
export const signingOut = new State(false);

/** Signs out once everything typed in cases is saved, or after asking. */
export async function signOut(): Promise<void> {
  await Promise.race([workbench.flush(), new Promise<void>((resolve) => later(PATIENCE_MS, resolve))]);
  if (workbench.held) signingOut.set(true);
  else await session.signOut();
}
