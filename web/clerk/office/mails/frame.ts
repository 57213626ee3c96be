/**
 * Draws a mail into a frame of our page. The page's content security policy, which the frame inherits, would drop the
 * inline styles that mails need; set through the CSSOM they hold. What could do anything is left out: scripts do not run
 * in the sandbox, links lead nowhere.
 */

/** The markup with its styles put aside, so that parsing it sets none. */
export function prepared(html: string): { readonly markup: string; readonly sheets: readonly string[] } {
  const sheets: string[] = [];
  const bare = html.replace(/<style[^>]*>([\s\S]*?)<\/style>/gi, (_, sheet: string) => {
    sheets.push(sheet);
    return "";
  });
  // Only within a tag: a mail's text may hold the same characters.
  const markup = bare.replace(/<[a-z][^>]*>/gi, (tag) => tag.replace(/\sstyle="/gi, ' data-style="'));
  return { markup, sheets };
}

/** Puts the mail into the frame's document; the height that it takes. */
export function draw(frame: HTMLIFrameElement, html: string): void {
  const inside = frame.contentDocument;
  const window = frame.contentWindow as (Window & typeof globalThis) | null;
  if (!inside || !window) return;
  const { markup, sheets } = prepared(html);
  const mail = new DOMParser().parseFromString(markup, "text/html");
  mail.querySelectorAll("script, link, base, iframe, object, form, meta[http-equiv]").forEach((one) => one.remove());
  inside.documentElement.lang = mail.documentElement.lang;
  inside.head.replaceChildren(...mail.head.querySelectorAll("meta[name], title"));
  inside.adoptedStyleSheets = sheets.map((sheet) => {
    const made = new window.CSSStyleSheet();
    made.replaceSync(sheet);
    return made;
  });
  const body = inside.importNode(mail.body, true);
  for (const one of [body, ...body.querySelectorAll<HTMLElement>("[data-style]")]) {
    one.style.cssText = one.dataset["style"] ?? "";
    delete one.dataset["style"];
  }
  for (const link of body.querySelectorAll("a")) {
    link.title = link.href;
    link.removeAttribute("href");
    if (!link.style.textDecoration) link.style.cssText += ";text-decoration:underline;color:LinkText";
  }
  inside.body.replaceWith(body);
}
