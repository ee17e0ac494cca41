/**
 * Order of keys. The port orders keys by their UTF-8 bytes, JavaScript compares strings by UTF-16 units; the two
 * differ only where a surrogate meets a unit above the surrogates. A sort key swaps these two ranges, so that
 * the built-in comparison of sort keys is the order of the UTF-8 bytes. A key's prefixes stay prefixes.
 */

const SURROGATES_AND_ABOVE = /[\ud800-\uffff]/;

/** The string whose UTF-16 order is the UTF-8 order of `key`; for almost every key the key itself. */
export function sortKey(key: string): string {
  if (!SURROGATES_AND_ABOVE.test(key)) return key;
  let sorted = '';
  for (let index = 0; index < key.length; index++) {
    const unit = key.charCodeAt(index);
    sorted += String.fromCharCode(unit < 0xd800 ? unit : unit >= 0xe000 ? unit - 0x800 : unit + 0x2000);
  }
  return sorted;
}

/** Compares by UTF-8 bytes: negative, zero or positive. */
export function compareKeys(a: string, b: string): number {
  const sortA = sortKey(a);
  const sortB = sortKey(b);
  return sortA < sortB ? -1 : sortA > sortB ? 1 : 0;
}
