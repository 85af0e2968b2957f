/** Plain data as JSON text and back, with every number: JSON itself has no NaN, ∞ and −0. */
import { BadArgument } from '../core/errors.ts';

/** What JSON can hold. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** `{ $: 'NaN' }` stands for NaN; an object that has a key $ itself is wrapped into one. */
const mark = '$';

/** @throws BadArgument for values that are no plain data, naming their place */
export function encodeJson(what: string, value: Json): string {
  return JSON.stringify(encoded(what, value));
}

function encoded(at: string, value: unknown): Json {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value;
  if (typeof value === 'number') {
    if (Object.is(value, -0)) return { [mark]: '-0' };
    return Number.isFinite(value) ? value : { [mark]: String(value) };
  }
  if (Array.isArray(value)) return value.map((child, i) => encoded(`${at}[${i}]`, child));
  const prototype = typeof value === 'object' ? (Object.getPrototypeOf(value) as unknown) : undefined;
  if (prototype !== null && prototype !== Object.prototype)
    throw new BadArgument({
      did: `${at} is ${typeof value === 'object' ? `a ${(value as object).constructor?.name}` : typeof value}`,
      expected: 'plain data: text, numbers, booleans, null, and arrays and objects of these',
      remedy: 'put tensors into the tree itself, and leave functions out',
    });
  const entries = Object.entries(value as object).map(([key, child]): [string, Json] => [
    key,
    encoded(`${at}.${key}`, child),
  ]);
  const record = Object.fromEntries(entries);
  return Object.hasOwn(record, mark) ? { [mark]: record } : record;
}

export function decodeJson(text: string): Json {
  return decoded(JSON.parse(text) as Json);
}

function decoded(value: Json): Json {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(decoded);
  const record = value as { readonly [key: string]: Json };
  const inner = Object.hasOwn(record, mark) ? record[mark] : undefined;
  if (typeof inner === 'string') return Number(inner);
  const entries = Object.entries((inner ?? record) as object) as [string, Json][];
  return Object.fromEntries(entries.map(([key, child]) => [key, decoded(child)]));
}
