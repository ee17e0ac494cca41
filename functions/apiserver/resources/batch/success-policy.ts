import { invalid, required, tooLong, tooMany, type FieldError } from '../../../../lib/api/field-errors.js';
import type { V1JobSpec, V1SuccessPolicyRule } from '../../../../lib/schema/generated/types.js';
import { nonNegativeErrors } from '../shared/formats.js';
import { countIndexes } from './index-intervals.js';

const RULES_MAX = 20;
const SUCCEEDED_INDEXES_BYTES_MAX = 64 * 1024;

export function successPolicyErrors(spec: V1JobSpec, path: string): FieldError[] {
  const { successPolicy } = spec;
  if (successPolicy === undefined) return [];
  if (spec.completionMode !== 'Indexed') {
    return [invalid(path, { Rules: successPolicy.rules ?? null }, 'requires indexed completion mode')];
  }
  const rules = successPolicy.rules ?? [];
  const at = `${path}.rules`;
  return [
    ...(rules.length === 0
      ? [required(at, 'at least one rules must be specified when the successPolicy is specified')]
      : []),
    ...(rules.length > RULES_MAX ? [tooMany(at, rules.length, RULES_MAX)] : []),
    ...rules.flatMap((rule, index) => ruleErrors(rule, spec.completions ?? 0, `${at}[${index}]`)),
  ];
}

function ruleErrors(rule: V1SuccessPolicyRule, completions: number, path: string): FieldError[] {
  const { succeededCount, succeededIndexes } = rule;
  if (succeededCount === undefined && succeededIndexes === undefined) {
    return [required(path, 'at least one of succeededCount or succeededIndexes must be specified')];
  }
  const errors: FieldError[] = [];
  let indexCount = 0;
  if (succeededIndexes !== undefined) {
    const at = `${path}.succeededIndexes`;
    if (Buffer.byteLength(succeededIndexes) > SUCCEEDED_INDEXES_BYTES_MAX) {
      errors.push(tooLong(at, SUCCEEDED_INDEXES_BYTES_MAX));
    }
    const indexes = countIndexes(succeededIndexes, completions);
    if ('fault' in indexes) {
      errors.push(invalid(at, succeededIndexes, `error parsing succeededIndexes: ${indexes.fault}`));
    } else {
      indexCount = indexes.count;
    }
  }
  if (succeededCount !== undefined) {
    const at = `${path}.succeededCount`;
    errors.push(...nonNegativeErrors(at, succeededCount));
    if (succeededCount > completions) {
      errors.push(
        invalid(
          at,
          succeededCount,
          `must be less than or equal to ${completions} (the number of specified completions)`,
        ),
      );
    }
    if (succeededIndexes !== undefined && succeededCount > indexCount) {
      errors.push(
        invalid(
          at,
          succeededCount,
          `must be less than or equal to ${indexCount} (the number of indexes in the specified succeededIndexes field)`,
        ),
      );
    }
  }
  return errors;
}
