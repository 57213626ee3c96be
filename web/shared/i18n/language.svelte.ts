/** The languages this client speaks; the citizen's choice is kept for the next visit. */
export const LANGUAGES = ["de", "en"] as const;
export type Language = (typeof LANGUAGES)[number];

/** A text of the server in every language, as in `{"de": "...", "en": "..."}`. */
export type LocalisedText = Readonly<Record<Language, string>>;

const STORAGE_KEY = "schalter-language";

export function isLanguage(value: unknown): value is Language {
  return LANGUAGES.some((language) => language === value);
}

/** The first language of `wishes` (BCP 47 tags, best first) that we speak; German for a German office otherwise. */
export function preferredLanguage(wishes: readonly string[]): Language {
  for (const wish of wishes) {
    const primary = wish.toLowerCase().split("-")[0];
    if (isLanguage(primary)) return primary;
  }
  return wishes.length > 0 ? "en" : "de";
}

function initialLanguage(): Language {
  if (typeof window === "undefined") return "de";
  try {
    const stored = window.localStorage.getItem(STORAGE_KEY);
    if (isLanguage(stored)) return stored;
  } catch {
    // Storage may be forbidden (private windows); the browser's languages still answer.
  }
  return preferredLanguage(navigator.languages);
}

let current = $state<Language>(initialLanguage());

export const language = {
  /** The language shown now; reading it in a component makes the component follow a change. */
  get current(): Language {
    return current;
  },
  /** Shows everything in `next` from now on. Views built from `area()` follow at once, without a reload. */
  choose(next: Language): void {
    current = next;
    if (typeof document !== "undefined") document.documentElement.lang = next;
    try {
      window.localStorage.setItem(STORAGE_KEY, next);
    } catch {
      // Not kept then; the choice still holds for this page.
    }
  },
};

/** The text in the language shown now. */
export function localised(text: LocalisedText): string {
  return text[current];
}
