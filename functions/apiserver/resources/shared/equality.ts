/**
 * Equality of API values as Kubernetes' semantic deep equality has it: an absent field, null, an empty list
 * and an empty map are the same.
 */
export function semanticallyEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (isEmpty(a) && isEmpty(b)) return true;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => semanticallyEqual(item, b[index]));
  }
  if (isMap(a) && isMap(b)) {
    for (const key in a) if (!semanticallyEqual(a[key], b[key])) return false;
    for (const key in b) if (!(key in a) && !semanticallyEqual(undefined, b[key])) return false;
    return true;
  }
  return false;
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  if (Array.isArray(value)) return value.length === 0;
  if (typeof value !== 'object') return false;
  for (const _ in value) return false;
  return true;
}
