/** Colours as red, green, blue from 0 to 255. */
type Rgb = readonly [number, number, number];

const WHITE: Rgb = [255, 255, 255];
/** The lightest surface that the dark scheme puts text on (app.css). */
const DARK: Rgb = [40, 44, 66];
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

function toHsl(colour: Rgb): readonly [hue: number, saturation: number, lightness: number] {
  const [red, green, blue] = colour.map((channel) => channel / 255) as unknown as Rgb;
  const most = Math.max(red, green, blue);
  const spread = most - Math.min(red, green, blue);
  const lightness = most - spread / 2;
  if (spread === 0) return [0, 0, lightness];
  const turn = most === red ? (green - blue) / spread : most === green ? (blue - red) / spread + 2 : (red - green) / spread + 4;
  return [(turn * 60 + 360) % 360, spread / (1 - Math.abs(2 * lightness - 1)), lightness];
}

function fromHsl(hue: number, saturation: number, lightness: number): Rgb {
  const strength = saturation * Math.min(lightness, 1 - lightness);
  const channel = (offset: number): number => {
    const place = (offset + hue / 30) % 12;
    return Math.round(255 * (lightness - strength * Math.max(-1, Math.min(place - 3, 9 - place, 1))));
  };
  return [channel(0), channel(8), channel(4)];
}

/** `colour` with its hue kept, made just so much darker (`step` < 0) or lighter as it needs to be read on `ground`. */
export function readable(colour: Rgb, ground: Rgb, step: number): Rgb {
  if (contrast(colour, ground) >= CONTRAST) return colour;
  const [hue, saturation, start] = toHsl(colour);
  for (let lightness = start; lightness > 0 && lightness < 1; lightness += step) {
    const candidate = fromHsl(hue, saturation, lightness);
    if (contrast(candidate, ground) >= CONTRAST) return candidate;
  }
  return step < 0 ? [0, 0, 0] : WHITE;
}

/** The colour of links and buttons in the light scheme, with white on it. */
export const forLightScheme = (colour: Rgb): Rgb => readable(colour, WHITE, -0.02);
/** The colour of links and buttons in the dark scheme. */
export const forDarkScheme = (colour: Rgb): Rgb => readable(colour, DARK, 0.02);

const css = (colour: Rgb): string => `rgb(${colour.join(" ")})`;

/**
 * Paints links, buttons and accents in an office's colour (`#rrggbb`), adjusted so that white text on it (light scheme)
 * and the colour on dark surfaces (dark scheme) keep WCAG AA. Anything else than such a colour leaves KERN's blue.
 */
export function applyBranding(colour: string | null | undefined): void {
  const root = document.documentElement;
  const parsed = colour ? parseColour(colour) : null;
  root.toggleAttribute("data-branded", parsed !== null);
  if (!parsed) return;
  root.style.setProperty("--office-action-light", css(forLightScheme(parsed)));
  root.style.setProperty("--office-action-dark", css(forDarkScheme(parsed)));
}
