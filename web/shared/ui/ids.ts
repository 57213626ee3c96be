let last = 0;

/** An id unique in this document, to tie labels, hints and errors to their fields. */
export function uniqueId(prefix: string): string {
  last += 1;
  return `${prefix}-${last}`;
}
