/**
 * Messages of the signaling service, one union per direction.
 *
 * What arrives is checked before it is believed: a message of unknown type or wrong shape is dropped (`parse` answers
 * null), so that a newer server can say more than this client understands.
 */

export type Role = "citizen" | "clerk";
export type ClosedReason = "completed" | "aborted" | "cancelled" | "rescheduled" | "expired" | "replaced" | "left";

export interface Description {
  type: "offer" | "answer";
  sdp: string;
}

export interface Candidate {
  candidate: string;
  sdpMid?: string | null;
  sdpMLineIndex?: number | null;
  usernameFragment?: string | null;
}

export interface IceServer {
  urls: string | string[];
  username?: string;
  credential?: string;
}

export interface StageHint {
  stage: string;
  revision: number;
}

export interface LobbyEntry {
  appointment_id: string;
  since: string;
  starts_at: string;
  admitted: boolean;
  present: boolean;
}

/** How this browser's connection to the other one came about, for figures. "none": at first it did not. */
export interface PathFound {
  type: "path";
  path: "host" | "srflx" | "relay" | "none";
  transport: "udp" | "tcp" | "tls" | null;
  milliseconds: number;
  again: boolean;
}

export type ClientMessage =
  | PathFound
  | { type: "hello"; ticket: string; epoch: string }
  | { type: "heartbeat" }
  | { type: "description"; description: Description }
  | { type: "candidate"; candidate: Candidate | null }
  | { type: "restart-request" }
  | { type: "admit" }
  | { type: "dismiss" }
  | { type: "ice-servers" }
  | { type: "leave" };

export interface Welcome {
  type: "welcome";
  role: Role;
  office: string;
  appointment_id: string | null;
  admitted: boolean;
  peer: { present: boolean; epoch: string | null } | null;
  stage: StageHint | null;
  /** Whether this server takes `path` messages: one from before would hang up. */
  takes_path: boolean;
}

export type ServerMessage =
  | Welcome
  | { type: "heartbeat" }
  | { type: "peer-joined"; epoch: string }
  | { type: "peer-left" }
  | { type: "waiting"; ahead: number; estimate_seconds: number | null; clerk_present: boolean }
  | { type: "admitted" }
  | { type: "dismissed" }
  | { type: "description"; description: Description; epoch: string }
  | { type: "candidate"; candidate: Candidate | null; epoch: string }
  | { type: "restart-request" }
  | { type: "ice-servers"; ice_servers: IceServer[] }
  | { type: "case-changed"; subject: string; stage: string | null; revision: number | null }
  | { type: "lobby"; waiting: LobbyEntry[] }
  | { type: "closed"; reason: ClosedReason }
  | { type: "error"; code: string; detail: string };

type Fields = Record<string, unknown>;

const isObject = (value: unknown): value is Fields => typeof value === "object" && value !== null && !Array.isArray(value);
const isText = (value: unknown): value is string => typeof value === "string";
const isCount = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value) && value >= 0;

function description(value: unknown): Description | null {
  if (!isObject(value) || !isText(value["sdp"])) return null;
  const type = value["type"];
  return type === "offer" || type === "answer" ? { type, sdp: value["sdp"] } : null;
}

function isCandidate(value: unknown): value is Candidate | null {
  return value === null || (isObject(value) && isText(value["candidate"]));
}

function iceServers(value: unknown): IceServer[] {
  if (!Array.isArray(value)) return [];
  return value.filter((one): one is IceServer & Fields => isObject(one) && (isText(one["urls"]) || Array.isArray(one["urls"])));
}

function stageHint(value: unknown): StageHint | null {
  if (!isObject(value) || !isText(value["stage"])) return null;
  return { stage: value["stage"], revision: isCount(value["revision"]) ? value["revision"] : 0 };
}

function peer(value: unknown): Welcome["peer"] {
  if (!isObject(value)) return null;
  return { present: value["present"] === true, epoch: isText(value["epoch"]) ? value["epoch"] : null };
}

function welcome(fields: Fields): Welcome | null {
  const role = fields["role"];
  if (role !== "citizen" && role !== "clerk") return null;
  return {
    type: "welcome",
    role,
    office: isText(fields["office"]) ? fields["office"] : "",
    appointment_id: isText(fields["appointment_id"]) ? fields["appointment_id"] : null,
    admitted: fields["admitted"] === true,
    peer: peer(fields["peer"]),
    stage: stageHint(fields["stage"]),
    takes_path: fields["takes_path"] === true,
  };
}

function lobbyEntries(value: unknown): LobbyEntry[] {
  if (!Array.isArray(value)) return [];
  return value.filter(isObject).flatMap(({ appointment_id, since, starts_at, admitted, present }) =>
    isText(appointment_id) && isText(since) && isText(starts_at)
      ? [{ appointment_id, since, starts_at, admitted: admitted === true, present: present === true }]
      : [],
  );
}

const CLOSED_REASONS: readonly string[] = ["completed", "aborted", "cancelled", "rescheduled", "expired", "replaced", "left"];

const PARSERS: Record<string, (fields: Fields) => ServerMessage | null> = {
  welcome,
  heartbeat: () => ({ type: "heartbeat" }),
  "peer-joined": ({ epoch }) => (isText(epoch) ? { type: "peer-joined", epoch } : null),
  "peer-left": () => ({ type: "peer-left" }),
  waiting: (fields) => ({
    type: "waiting",
    ahead: isCount(fields["ahead"]) ? fields["ahead"] : 0,
    estimate_seconds: isCount(fields["estimate_seconds"]) ? fields["estimate_seconds"] : null,
    clerk_present: fields["clerk_present"] === true,
  }),
  admitted: () => ({ type: "admitted" }),
  dismissed: () => ({ type: "dismissed" }),
  description: (fields) => {
    const parsed = description(fields["description"]);
    return parsed && isText(fields["epoch"]) ? { type: "description", description: parsed, epoch: fields["epoch"] } : null;
  },
  candidate: ({ candidate, epoch }) =>
    isCandidate(candidate) && isText(epoch) ? { type: "candidate", candidate, epoch } : null,
  "restart-request": () => ({ type: "restart-request" }),
  "ice-servers": (fields) => ({ type: "ice-servers", ice_servers: iceServers(fields["ice_servers"]) }),
  "case-changed": ({ subject, stage, revision }) => ({
    type: "case-changed",
    subject: isText(subject) ? subject : "",
    stage: isText(stage) ? stage : null,
    revision: isCount(revision) ? revision : null,
  }),
  lobby: (fields) => ({ type: "lobby", waiting: lobbyEntries(fields["waiting"]) }),
  closed: ({ reason }) =>
    isText(reason) && CLOSED_REASONS.includes(reason) ? { type: "closed", reason: reason as ClosedReason } : null,
  error: ({ code, detail }) => ({ type: "error", code: isText(code) ? code : "unknown", detail: isText(detail) ? detail : "" }),
};

/** Reads one text frame of the server; null when it is no message this client understands. */
export function parse(frame: unknown): ServerMessage | null {
  if (!isText(frame)) return null;
  let fields: unknown;
  try {
    fields = JSON.parse(frame);
  } catch {
    return null;
  }
  if (!isObject(fields) || !isText(fields["type"]) || !Object.hasOwn(PARSERS, fields["type"])) return null;
  return PARSERS[fields["type"]]?.(fields) ?? null;
}
