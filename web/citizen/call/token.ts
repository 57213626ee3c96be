/**
 * The appointment a link token is for. Read here, not asked from the signaling service: the verification code is bound to
 * it, and it must not come from the one who might sit in between. Null when the token is not readable.
 */
export function appointmentOf(token: string): string | null {
  try {
    const payload = token.split(".")[1]?.replaceAll("-", "+").replaceAll("_", "/") ?? "";
    const claims: unknown = JSON.parse(atob(payload));
    const subject = (claims as { sub?: unknown } | null)?.sub;
    return typeof subject === "string" && subject !== "" ? subject : null;
  } catch {
    return null;
  }
}
