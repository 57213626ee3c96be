import { LANGUAGES, language, type Language } from "./language.svelte";

// `never[]` parameters: any function that returns a string is assignable here, whatever it takes.
type Entry = string | ((...parameters: never[]) => string);
export type Dictionary = Readonly<Record<string, Entry>>;

/** The shape a translation must have: the same keys, strings for strings, the same parameters for functions. */
type Like<D extends Dictionary> = { readonly [K in keyof D]: D[K] extends string ? string : D[K] };

const registered: { name: string; texts: Record<Language, Dictionary> }[] = [];

/**
 * A dictionary of one area of the client, read in the language shown now: `booking.title`, `booking.minutes(15)`.
 *
 * German is the reference; the compiler refuses an English text that is missing, unknown or takes other parameters.
 * Reading an entry in a component makes the component follow a change of language.
 */
export function area<D extends Dictionary>(name: string, de: D, en: NoInfer<Like<D>>): Like<D> {
  const texts: Record<Language, Dictionary> = { de, en };
  registered.push({ name, texts });
  const view = {};
  for (const key of Object.keys(de)) {
    Object.defineProperty(view, key, { enumerable: true, get: () => texts[language.current][key] });
  }
  return view as Like<D>;
}

/** Every dictionary loaded so far, for the test of completeness. */
export function areas(): readonly { name: string; texts: Record<Language, Dictionary> }[] {
  return registered;
}

export { LANGUAGES };
