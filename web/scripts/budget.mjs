// What a citizen's phone loads before the first pages can be used, from the files of the last build. Fails above the budget.
// Counted is what the pages wait for: the document, its scripts and their imports, styles, icon and the basic fonts, each
// as it goes over the line. What a page fetches ahead while it stands idle is not counted.
import { readdir, readFile, stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const BUDGET_BYTES = 150_000;
const BUILD = fileURLToPath(new URL("../build", import.meta.url));
const START = "citizen/index.html";
const PAGES = { start: "citizen/pages/OfficesPage.svelte", services: "citizen/booking/ServicesStep.svelte" };

const manifest = JSON.parse(await readFile(`${BUILD}/.vite/manifest.json`, "utf-8"));
const fonts = (await readdir(`${BUILD}/assets`)).filter((name) => /^fira-\d+-basic-.*\.woff2$/.test(name)).map((name) => `assets/${name}`);

function filesOf(key, found = new Set()) {
  const chunk = manifest[key];
  if (!chunk) throw new Error(`${key} is no part of the build`);
  found.add(chunk.file);
  for (const file of chunk.css ?? []) found.add(file);
  for (const part of chunk.imports ?? []) if (!found.has(manifest[part].file)) filesOf(part, found);
  return found;
}

const size = (file) => stat(`${BUILD}/${file}.br`).catch(() => stat(`${BUILD}/${file}`)).then((found) => found.size);

let failed = fonts.length !== 3;
for (const [name, key] of Object.entries(PAGES)) {
  const icon = (await readdir(`${BUILD}/assets`)).filter((file) => /^icon-.*\.svg$/.test(file)).map((file) => `assets/${file}`);
  const files = [START, ...filesOf(START), ...filesOf(key), ...fonts, ...icon];
  const sizes = await Promise.all([...new Set(files)].map(async (file) => [file, await size(file)]));
  const total = sizes.reduce((sum, [, bytes]) => sum + bytes, 0);
  console.log(`${name}: ${(total / 1000).toFixed(1)} of ${BUDGET_BYTES / 1000} KB`);
  if (total <= BUDGET_BYTES) continue;
  failed = true;
  for (const [file, bytes] of sizes.sort(([, one], [, other]) => other - one)) console.log(`  ${(bytes / 1000).toFixed(1).padStart(6)} ${file}`);
}
if (failed) {
  console.error(`budget: too much for a phone on a slow line, or a font is missing (${fonts.length} of 3)`);
  process.exit(1);
}
