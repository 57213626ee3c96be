import type { LocalisedText } from "$shared/i18n/language.svelte";
import { distance, fold, stem } from "./words";

/** What is searched of a service, in every language: people do not always type in the one that they read. */
export interface Searchable {
  readonly id: string;
  readonly name: LocalisedText;
  readonly summary: LocalisedText;
  readonly summary_plain: LocalisedText;
  readonly synonyms: { readonly de: readonly string[]; readonly en: readonly string[] };
  readonly options: readonly { readonly choices: readonly { readonly name: LocalisedText }[] }[];
}

interface Entry<S> {
  readonly service: S;
  /** Names and synonyms, each as its words. */
  readonly phrases: readonly (readonly string[])[];
  /** All words, with what they tell: names and synonyms more than running text. */
  readonly words: ReadonlyMap<string, number>;
}

const IN_TEXT = 0.4;
const IN_CHOICE = 0.8;
/** In running text a word must be the same or begin so: long texts hold a part of nearly everything. */
const SAME = 0.7;
/** Less alike than this is another word. */
const ALIKE = 0.5;
/** Of what somebody typed so much must be found, by weight: what else there is may be chat. */
const ENOUGH = 0.35;
/** Far behind the best is noise. */
const WORTH_SHOWING = 0.4;

const FILLERS = new Set(
  fold(
    `ich mein meine meinen meiner wir uns der die das den dem ein eine einen einer und oder fur von vom zu zum zur im in ins am an auf aus mit bei
    ist sind war habe hab haben will wollen mochte muss brauche benotige bitte wie wo was bekomme beantragen machen man wird wurde ohne bestellen
    sich hat mal noch etwas
    i my we our the just some a an to of for in on at is was am are need want get have how do does can apply me with and or please appointment termin`,
  ).split(" "),
);

const wordsOf = (text: string): string[] => fold(text).split(" ").filter((word) => word.length > 1);
/** The words that tell something; all, when there are no others. */
function telling(text: string): string[] {
  const words = wordsOf(text);
  const left = words.filter((word) => !FILLERS.has(word));
  return left.length > 0 ? left : words;
}

/** How much a typed word is like one of ours, 0 to 1: the same, its beginning, a part of a compound, mistyped. */
function likeness(typed: string, root: string, ours: string): number {
  if (typed === ours) return 1;
  const ourRoot = rootOf(ours);
  if (root === ourRoot) return 0.95;
  if (typed.length > 1 && ours.startsWith(typed)) return 0.7 + (0.2 * typed.length) / ours.length;
  if (root.length >= 4 && ours.includes(root)) return ours.startsWith(root) ? 0.75 : 0.6;
  const allowed = typed.length >= 9 ? 2 : typed.length >= 4 ? 1 : 0;
  const wrong = distance(typed, ours, allowed);
  if (wrong <= allowed) return 0.8 - 0.1 * wrong;
  if (ourRoot.length >= 4 && (typed.startsWith(ourRoot) || typed.endsWith(ours))) return 0.55;
  // Half a word, mistyped.
  return typed.length >= 5 && ours.length > typed.length && distance(typed, ours.slice(0, typed.length), 1) <= 1 ? ALIKE : 0;
}

/** Two words are often typed as one: "idcard". */
const withCompound = (phrase: string[]): string[][] => (phrase.length === 2 ? [phrase, [phrase.join("")]] : [phrase]);

// Our words are the same with every letter typed.
const roots = new Map<string, string>();
function rootOf(word: string): string {
  const known = roots.get(word) ?? stem(word);
  roots.set(word, known);
  return known;
}

const indexes = new WeakMap<readonly Searchable[], readonly Entry<Searchable>[]>();

function indexOf<S extends Searchable>(services: readonly S[]): readonly Entry<S>[] {
  const known = indexes.get(services);
  if (known) return known as readonly Entry<S>[];
  const index = services.map((service): Entry<S> => {
    const { name, summary, summary_plain, synonyms } = service;
    const phrases = [name.de, name.en, ...synonyms.de, ...synonyms.en].map(telling).flatMap(withCompound);
    const choices = service.options.flatMap((option) => option.choices.map((choice) => choice.name));
    const both = (texts: readonly LocalisedText[], weight: number): (readonly [string, number])[] =>
      texts.flatMap(({ de, en }) => [...telling(de), ...telling(en)].map((word) => [word, weight] as const));
    // Of a word that stands in several places the last entry counts, the one that tells most.
    const words = new Map([...both([summary, summary_plain], IN_TEXT), ...both(choices, IN_CHOICE), ...phrases.flat().map((word) => [word, 1] as const)]);
    return { service, phrases, words };
  });
  indexes.set(services, index);
  return index;
}

/** The services that `query` may mean, the likeliest first; all, in their order, before there is a word of two letters. */
export function search<S extends Searchable>(services: readonly S[], query: string): readonly S[] {
  const typed = [...new Set(telling(query))];
  if (typed.length === 0) return services;
  const alike = new Map(typed.map((word) => [word, { root: stem(word), known: new Map<string, number>() }]));
  const like = (word: string, ours: string): number => {
    const { root, known } = alike.get(word)!;
    const found = known.get(ours) ?? likeness(word, root, ours);
    known.set(ours, found);
    return found;
  };

  const counted = (part: number, weight: number): number => (part >= (weight < 1 ? SAME : ALIKE) ? part * weight : 0);
  const found = indexOf(services).map((entry) => ({
    ...entry,
    hits: typed.map((word) => Math.max(0, ...[...entry.words].map(([ours, weight]) => counted(like(word, ours), weight)))),
  }));
  // A word that few services know tells more than one that stands everywhere; one that none knows, little.
  const weights = typed.map((_, at) => Math.log(1 + services.length / (found.filter(({ hits }) => hits[at]! > 0).length || services.length / 3)));
  const total = weights.reduce((sum, weight) => sum + weight, 0);

  /** How well one name or synonym is what was typed as a whole. */
  const asPhrase = (phrase: readonly string[]): number => {
    const parts = typed.map((word) => Math.max(...phrase.map((ours) => like(word, ours))));
    const met = parts.filter((part) => part >= ALIKE).length;
    const value = parts.reduce((sum, part, at) => sum + (part >= ALIKE ? part * weights[at]! : 0), 0);
    return (value * 2 * met) / (phrase.length + typed.length);
  };

  const scored = found
    .filter(({ hits }) => hits.reduce((sum, hit, at) => sum + (hit > 0 ? weights[at]! : 0), 0) >= ENOUGH * total)
    .map(({ service, phrases, hits }) => ({
      service,
      score: hits.reduce((sum, hit, at) => sum + hit * weights[at]!, 0) + Math.max(0, ...phrases.map(asPhrase)),
    }))
    .sort((one, other) => other.score - one.score);
  return scored.filter(({ score }) => score >= WORTH_SHOWING * scored[0]!.score).map(({ service }) => service);
}
