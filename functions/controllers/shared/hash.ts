/** Letters and digits of which no word can be made: Kubernetes' alphabet for generated names. */
const SAFE_ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';

const FNV_OFFSET_BASIS = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** FNV-1a with 32 bits over the UTF-8 bytes of the text. */
export function fnv32a(text: string): number {
  let hash = FNV_OFFSET_BASIS;
  for (const byte of Buffer.from(text)) {
    hash ^= byte;
    hash = Math.imul(hash, FNV_PRIME);
  }
  return hash >>> 0;
}

/**
 * A short name for a value: equal for semantically equal values, fit for names and label values. `collisionCount` gives
 * another name to a value whose first name is taken.
 */
export function nameHash(value: unknown, collisionCount: number | undefined): string {
  const suffix = collisionCount === undefined ? '' : String(collisionCount);
  const digits = String(fnv32a(canonicalJson(value) + suffix));
  return Array.from(digits, (digit) => SAFE_ALPHABET[digit.charCodeAt(0) % SAFE_ALPHABET.length]).join('');
}

/** Kubernetes' semantic equality of API objects: the order of keys does not matter, nor whether an empty field is there. */
export function semanticEqual(left: unknown, right: unknown): boolean {
  return left === right || canonicalJson(left) === canonicalJson(right);
}

/** JSON with sorted keys and without fields that hold nothing: null, `{}`, `[]`, or objects of only such fields. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const fields: string[] = [];
  for (const key of Object.keys(value).sort()) {
    const text = canonicalJson((value as Record<string, unknown>)[key]);
    if (!EMPTY.has(text)) fields.push(`${JSON.stringify(key)}:${text}`);
  }
  return `{${fields.join(',')}}`;
}

const EMPTY: ReadonlySet<string> = new Set(['null', '{}', '[]']);
