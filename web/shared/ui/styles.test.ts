import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const BREAK_POINTS = [30, 48, 64, 80];
const ALLOWED = new Set(BREAK_POINTS.flatMap((at) => [`min-width: ${at}rem`, `max-width: ${at - 0.01}rem`]));

const styleOf = (text: string): string => text.slice(Math.max(0, text.indexOf("<style")));
const sheets = ["citizen", "clerk", "shared"].flatMap((part) =>
  readdirSync(join(ROOT, part), { recursive: true, encoding: "utf8" })
    .filter((name) => /\.(svelte|css)$/.test(name))
    .map((name) => [`${part}/${name}`, styleOf(readFileSync(join(ROOT, part, name), "utf8"))] as const),
);

describe("styles", () => {
  it("have four break-points", () => {
    const strays = sheets.flatMap(([name, text]) =>
      [...text.matchAll(/@(?:media|container)[^{]*\{/g)]
        .flatMap(([query]) => [...query.matchAll(/(?:min-|max-)?width\s*[:<>=]+\s*[\d.]+\w+/g)])
        .filter(([width]) => !ALLOWED.has(width))
        .map(([width]) => `${name}: ${width}`),
    );
    expect(strays).toEqual([]);
  });

  it("leave the focus ring to the global rule", () => {
    const strays = sheets.flatMap(([name, text]) =>
      name === "shared/ui/app.css"
        ? []
        : [...text.matchAll(/[^{}]*:focus[^{}]*\{[^{}]*\boutline[^{}]*\}/g)].map(([rule]) => `${name}: ${rule.trim()}`),
    );
    expect(strays).toEqual([]);
  });
});
