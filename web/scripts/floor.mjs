// Looks through the built pages for what browsers at the floor do not know: Chrome and Edge 109, Firefox 115, Safari and
// iOS 16. Syntax and styles are translated by the build; what has to be there at run time is listed here, with the
// browsers that brought it.
import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const BUILD = fileURLToPath(new URL("../build/assets", import.meta.url));
const NEWER = [
  ["AbortSignal.any", /AbortSignal\.any\b/, "Chrome 116, Safari 17.4, Firefox 124"],
  ["Promise.withResolvers", /Promise\.withResolvers\b/, "Chrome 119, Safari 17.4, Firefox 121"],
  ["Promise.try", /Promise\.try\b/, "Chrome 128, Safari 18.2, Firefox 134"],
  ["Object.groupBy, Map.groupBy", /(Object|Map)\.groupBy\b/, "Chrome 117, Safari 17.4, Firefox 119"],
  ["Array.fromAsync", /Array\.fromAsync\b/, "Chrome 121, Safari 16.4, Firefox 115"],
  ["toSorted, toReversed, toSpliced", /\.to(Sorted|Reversed|Spliced)\(/, "Chrome 110, Safari 16, Firefox 115"],
  ["URL.canParse, URL.parse", /\bURL\.(canParse|parse)\b/, "Chrome 120, Safari 17, Firefox 115"],
  ["sets' union, difference, ...", /\.(isSubsetOf|isSupersetOf|isDisjointFrom|symmetricDifference)\(/, "Chrome 122, Safari 17, Firefox 127"],
  ["iterators' helpers", /\.(values|keys|entries)\(\)\.(map|filter|some|every|find|toArray|reduce)\(/, "Chrome 122, Safari 18.4, Firefox 131"],
  ["base64 of Uint8Array", /\.(toBase64|toHex)\(|Uint8Array\.from(Base64|Hex)/, "Chrome 140, Safari 18.2, Firefox 133"],
  ["isWellFormed", /\.(isWellFormed|toWellFormed)\(/, "Chrome 111, Safari 16.4, Firefox 119"],
  ["Intl.DurationFormat", /Intl\.DurationFormat\b/, "Chrome 129, Safari 16.4, Firefox 136"],
  ["requestIdleCallback", /\brequestIdleCallback\b/, "in no Safari"],
  ["popover", /\.(showPopover|hidePopover|togglePopover)\(/, "Chrome 114, Safari 17, Firefox 125"],
  ["checkVisibility", /\.checkVisibility\(/, "Chrome 105, Safari 17.4, Firefox 106"],
  ["startViewTransition", /\.startViewTransition\(/, "Chrome 111, Safari 18, Firefox 144"],
  ["replaceChildren's brother moveBefore", /\.moveBefore\(/, "Chrome 133, Firefox 144"],
  ["aria properties", /\.aria(Live|Label|Hidden|Expanded)\s*=[^=]/, "Chrome 81, Safari 12.1, Firefox 119"],
];

const found = [];
for (const name of await readdir(BUILD)) {
  if (!name.endsWith(".js")) continue;
  const text = await readFile(`${BUILD}/${name}`, "utf-8");
  for (const [what, pattern, since] of NEWER) {
    const at = text.search(pattern);
    if (at >= 0) found.push(`${name}: ${what} (${since}): …${text.slice(Math.max(0, at - 40), at + 40)}…`);
  }
}
if (found.length > 0) {
  console.error(`floor: newer than the oldest browsers that we serve\n${found.join("\n")}`);
  process.exit(1);
}
console.log(`floor: ${NEWER.length} kinds of newer things looked for, none found`);
