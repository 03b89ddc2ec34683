/** An address in groups of four, as people read it out. */
export const inGroups = (address: string): string => address.replace(/(.{4})(?=.)/g, '$1 ');

/** A safety number as 12 groups of 5 digits. */
export const digitGroups = (digits: string): string[] => digits.replace(/\D/g, '').match(/.{1,5}/g) ?? [];

/** 3 to 32 characters out of a-z 0-9 _ . - of which the first is a letter. */
const HANDLE_FORM = /^[a-z][a-z0-9_.-]{2,31}$/;

/** The handle that was written with or without @ and in whatever case; null when it can be none. */
export function handleIn(text: string): string | null {
  const name = text.trim().replace(/^@/, '').toLowerCase();
  return HANDLE_FORM.test(name) ? name : null;
}

/** The first letter that stands for someone, or a dot. */
export const initialOf = (name: string): string => [...name.trim()][0]?.toUpperCase() ?? '·';

/** Sand or glass, by the address alone. */
export function tintOf(address: string): 'sand' | 'glass' {
  let sum = 0;
  for (const letter of address) sum = (sum * 31 + letter.charCodeAt(0)) >>> 0;
  return sum % 2 === 0 ? 'sand' : 'glass';
}

/** Shortened in the middle, for a place where the whole is a copy away. */
export const ends = (text: string): string =>
  text.length > 17 ? `${text.slice(0, 8)}…${text.slice(-8)}` : text;
