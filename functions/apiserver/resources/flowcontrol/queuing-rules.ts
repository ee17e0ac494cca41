import { invalid, type FieldError } from '../../../../lib/api/field-errors.js';
import type { V1QueuingConfiguration } from '../../../../lib/schema/generated/types.js';

const QUEUES_MAX = 10_000_000;
/** Bits of a flow's hash, from which its hand of queues is dealt. */
const HASH_BITS_MAX = 60;

export function queuingErrors(
  { queues = 0, handSize = 0, queueLengthLimit = 0 }: V1QueuingConfiguration,
  path: string,
): FieldError[] {
  return [
    ...(queueLengthLimit <= 0 ? [invalid(`${path}.queueLengthLimit`, queueLengthLimit, 'must be positive')] : []),
    ...queuesErrors(queues, `${path}.queues`),
    ...handSizeErrors(handSize, queues, `${path}.handSize`),
  ];
}

function queuesErrors(queues: number, field: string): FieldError[] {
  if (queues <= 0) return [invalid(field, queues, 'must be positive')];
  return queues > QUEUES_MAX ? [invalid(field, queues, `must not be greater than ${QUEUES_MAX}`)] : [];
}

function handSizeErrors(handSize: number, queues: number, field: string): FieldError[] {
  if (handSize <= 0) return [invalid(field, handSize, 'must be positive')];
  if (handSize > queues) return [invalid(field, handSize, `should not be greater than queues (${queues})`)];
  return entropyBits(queues, handSize) > HASH_BITS_MAX
    ? [
        invalid(
          field,
          handSize,
          `required entropy bits of deckSize ${queues} and handSize ${handSize} should not be greater than ${HASH_BITS_MAX}`,
        ),
      ]
    : [];
}

/** What dealing a hand without putting cards back takes: log2 of queues × (queues − 1) × … */
function entropyBits(queues: number, handSize: number): number {
  let bits = 0;
  for (let dealt = 0; dealt < handSize && bits <= HASH_BITS_MAX; dealt++) bits += Math.log2(queues - dealt);
  return Math.ceil(bits);
}
