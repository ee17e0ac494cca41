import { isJsonObject } from '../json/path.js';

/**
 * Equality of JSON values: the order of members does not matter, a member that is undefined is an absent one, and an integer is
 * the same as number and as BigInt.
 */
export function deepEqual(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if (Array.isArray(left)) {
    return (
      Array.isArray(right) && left.length === right.length && left.every((item, index) => deepEqual(item, right[index]))
    );
  }
  if (isJsonObject(left)) return isJsonObject(right) && equalMembers(left, right);
  if (typeof left === 'bigint' || typeof right === 'bigint') return sameNumber(left, right);
  return false;
}

function equalMembers(left: Record<string, unknown>, right: Record<string, unknown>): boolean {
  for (const name in left) {
    const value = left[name];
    if (value === undefined) {
      if (Object.hasOwn(right, name) && right[name] !== undefined) return false;
    } else if (!Object.hasOwn(right, name) || !deepEqual(value, right[name])) {
      return false;
    }
  }
  for (const name in right) {
    if (right[name] !== undefined && (!Object.hasOwn(left, name) || left[name] === undefined)) return false;
  }
  return true;
}

/** Compares a BigInt with a number (or anything else). */
function sameNumber(left: unknown, right: unknown): boolean {
  const [big, other] = typeof left === 'bigint' ? [left, right] : [right, left];
  return Number.isInteger(other) && BigInt(other as number) === big;
}
