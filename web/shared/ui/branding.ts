/** Colours as red, green, blue from 0 to 255. */
type Rgb = readonly [number, number, number];

const WHITE: Rgb = [255, 255, 255];
const BLACK: Rgb = [0, 0, 0];
// WCAG 2.2 asks 4.5; a little more keeps hover states, which shade the colour, readable too.
const CONTRAST = 5.2;

export function parseColour(hex: string): Rgb | null {
  const digits = /^#([0-9a-f]{6})$/i.exec(hex.trim())?.[1];
  if (!digits) return null;
  return [0, 2, 4].map((at) => parseInt(digits.slice(at, at + 2), 16)) as unknown as Rgb;
}

function luminance(colour: Rgb): number {
  const [red, green, blue] = colour.map((channel) => {
    const share = channel / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as unknown as Rgb;
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** The contrast ratio of WCAG 2.2, from 1 to 21. */
export function contrast(one: Rgb, other: Rgb): number {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

const mix = (from: Rgb, to: Rgb, share: number): Rgb =>
  from.map((channel, index) => Math.round(channel + ((to[index] ?? 0) - channel) * share)) as unknown as Rgb;

/** `colour`, moved just as far towards `towards` as it needs to be read on `ground`. */
export function readable(colour: Rgb, ground: Rgb, towards: Rgb): Rgb {
  for (let share = 0; share < 1; share += 0.04) {
    const candidate = mix(colour, towards, share);
    if (contrast(candidate, ground) >= CONTRAST) return candidate;
  }
  return towards;
}

const css = (colour: Rgb): string => `rgb(${colour.join(" ")})`;

/**
 * Paints links, buttons and accents in an office's colour (`#rrggbb`), adjusted so that white text on it (light scheme)
 * and the colour on black (dark scheme) keep WCAG AA. Anything else than such a colour leaves KERN's blue.
 */
export function applyBranding(colour: string | null | undefined): void {
  const root = document.documentElement;
  const parsed = colour ? parseColour(colour) : null;
  root.toggleAttribute("data-branded", parsed !== null);
  if (!parsed) return;
  root.style.setProperty("--office-action-light", css(readable(parsed, WHITE, BLACK)));
  root.style.setProperty("--office-action-dark", css(readable(parsed, BLACK, WHITE)));
}
