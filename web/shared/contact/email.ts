// What pasting brings along unseen: zero-width and direction marks, soft hyphens, the byte order mark.
const INVISIBLE = /\p{Default_Ignorable_Code_Point}/gu;

/** An address as it was meant: without what pasting brings along, and without the frame that mail programs put around it. */
export function cleanEmail(text: string): string {
  const bare = text.replace(INVISIBLE, "").trim();
  const framed = /<\s*([^<>]+@[^<>]+)>\s*$/.exec(bare)?.[1] ?? bare;
  return framed
    .replace(/^mailto:/i, "")
    .replace(/\s*@\s*/g, "@")
    .trim()
    .replace(/[.,;]+$/, "");
}
