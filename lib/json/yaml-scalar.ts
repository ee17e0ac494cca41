import { SyntaxFault } from './errors.js';
import { INTEGER_DIGITS_MAX } from './limits.js';

const TRUE_WORDS = new Set(['y', 'Y', 'yes', 'Yes', 'YES', 'true', 'True', 'TRUE', 'on', 'On', 'ON']);
const FALSE_WORDS = new Set(['n', 'N', 'no', 'No', 'NO', 'false', 'False', 'FALSE', 'off', 'Off', 'OFF']);
const NULL_WORDS = new Set(['', '~', 'null', 'Null', 'NULL']);
const NOT_A_NUMBER = /^(?:\.nan|\.NaN|\.NAN|[-+]?\.(?:inf|Inf|INF))$/;
const INTEGER = /^([-+]?)(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)$/;
/** Beyond these the reader makes floats of integers. */
const INT64_MIN = -(2n ** 63n);
const UINT64_MAX = 2n ** 64n - 1n;
const FLOAT = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;

/**
 * The value of an unquoted YAML scalar by the rules of the YAML 1.1 reader that Kubernetes uses: `yes` and `on` are
 * booleans, `010` is eight, dates stay strings.
 */
export function resolvePlainScalar(text: string): unknown {
  if (NULL_WORDS.has(text)) return null;
  if (TRUE_WORDS.has(text)) return true;
  if (FALSE_WORDS.has(text)) return false;
  if (NOT_A_NUMBER.test(text)) throw new SyntaxFault(`json: unsupported value: ${text}`);
  return resolveNumber(text) ?? text;
}

/** The number a text stands for, or undefined. */
export function resolveNumber(text: string): number | bigint | undefined {
  const first = text.charCodeAt(0);
  const mayBeNumber = (first >= 0x30 && first <= 0x39) || first === 0x2b || first === 0x2d || first === 0x2e;
  if (!mayBeNumber) return undefined;
  const plain = text.replaceAll('_', '');
  const integer = INTEGER.exec(plain);
  if (integer !== null && plain.length <= INTEGER_DIGITS_MAX)
    return parseInteger(integer[1] as string, integer[2] as string);
  if (!FLOAT.test(plain)) return undefined;
  const value = Number(plain);
  if (!Number.isFinite(value)) throw new SyntaxFault(`json: unsupported value: ${plain}`);
  return value;
}

function parseInteger(sign: string, digits: string): number | bigint {
  const isOldOctal = digits.length > 1 && /^0[0-7]/.test(digits);
  const magnitude = BigInt(isOldOctal ? `0o${digits.slice(1)}` : digits.toLowerCase());
  const value = sign === '-' ? -magnitude : magnitude;
  const short = Number(value);
  const isExact = Number.isSafeInteger(short) || value < INT64_MIN || value > UINT64_MAX;
  return isExact ? short : value;
}
