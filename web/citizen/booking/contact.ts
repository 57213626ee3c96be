/** Whether an address could be one; the mail that arrives or not is the real test. */
export function looksLikeEmail(text: string): boolean {
  return /^[^\s@]+@[^\s@]+\.[^\s@]{2,}$/.test(text.trim());
}

/** Whether something could be a telephone number as people write them; the service knows the countries' rules. */
export function looksLikePhone(text: string): boolean {
  const digits = text.replace(/[\s()/.\-–]/g, "");
  return /^(\+|00?)[1-9]\d{4,14}$/.test(digits);
}
