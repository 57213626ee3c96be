import type { ServiceOffer } from "$shared/api/types";
import type { LocalisedText } from "$shared/i18n/language.svelte";

type Options = Readonly<Record<string, string>>;

/** The options as they stand: what was chosen, else what is preselected. */
export function optionsOf({ options }: Pick<ServiceOffer, "options">, chosen: Options = {}): Options {
  const preselected = options.flatMap((option) => (option.preselected ? [[option.id, option.preselected]] : []));
  return { ...Object.fromEntries(preselected), ...chosen };
}

/**
 * What to have ready for a service, each thing once. Of an option that nobody has chosen yet, what each choice would need,
 * with the choice's name before it. The same rule as the mails'.
 */
export function thingsToBring(service: Pick<ServiceOffer, "bring" | "options">, chosen: Options = {}): readonly LocalisedText[] {
  const options = optionsOf(service, chosen);
  const things = [...service.bring];
  for (const { id, choices } of service.options)
    for (const { id: value, name, bring } of choices) {
      if (options[id] === value) things.push(...bring);
      else if (options[id] === undefined) things.push(...bring.map((thing) => ({ de: `${name.de}: ${thing.de}`, en: `${name.en}: ${thing.en}` })));
    }
  return [...new Map(things.map((thing) => [thing.de, thing])).values()];
}

/** Something that is booked, with what was chosen. */
export interface Needed {
  readonly service: Pick<ServiceOffer, "bring" | "options" | "one_form">;
  readonly options: Options;
  readonly persons: number;
}

/** What to have ready for all of `items`, and whether each of several people needs it: a family with one form does not. */
export function allThings(items: readonly Needed[]): { readonly things: readonly LocalisedText[]; readonly each: boolean } {
  const things = items.flatMap(({ service, options }) => thingsToBring(service, options));
  return {
    things: [...new Map(things.map((thing) => [thing.de, thing])).values()],
    each: items.some(({ service, persons }) => persons > 1 && !service.one_form),
  };
}
