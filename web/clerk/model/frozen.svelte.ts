import type { Stage } from "./types";
import { WHOLE } from "./frame";

/** What of a canvas this needs: its size; setting it clears the pixels. */
interface Sheet {
  width: number;
  height: number;
}

/** Where a frozen picture is needed: to look at the card, and to type what stands on it. */
const KEPT: readonly Stage[] = ["identity", "application"];

/**
 * The citizen's picture, held to look at a card in peace. It lives in this tab's memory alone, on one canvas; it is wiped
 * when neither of its stages is looked at any more, and when the case ends. A call that ends leaves it: the form beside it is
 * still to be filled in.
 */
export class FrozenPicture<Source, Canvas extends Sheet> {
  taken = $state(false);
  /** There was nothing to hold. */
  missing = $state(false);
  view = $state.raw(WHOLE);
  readonly sheet: Canvas;
  readonly #grab: (source: Source, sheet: Canvas) => boolean;

  /** `grab` draws what the source shows now onto the sheet; false when it shows nothing. */
  constructor(sheet: Canvas, grab: (source: Source, sheet: Canvas) => boolean) {
    this.sheet = sheet;
    this.#grab = grab;
  }

  take(source: Source | undefined): void {
    this.taken = source !== undefined && this.#grab(source, this.sheet);
    this.missing = !this.taken;
    this.view = WHOLE;
  }

  wipe(): void {
    // Setting the size clears the pixels; a garbage-collected canvas would keep them a while.
    this.sheet.width = this.sheet.height = 0;
    this.taken = this.missing = false;
  }

  /** Keep the picture only while it is needed: call it whenever another stage is looked at, or the case ends. */
  follow(stage: Stage, open: boolean): void {
    if (!open || !KEPT.includes(stage)) this.wipe();
  }
}
