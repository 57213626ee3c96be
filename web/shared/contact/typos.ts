import { cleanEmail } from "./email";

/** Providers that many write to us from, the most likely first: what a mistyped address probably meant. */
const MEANT = [
  "gmail.com", "gmx.de", "web.de", "t-online.de", "gmx.net", "outlook.de", "outlook.com", "hotmail.com", "hotmail.de", "icloud.com", "yahoo.de",
  "yahoo.com", "freenet.de", "posteo.de", "mailbox.org", "googlemail.com", "aol.com", "arcor.de", "live.de", "live.com", "proton.me",
  "protonmail.com", "vodafone.de", "gmx.at", "gmx.ch", "magenta.de",
] as const;

/** Real ones that look like a slip of one of those, or nobody means when they slip. */
const REAL = new Set<string>([
  ...MEANT,
  "me.com", "aol.de", "email.com", "email.de", "mail.com", "mail.de", "mail.ru", "ymail.com", "rocketmail.com", "online.de", "ok.de", "gmx.eu", "gmx.com", "gmx.org", "gmx.info",
  "gmx.biz", "outlook.at", "outlook.fr", "outlook.es", "outlook.it", "hotmail.fr", "hotmail.it", "hotmail.es", "hotmail.at", "hotmail.co.uk", "live.at", "live.nl",
  "live.fr", "live.it", "live.co.uk", "msn.com", "mac.com", "yahoo.fr", "yahoo.it", "yahoo.es", "yahoo.co.uk", "yahoo.at", "posteo.net", "posteo.org", "posteo.eu", "posteo.at",
  "posteo.ch", "posteo.me", "mailbox.de", "pm.me", "protonmail.ch", "tutanota.com", "tutanota.de", "tutamail.com", "tuta.io", "tuta.com", "1und1.de", "ionos.de",
  "kabelmail.de", "vodafonemail.de", "unitybox.de", "o2online.de", "o2mail.de", "alice.de", "alice-dsl.net", "alice-dsl.de", "ewe.net", "ewetel.net", "netcologne.de", "versanet.de",
  "t-online.com", "telekom.de", "firemail.de", "bluewin.ch", "sunrise.ch", "hispeed.ch", "aon.at", "chello.at", "a1.net", "orange.fr", "laposte.net", "free.fr", "sfr.fr", "libero.it",
  "tiscali.it", "virgilio.it", "wp.pl", "o2.pl", "onet.pl", "interia.pl", "seznam.cz", "abv.bg", "ukr.net", "bk.ru", "list.ru", "inbox.ru", "yandex.ru", "yandex.com", "ya.ru",
  "rambler.ru", "mynet.com", "windowslive.com", "qq.com", "163.com", "126.com", "naver.com", "rediffmail.com", "yahoo.in", "yahoo.co.in",
]);

/** Ends that no domain has, and what was meant. None of these is a country or anything else that exists. */
const ENDS: Readonly<Record<string, string>> = {
  con: "com", cim: "com", cmo: "com", ocm: "com", comm: "com", coom: "com", ccom: "com", cpm: "com", ckm: "com", vom: "com", xom: "com", clm: "com", c: "com", comd: "com",
  ed: "de", dee: "de", dde: "de", ded: "de", des: "de", dr: "de", ds: "de", dw: "de", df: "de", fe: "de", d: "de", e: "de", deu: "de",
  nett: "net", nte: "net", ner: "net", ney: "net", bet: "net", met: "net", orgg: "org", ogr: "org", rog: "org", prg: "org",
};
/** These are nobody else's, whatever end is written behind them. */
const ONE_OF_A_KIND = ["gmail", "googlemail", "hotmail", "icloud"];
/** Shorter names are too close to one another: of these only turned and doubled letters are a slip. */
const SHORT = 4;
const LONG = 7;

const ROWS = ["qwertzuiop", "asdfghjkl", "yxcvbnm", "qwertyuiop", "zxcvbnm"];
const VOWELS = "aeiouy";

/** What the address probably should have been: "amelie@gmail.com" for "amelie@gmial.con"; null when it looks right. */
export function meantEmail(address: string): string | null {
  const clean = cleanEmail(address);
  const at = clean.lastIndexOf("@");
  if (at < 1 || at === clean.length - 1 || /\s/.test(clean)) return null;
  const domain = clean.slice(at + 1).toLowerCase();
  const meant = meantDomain(domain);
  return meant === null || meant === domain ? null : `${clean.slice(0, at)}@${meant}`;
}

function meantDomain(domain: string): string | null {
  if (REAL.has(domain)) return null;
  const tidy = domain.replace(/[,;:]/g, ".").replace(/\.{2,}/g, ".").replace(/^\.|\.$/g, "");
  if (REAL.has(tidy)) return tidy;
  if (!tidy.includes(".")) return MEANT.find((known) => known.replaceAll(".", "") === tidy || known.split(".")[0] === tidy) ?? slipOf(tidy.replace(/(com|de|net|org)$/, ".$1"));
  const [end, name] = [tidy.slice(tidy.lastIndexOf(".") + 1), tidy.slice(0, tidy.lastIndexOf("."))];
  const ended = ENDS[end] ? `${name}.${ENDS[end]}` : tidy;
  if (REAL.has(ended)) return ended;
  return slipOf(ended) ?? (ended === domain ? null : ended);
}

function slipOf(domain: string): string | null {
  const name = domain.slice(0, domain.lastIndexOf("."));
  if (ONE_OF_A_KIND.includes(name)) return MEANT.find((known) => known.startsWith(`${name}.`)) ?? null;
  let best: { readonly known: string; readonly slips: number } | null = null;
  for (const known of MEANT) {
    const label = known.slice(0, known.lastIndexOf("."));
    const most = label.length <= SHORT ? (turnedOrDoubled(domain, known) ? 1 : 0) : label.length >= LONG ? 2 : 1;
    const slips = slipsBetween(domain, known, most);
    if (slips !== null && (best === null || slips < best.slips)) best = { known, slips };
  }
  return best?.known ?? null;
}

/** Whether two letters were turned round, or one was typed twice. */
function turnedOrDoubled(typed: string, meant: string): boolean {
  if (typed.length === meant.length) return [...typed].sort().join("") === [...meant].sort().join("");
  return typed.length === meant.length + 1 && typed.replace(/(.)\1/, "$1") === meant;
}

/** How many slips of the finger turn one into the other, or null if more than `most` (Damerau and Levenshtein). A letter
 * in place of another counts twice, unless they are neighbours on the keyboard, vowels or doubled: "posten" is not "posteo". */
function slipsBetween(typed: string, meant: string, most: number): number | null {
  if (Math.abs(typed.length - meant.length) > 1) return null;
  const cost: number[][] = Array.from({ length: typed.length + 1 }, (_, row) => [row]);
  for (let column = 1; column <= meant.length; column++) cost[0]![column] = column;
  for (let row = 1; row <= typed.length; row++) {
    for (let column = 1; column <= meant.length; column++) {
      const [a, b] = [typed[row - 1]!, meant[column - 1]!];
      let least = Math.min(cost[row - 1]![column]! + 1, cost[row]![column - 1]! + 1, cost[row - 1]![column - 1]! + swapCost(a, b, typed[row - 2]));
      if (row > 1 && column > 1 && a === meant[column - 2] && typed[row - 2] === b) least = Math.min(least, cost[row - 2]![column - 2]! + 1);
      cost[row]![column] = least;
    }
  }
  const slips = cost[typed.length]![meant.length]!;
  return slips > 0 && slips <= most ? slips : null;
}

function swapCost(a: string, b: string, before: string | undefined): number {
  if (a === b) return 0;
  if (a === before) return 1; // the wrong one was doubled: "yahho"
  const near = ROWS.some((row) => row.includes(a) && row.includes(b) && Math.abs(row.indexOf(a) - row.indexOf(b)) === 1);
  return near || (VOWELS.includes(a) && VOWELS.includes(b)) ? 1 : 2;
}
