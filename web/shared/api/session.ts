/** The citizen's token travels in the fragment of the mailed link, which browsers never send to a server. */
export function citizenToken(hash: string = window.location.hash): string | null {
  const token = hash.replace(/^#/, "");
  // A JSON Web Token: three base64url parts, and what a sentence around the link left at its end. Anything else is an anchor.
  return /^([\w-]+\.[\w-]+\.[\w-]+)[.,;:!?)>\]"']*$/.exec(token)?.[1] ?? null;
}

/** A path of this client with the citizen's token, so that the next page knows who asks. */
export function withToken(path: string, token: string | null): string {
  return token ? `${path}#${token}` : path;
}
