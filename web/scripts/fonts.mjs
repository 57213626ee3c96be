// KERN's fonts, cut to what the pages show: one small file per weight for German and English, and a second one for the
// names of DIN 91379 (all Latin letters of Europe's names, Greek, Cyrillic), which a browser loads when one is on the page.
// Written beside the packages, as it is made from them; `npm run build` and `npm run dev` begin with it.
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

import subsetFont from "subset-font";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const SOURCE = here("../node_modules/@kern-ux/native/dist/fonts/fira-sans");
const TARGET = here("../node_modules/.schalter-fonts");

// 700 is drawn with 600: KERN uses no bolder one.
const WEIGHTS = [
  { file: "Regular", weight: "400" },
  { file: "Medium", weight: "500" },
  { file: "SemiBold", weight: "600 700" },
];
const BASIC = "U+20-7E, U+A0-FF, U+2009, U+2010-2014, U+2018-201A, U+201C-201E, U+2022, U+2026, U+202F, U+2039-203A, U+20AC, U+2190-2193, U+2212";
// With the basic letters again: a letter and the accent set over it (`C̆`) come from one font or not at all.
const NAMES =
  "U+41-5A, U+61-7A, U+100-24F, U+259, U+292, U+2B0-2FF, U+300-36F, U+370-3FF, U+400-4FF, U+1D00-1DBF, U+1E00-1FFF, U+2020-2021, U+2030, U+2032-2033, U+2070-208E, U+2116, U+2122, U+221E, U+2264-2265";
// Kerning, accents in their places, figures of one width for sums and times.
const FEATURES = ["kern", "mark", "mkmk", "ccmp", "locl", "tnum"];
// Copyright, licence and its address stay in every file.
const NAME_IDS = [0, 13, 14];

/** The characters of a `unicode-range`. */
function charactersOf(range) {
  return range
    .split(",")
    .map((part) => part.trim().slice(2).split("-"))
    .flatMap(([first, last = first]) => {
      const from = parseInt(first, 16);
      return Array.from({ length: parseInt(last, 16) - from + 1 }, (_, index) => String.fromCodePoint(from + index));
    })
    .join("");
}

const face = ({ weight }, file, range) => `@font-face {
  font-family: "Fira Sans";
  src: url("./${file}") format("woff2");
  font-weight: ${weight};
  font-display: swap;
  unicode-range: ${range};
}
`;

const written = (path) => stat(path).then((found) => found.mtimeMs, () => 0);

// `npm ci` takes the folder away with the packages; what else could make the files old is this script.
if ((await written(`${TARGET}/fonts.css`)) < (await written(fileURLToPath(import.meta.url)))) {
  await mkdir(TARGET, { recursive: true });
  const faces = [];
  for (const one of WEIGHTS) {
    const font = await readFile(`${SOURCE}/FiraSans-${one.file}.woff2`);
    for (const [name, range] of [["names", NAMES], ["basic", BASIC]]) {
      const file = `fira-${one.weight.slice(0, 3)}-${name}.woff2`;
      const options = { targetFormat: "woff2", keepFeatures: FEATURES, preserveNameIds: NAME_IDS, noHinting: true };
      await writeFile(`${TARGET}/${file}`, await subsetFont(font, charactersOf(range), options));
      faces.push(face(one, file, range));
    }
  }
  await writeFile(`${TARGET}/fonts.css`, faces.join(""));
}
