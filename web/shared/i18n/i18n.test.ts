import { describe, expect, it, vi } from "vitest";

import { areas } from "./area";
import { clocksDiffer, formatCountdown, formatDateTime, formatMoney, formatTime, localDay, ownTimeZone } from "./format";
import { language, preferredLanguage } from "./language.svelte";
import { common } from "./common";

// Every dictionary registers itself when it is loaded.
await Promise.all(Object.values(import.meta.glob(["./*.ts", "!./*.test.ts"])).map((load) => load()));

describe.each(areas())("texts of $name", ({ texts }) => {
  it("exist in both languages under the same keys", () => {
    expect(Object.keys(texts.en).sort()).toEqual(Object.keys(texts.de).sort());
  });

  it("are not empty and of the same kind", () => {
    for (const [key, german] of Object.entries(texts.de)) {
      expect(typeof texts.en[key], key).toBe(typeof german);
      if (typeof german === "string") expect(german.trim() && (texts.en[key] as string).trim(), key).not.toBe("");
    }
  });
});

describe("the language", () => {
  it("is the first wish we speak", () => {
    expect(preferredLanguage(["fr-FR", "de-AT", "en"])).toBe("de");
    expect(preferredLanguage(["en-US", "de"])).toBe("en");
  });

  it("is English for people who speak neither, German when nothing is known", () => {
    expect(preferredLanguage(["uk-UA"])).toBe("en");
    expect(preferredLanguage([])).toBe("de");
  });

  it("changes what dictionaries answer", () => {
    language.choose("en");
    expect(common.next).toBe("Continue");
    language.choose("de");
    expect(common.next).toBe("Weiter");
  });
});

describe("formats", () => {
  const instant = "2026-11-26T13:05:00Z";

  it("print an instant on the clock of the zone asked for", () => {
    expect(formatDateTime(instant, "Europe/Berlin", "de")).toBe("Donnerstag, 26. November 2026, 14:05 Uhr");
    expect(formatDateTime(instant, "America/New_York", "en")).toMatch(/^Thursday,? 26 November 2026, 08:05$/);
    expect(formatTime("2026-11-26T23:00:00Z", "Europe/Berlin", "en")).toBe("00:00");
    expect(localDay("2026-11-26T23:30:00Z", "Europe/Berlin")).toBe("2026-11-27");
  });

  it("tell whether two clocks differ then", () => {
    expect(clocksDiffer("Europe/Berlin", "Europe/Paris", instant)).toBe(false);
    expect(clocksDiffer("Europe/Berlin", "Europe/London", instant)).toBe(true);
  });

  it("print money as each language does", () => {
    expect(formatMoney(1300, "EUR", "de")).toBe("13,00\u00a0€");
    expect(formatMoney(1300, "EUR", "en")).toBe("€13.00");
  });

  it("count down in minutes and seconds, never below zero", () => {
    expect(formatCountdown(299.2)).toBe("5:00");
    expect(formatCountdown(59)).toBe("0:59");
    expect(formatCountdown(-3)).toBe("0:00");
  });
});

describe("the device's time zone", () => {
  it.each([
    ["Asia/Kathmandu", "Asia/Kathmandu"],
    ["Etc/Unknown", "Europe/Berlin"],
    ["Mars/Olympus_Mons", "Europe/Berlin"],
    ["", "Europe/Berlin"],
  ])("%j is calculated with as %s", (device, used) => {
    const told = vi.spyOn(Intl.DateTimeFormat.prototype, "resolvedOptions").mockReturnValue({ timeZone: device } as Intl.ResolvedDateTimeFormatOptions);
    expect(ownTimeZone("Europe/Berlin")).toBe(used);
    told.mockRestore();
  });
});
