import type { components } from "$shared/api/generated/notify";

export type Preview = components["schemas"]["Preview"];
export type Kind = Preview["kind"];
export type Form = "html" | "text";

/** The kinds of mails, in the order of the story: as the service tells them, each once. */
export const kindsOf = (previews: readonly Preview[]): readonly Kind[] => [...new Set(previews.map(({ kind }) => kind))];

/** The mail that comes closest to a wish: not every kind has one in plain language. */
export function closest(previews: readonly Preview[], wish: Preview): Preview | null {
  const same = previews.filter(({ kind, language }) => kind === wish.kind && language === wish.language);
  return same.find(({ plain }) => plain === wish.plain) ?? same[0] ?? null;
}

export function addressOf({ kind, language, plain }: Preview, form: Form): string {
  return `/api/notify/preview/${kind}?${new URLSearchParams({ language, plain: String(plain), format: form })}`;
}

/** The text of a mail as the service gives it: the subject first, then the body. */
export function subjectAndBody(text: string): { readonly subject: string; readonly body: string } {
  const [subject = "", ...rest] = text.split("\n");
  return { subject, body: rest.join("\n").trim() };
}
