/**
 * A form from the JSON Schema of a service.
 *
 * The schema carries `x-label` in both languages and `x-order`; the clerk reads labels in their own language and, in
 * small, the one the citizen sees. What clerks type is kept as they typed it until it parses.
 */
import type { FormError, Language, LocalisedText, Value, Values } from "./types";

export interface PropertySchema {
  type?: string | readonly string[];
  format?: string;
  enum?: readonly (string | number | null)[];
  const?: Value;
  oneOf?: readonly { const: string; title?: string; "x-label"?: LocalisedText }[];
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  pattern?: string;
  "x-label"?: LocalisedText;
  "x-help"?: LocalisedText;
  "x-order"?: number;
  "x-options"?: Record<string, LocalisedText>;
  "x-multiline"?: boolean;
}

/** A condition on other answers, as `if` carries it. */
interface Condition {
  properties?: Record<string, PropertySchema>;
  required?: readonly string[];
}

/** What a condition adds: further required fields, and fields (`false`) that must stay empty. */
interface Consequence {
  properties?: Record<string, PropertySchema | boolean>;
  required?: readonly string[];
}

export interface FormSchema {
  title?: string;
  type?: string;
  properties?: Record<string, PropertySchema>;
  required?: readonly string[];
  if?: Condition;
  then?: Consequence;
  else?: Consequence;
}

export type Control = "text" | "longtext" | "date" | "number" | "checkbox" | "choice" | "email" | "tel";

export interface Choice {
  value: string;
  label: string;
}

export interface FormField {
  key: string;
  control: Control;
  label: string;
  /** The label in the citizen's language, when that is another one. */
  citizenLabel: string | null;
  help: string | null;
  required: boolean;
  choices: Choice[];
  maxLength: number | null;
  /** Takes the whole width beside the half-width ones. */
  wide: boolean;
}

/** The fields that apply to these answers, in the order the schema wants them in. */
export function fieldsOf(schema: FormSchema, values: Values, clerk: Language, citizen: Language): FormField[] {
  const consequence = consequenceOf(schema, values);
  const required = new Set([...(schema.required ?? []), ...(consequence.required ?? [])]);
  return Object.entries(schema.properties ?? {})
    .filter(([key]) => consequence.properties?.[key] !== false)
    .map(([key, property], index) => ({ key, property, order: property["x-order"] ?? 1000 + index }))
    .sort((a, b) => a.order - b.order)
    .map(({ key, property }) => fieldOf(key, property, required.has(key), clerk, citizen));
}

/** The answers that are sent: those of fields that apply. What was typed into a field that no longer does stays here. */
export function applicable(schema: FormSchema, values: Values): Values {
  const consequence = consequenceOf(schema, values);
  return Object.fromEntries(Object.entries(values).filter(([key]) => consequence.properties?.[key] !== false));
}

function consequenceOf(schema: FormSchema, values: Values): Consequence {
  if (schema.if === undefined) return {};
  return (holds(schema.if, values) ? schema.then : schema.else) ?? {};
}

/** The part of JSON Schema that our forms use in `if`: required fields, `const` and `enum`. */
function holds(condition: Condition, values: Values): boolean {
  const present = (key: string): boolean => !sameValue(values[key], null);
  if (!(condition.required ?? []).every(present)) return false;
  return Object.entries(condition.properties ?? {}).every(([key, { const: wanted, enum: allowed }]) => {
    if (!present(key)) return true;
    const value = values[key] as string | number;
    return (wanted === undefined || wanted === value) && (allowed === undefined || allowed.includes(value));
  });
}

function fieldOf(key: string, property: PropertySchema, required: boolean, clerk: Language, citizen: Language): FormField {
  const control = controlOf(property);
  const label = property["x-label"];
  return {
    key,
    control,
    label: label?.[clerk] ?? key,
    citizenLabel: label !== undefined && clerk !== citizen && label[citizen] !== label[clerk] ? label[citizen] : null,
    help: property["x-help"]?.[clerk] ?? null,
    required,
    choices: choicesOf(property, clerk),
    maxLength: property.maxLength ?? null,
    wide: control === "longtext" || control === "checkbox" || (property.maxLength ?? 0) > 150,
  };
}

function controlOf(property: PropertySchema): Control {
  const types = typeof property.type === "string" ? [property.type] : (property.type ?? []);
  if (property.enum !== undefined || property.oneOf !== undefined) return "choice";
  if (types.includes("boolean")) return "checkbox";
  if (types.includes("integer") || types.includes("number")) return "number";
  if (property.format === "date") return "date";
  if (property.format === "email") return "email";
  if (property.format === "phone" || property.format === "tel") return "tel";
  return property["x-multiline"] === true ? "longtext" : "text";
}

function choicesOf(property: PropertySchema, language: Language): Choice[] {
  if (property.oneOf !== undefined) {
    return property.oneOf.map((one) => ({ value: one.const, label: one["x-label"]?.[language] ?? one.title ?? one.const }));
  }
  return (property.enum ?? [])
    .filter((value) => value !== null)
    .map((value) => ({ value: String(value), label: property["x-options"]?.[String(value)]?.[language] ?? String(value) }));
}

/** What an input shows for a stored value: dates as the language writes them. */
export function shown(control: Control, value: Value | undefined, language: Language): string {
  if (value === null || value === undefined) return "";
  if (control === "date" && typeof value === "string") return showDate(value, language);
  return String(value);
}

/**
 * What is stored for what was typed. Empty is null, so that a cleared field is missing rather than an empty answer. What
 * does not parse is kept as text: the server names the field, and the clerk's typing stays.
 */
export function parsed(control: Control, typed: string): Value {
  const text = typed.trim();
  if (text === "") return null;
  if (control === "date") return parseDate(text) ?? text;
  if (control === "number") return /^-?\d+$/.test(text) ? Number(text) : text;
  return typed;
}

/** "1990-04-01" from "1.4.1990", "01041990", "1/4/1990" (day first, as on every German document) or itself. */
export function parseDate(text: string): string | null {
  const iso = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  const german = /^(\d{1,2})[./ ](\d{1,2})[./ ](\d{4})$/.exec(text) ?? /^(\d{2})(\d{2})(\d{4})$/.exec(text);
  const [year, month, day] = iso !== null ? [iso[1], iso[2], iso[3]] : german !== null ? [german[3], german[2], german[1]] : [];
  if (year === undefined || month === undefined || day === undefined) return null;
  const normal = `${year}-${month.padStart(2, "0")}-${day.padStart(2, "0")}`;
  const date = new Date(`${normal}T00:00:00Z`);
  // Date rolls 31 April over to 1 May: a date that does not read back the same does not exist.
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(normal) ? normal : null;
}

function showDate(value: string, language: Language): string {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(value);
  if (match === null) return value;
  const [, year, month, day] = match;
  return language === "de" ? `${day}.${month}.${year}` : `${day}/${month}/${year}`;
}

/** The first error of one field. */
export function errorOf(errors: readonly FormError[], key: string): FormError | null {
  return errors.find((error) => error.field === key) ?? null;
}

/**
 * What is still open, as of this keystroke: the server's word on the last save, without what was filled in since, and with
 * required fields that are empty (the server has said nothing yet about a form that was never saved).
 */
export function openErrors(fields: readonly FormField[], values: Values, said: readonly FormError[]): FormError[] {
  const empty = (key: string): boolean => sameValue(values[key], null);
  const kept = said.filter((error) => error.code !== "required" || (error.field !== "" && empty(error.field)));
  const named = new Set(kept.map((error) => error.field));
  const missing = fields.filter((field) => field.required && empty(field.key) && !named.has(field.key));
  return [...kept, ...missing.map((field) => ({ field: field.key, code: "required" }))];
}

/** Two values that mean the same: an absent one is an empty one, and space around a text is none (the server strips it). */
export function sameValue(a: Value | undefined, b: Value | undefined): boolean {
  return normal(a) === normal(b);
}

function normal(value: Value | undefined): Value {
  if (typeof value !== "string") return value ?? null;
  return value.normalize("NFC").replaceAll("\r\n", "\n").trim() || null;
}

/** The keys in which two sets of values differ. */
export function changedKeys(a: Values, b: Values): string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((key) => !sameValue(a[key], b[key]));
}
