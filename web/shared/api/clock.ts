// Below this the difference may as well be the network's delay or the header's whole seconds.
const NEGLIGIBLE_MS = 3_000;

let offset = 0;

/** Learns from an answer's `Date` header how far this device's clock is off. */
export function learnServerTime(response: Response, now: number = Date.now()): void {
  const date = Date.parse(response.headers.get("Date") ?? "");
  if (Number.isNaN(date)) return;
  offset = Math.abs(date - now) < NEGLIGIBLE_MS ? 0 : date - now;
}

/** The time by the server's clock, in ms since 1970: what deadlines sent by the server have to be compared with. */
export function serverNow(now: number = Date.now()): number {
  return now + offset;
}

/** Whole seconds left until a deadline of the server; 0 once it has passed. */
export function secondsLeft(deadline: string, now: number = serverNow()): number {
  return Math.max(0, Math.ceil((Date.parse(deadline) - now) / 1000));
}
