import { Lobby, type LobbyOptions } from "./lobby";
import { LocalMedia, type MediaOptions } from "./media";
import { Call, type CallOptions } from "./room";

/** A call of one appointment, not yet started. */
export const createCall = (options: CallOptions): Call => new Call(options);
/** The clerk's list of who waits, not yet started. */
export const createLobby = (options: LobbyOptions): Lobby => new Lobby(options);
/** Camera and microphone of this device; nothing is asked before `start()`. */
export const createMedia = (options: MediaOptions = {}): LocalMedia => new LocalMedia(options);

export { freezeFrame } from "./frame";
export { fetchTicket, TicketError } from "./tickets";
export type { Call, CallOptions, CallState, EndedReason, VerificationState } from "./room";
export type { Lobby, LobbyState } from "./lobby";
export type { DeviceError, DeviceState, LocalMedia, MediaState } from "./media";
export type { LobbyEntry, Role, StageHint } from "./protocol";
export type { LiveField } from "./stage-channel";
