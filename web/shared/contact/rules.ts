import { cleanEmail } from "$shared/contact/email";

/** Whether an address could be one; the mail that arrives or not is the real test. */
export function looksLikeEmail(text: string): boolean {
  return /^[^\s@]+@[^\s@]+\.[^\s@]{2,}$/.test(cleanEmail(text));
}
