/**
 * The clerk's way into the call of one case. Looking at a case opens neither camera nor connection, and nobody is told of
 * it; an act does: letting in, coming back, or the reload of a tab that was in the call.
 */
import type { CallState } from "$shared/call";
import { State } from "$shared/state";

/** What is needed of a call; `Call` of `$shared/call`. */
export interface CallLine {
  state: { subscribe(reader: (state: CallState) => void): () => void };
  onCaseChanged(listener: () => void): () => void;
  start(): void;
  admit(): void;
  dismiss(): void;
  leave(): void;
  destroy(): void;
}

export interface ConversationState<Line> {
  /** null until somebody joined. */
  line: Line | null;
  room: CallState | null;
  /** The citizen is let in as soon as both are in the room. */
  admitting: boolean;
}

export interface ConversationPorts<Line> {
  create(): Line;
  /** Camera and microphone of this desk. */
  openDevices(): void;
  closeDevices(): void;
  /** Make the case one's own where it is not; false when that was refused. */
  take(): Promise<boolean>;
  caseChanged(): void;
  /** Whether this tab was in this case's call, kept over a reload. */
  remember(inCall: boolean): void;
  remembered(): boolean;
}

export class Conversation<Line extends CallLine> extends State<ConversationState<Line>> {
  #stops: (() => void)[] = [];
  #returning = false;
  #over = false;
  readonly #ports: ConversationPorts<Line>;

  constructor(ports: ConversationPorts<Line>) {
    super({ line: null, room: null, admitting: false });
    this.#ports = ports;
  }

  /** The case was read for the first time. `admit`: "let in" was pressed on the agenda. */
  opened(closed: boolean, admit: boolean): void {
    this.#over = closed;
    if (closed) this.#ports.remember(false);
    else if (admit) this.admit();
    else if (this.#ports.remembered()) {
      this.#returning = true;
      this.join();
    }
  }

  /** The case is closed: nobody is let in any more, but both may still say goodbye. */
  closed(): void {
    this.#over = true;
    this.patch({ admitting: false });
    this.#ports.remember(false);
  }

  /** The case goes on after it was closed: the room that ended with it is left, and somebody can be let in again. */
  reopened(): void {
    if (!this.#over) return;
    this.#over = false;
    this.#withdraw();
  }

  /** Enter the room, with camera and microphone. */
  join(): void {
    this.#drop();
    const line = this.#ports.create();
    this.patch({ line, room: null });
    this.#stops = [line.state.subscribe((room) => this.#changed(room)), line.onCaseChanged(() => this.#ports.caseChanged())];
    line.start();
    this.#ports.openDevices();
  }

  /** Let the citizen in, now or as soon as both are in the room. */
  admit(): void {
    this.patch({ admitting: true });
    const { room } = this.value;
    if (room === null || room.phase === "ended") this.join();
    else this.#step(room);
  }

  dismiss(): void {
    this.#ports.remember(false);
    this.value.line?.dismiss();
  }

  leave(): void {
    this.#ports.remember(false);
    this.value.line?.leave();
  }

  /** The page goes away. */
  close(): void {
    this.#ports.remember(false);
    this.#drop();
    this.#ports.closeDevices();
  }

  #changed(room: CallState): void {
    this.patch({ room });
    if (room.phase === "in_call") {
      this.#returning = false;
      if (!this.#over) this.#ports.remember(true);
    } else if (room.phase === "ended") this.#ended();
    // The call that this tab was in is over: a reload alone does not let anybody in.
    else if (room.phase === "waiting" && this.#returning) return this.#withdraw();
    this.#step(room);
  }

  #ended(): void {
    this.#returning = false;
    this.patch({ admitting: false });
    this.#ports.remember(false);
    this.#ports.closeDevices();
  }

  #step(room: CallState): void {
    if (!this.value.admitting) return;
    if (room.phase === "in_call" || this.#over) this.patch({ admitting: false });
    else if (room.phase === "waiting" && room.peerPresent) {
      this.patch({ admitting: false });
      const { line } = this.value;
      void this.#ports.take().then((taken) => (taken ? line?.admit() : undefined));
    }
  }

  #withdraw(): void {
    this.#returning = false;
    this.#ports.remember(false);
    this.#drop();
    this.patch({ line: null, room: null });
    this.#ports.closeDevices();
  }

  #drop(): void {
    for (const stop of this.#stops) stop();
    this.#stops = [];
    this.value.line?.destroy();
  }
}
