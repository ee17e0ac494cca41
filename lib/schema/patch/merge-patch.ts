import { isJsonObject, setMember } from '../../json/path.js';
import { PatchError } from './errors.js';

/**
 * JSON merge patch (RFC 7386): null removes, objects merge, all else replaces. Nothing given is changed; the result shares
 * with it what the patch does not touch. Throws `PatchError` when the patch is no object.
 */
export function mergePatch(current: Record<string, unknown>, patch: unknown): Record<string, unknown> {
  if (!isJsonObject(patch)) throw new PatchError('BadPatch', 'Invalid JSON Patch');
  return mergeObjects(current, patch);
}

function mergeObjects(current: Record<string, unknown>, patch: Record<string, unknown>): Record<string, unknown> {
  const merged = { ...current };
  for (const name of Object.keys(patch)) {
    const value = patch[name];
    if (value === null) {
      delete merged[name];
      continue;
    }
    const existing = Object.hasOwn(merged, name) ? merged[name] : undefined;
    const result = isJsonObject(value) && isJsonObject(existing) ? mergeObjects(existing, value) : withoutNulls(value);
    setMember(merged, name, result);
  }
  return merged;
}

/** What a patch newly sets holds no null members; list items stay. */
export function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isJsonObject(value)) return value;
  const kept: Record<string, unknown> = {};
  for (const name of Object.keys(value)) {
    if (value[name] !== null) setMember(kept, name, withoutNulls(value[name]));
  }
  return kept;
}
