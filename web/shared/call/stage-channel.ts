/**
 * The live data channel (id 1): field keystrokes as they happen, and what the other side switched on.
 *
 * It shows, it never binds: what counts is saved over HTTPS. So nothing is queued or repeated, and nothing passes in
 * either direction before the verification code exists: until then nobody knows who is at the other end.
 */

export interface LiveField {
  type: "field";
  application_id: string;
  key: string;
  value: string | number | boolean | null;
}

export interface LiveMedia {
  type: "media";
  camera: boolean;
  microphone: boolean;
}

export type StageMessage = LiveField | LiveMedia;

const LONGEST_MESSAGE = 16_384;

/** Reads one message; null when it is malformed (dropped: a keystroke is worth nothing). */
export function parseStageMessage(data: unknown): StageMessage | null {
  if (typeof data !== "string" || data.length > LONGEST_MESSAGE) return null;
  let fields: unknown;
  try {
    fields = JSON.parse(data);
  } catch {
    return null;
  }
  if (typeof fields !== "object" || fields === null) return null;
  const { type, application_id, key, value, camera, microphone } = fields as Record<string, unknown>;
  if (type === "media" && typeof camera === "boolean" && typeof microphone === "boolean") return { type, camera, microphone };
  if (type !== "field" || typeof application_id !== "string" || typeof key !== "string") return null;
  const plain = value === null || ["string", "number", "boolean"].includes(typeof value);
  return plain ? { type, application_id, key, value: value as LiveField["value"] } : null;
}

export class StageChannel {
  #channel: RTCDataChannel | null = null;
  #trusted = false;
  readonly #fieldListeners = new Set<(field: LiveField) => void>();

  constructor(private readonly onmedia: (media: LiveMedia) => void) {}

  /** Shows the clerk's keystroke at once; false when there is no verified connection. */
  sendField(applicationId: string, key: string, value: LiveField["value"]): boolean {
    return this.send({ type: "field", application_id: applicationId, key, value });
  }

  onField(listener: (field: LiveField) => void): () => void {
    this.#fieldListeners.add(listener);
    return () => this.#fieldListeners.delete(listener);
  }

  send(message: StageMessage): boolean {
    if (!this.#trusted || this.#channel?.readyState !== "open") return false;
    this.#channel.send(JSON.stringify(message));
    return true;
  }

  /** Binds the channel of a new connection; null takes it away. */
  attach(channel: RTCDataChannel | null): void {
    if (this.#channel) this.#channel.onmessage = null;
    this.#channel = channel;
    this.#trusted = false;
    if (channel) channel.onmessage = (event) => this.#receive(event.data);
  }

  trust(trusted: boolean): void {
    this.#trusted = trusted;
  }

  #receive(data: unknown): void {
    const message = this.#trusted ? parseStageMessage(data) : null;
    if (message?.type === "media") this.onmedia(message);
    else if (message) for (const listener of this.#fieldListeners) listener(message);
  }
}
