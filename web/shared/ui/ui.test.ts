import { describe, expect, it } from "vitest";

import { contrast, forDarkScheme, forLightScheme, parseColour } from "./branding";
import { matchRoute } from "./routes";

const routes = [
  { name: "home", pattern: "/" },
  { name: "office", pattern: "/:office" },
  { name: "appointment", pattern: "/:office/appointment" },
] as const;

describe("routes", () => {
  it("match whole paths and name their parts", () => {
    expect(matchRoute(routes, "/")).toEqual({ name: "home", params: {} });
    expect(matchRoute(routes, "/demo/")).toEqual({ name: "office", params: { office: "demo" } });
    expect(matchRoute(routes, "/demo/appointment")).toEqual({ name: "appointment", params: { office: "demo" } });
  });

  it("do not match longer, unknown or malformed paths", () => {
    expect(matchRoute(routes, "/demo/appointment/more")).toBeNull();
    expect(matchRoute(routes, "/demo/other")).toBeNull();
    expect(matchRoute(routes, "/%E0%A4%A")).toBeNull();
  });
});

describe("an office's colour", () => {
  const white = [255, 255, 255] as const;
  const black = [0, 0, 0] as const;
  const raised = [40, 44, 66] as const;

  it("is read as #rrggbb and nothing else", () => {
    expect(parseColour("#7a1f2b")).toEqual([122, 31, 43]);
    expect(parseColour("red; background: url(x)")).toBeNull();
  });

  it.each(["#7a1f2b", "#14532d", "#ffe600", "#000000", "#ffffff"])("%s becomes readable in both schemes", (hex) => {
    const colour = parseColour(hex)!;
    expect(contrast(forLightScheme(colour), white)).toBeGreaterThanOrEqual(4.5);
    expect(contrast(forDarkScheme(colour), raised)).toBeGreaterThanOrEqual(4.5);
    expect(contrast(forDarkScheme(colour), black)).toBeGreaterThanOrEqual(4.5);
  });

  it("stays as it is where it can be read already", () => {
    expect(forLightScheme([122, 31, 43])).toEqual([122, 31, 43]);
  });
});
