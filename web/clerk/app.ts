/** The composition root of the clerks' client: the one place where models meet server, browser and call. */
import { clerkApi } from "$shared/api/casework";
import { createLobby, fetchTicket, type Lobby } from "$shared/call";
import { clerk as texts } from "$shared/i18n/clerk";
import { announce } from "$shared/ui/announce";
import { Router } from "$shared/ui/router.svelte";
import { chime } from "./agenda/chime";
import { Day } from "./model/day";
import { Session, type SessionMessage } from "./model/session";
import { Workspace } from "./model/workspace";
import * as kept from "./shell/kept";
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
  now: () => Date.now(),
  later,
  exclusive: async (run) => ("locks" in navigator ? await navigator.locks.request("schalter-clerk-refresh", run) : run()),
  tell: (message) => channel.postMessage(message),
  hear: (listener) => {
    channel.onmessage = (event: MessageEvent<SessionMessage>) => listener(event.data);
  },
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
let toAdmit: string | null = null;

export function letIn(caseId: string): void {
  toAdmit = caseId;
  router.go(`/clerk/cases/${caseId}`);
}

/** Whether the case was opened by "let in"; asked once. */
export function wantsAdmission(caseId: string): boolean {
  const wanted = toAdmit === caseId;
  toAdmit = null;
  return wanted;
}

/** The workspace's model of one case; `live` carries keystrokes to the citizen's screen. */
export function createWorkspace(caseId: string, live: (applicationId: string, key: string, value: string | number | boolean | null) => void): Workspace {
  return new Workspace({
    read: () => session.call((token) => clerkApi.case(token, caseId)),
    take: () => session.call((token) => clerkApi.take(token, caseId)),
    showStage: (stage) => session.call((token) => clerkApi.showStage(token, caseId, stage)),
    recordIdentity: (check) => session.call((token) => clerkApi.recordIdentity(token, caseId, check)),
    save: (applicationId, values, revision) =>
      session.call((token) => clerkApi.saveApplication(token, caseId, applicationId, values, revision)),
    requestPayment: () => session.call((token) => clerkApi.requestPayment(token, caseId)),
    complete: () => session.call((token) => clerkApi.complete(token, caseId)),
    abort: (reason) => session.call((token) => clerkApi.abort(token, caseId, reason)),
    live,
    later,
  });
}
