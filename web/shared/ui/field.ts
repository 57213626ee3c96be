/** A label once more in another language, beside the one that is written above the field. */
export interface Gloss {
  readonly text: string;
  readonly lang: string;
}

/** For `aria-describedby`: the ids of what a field of this id is shown with, or undefined for nothing. */
export function describedBy(id: string, shown: Readonly<Partial<Record<"gloss" | "hint" | "error", unknown>>>): string | undefined {
  const parts = (["gloss", "hint", "error"] as const).filter((part) => shown[part]);
  return parts.map((part) => `${id}-${part}`).join(" ") || undefined;
}
