import { forbidden, invalid, required, tooLong, type FieldError } from '../../../../lib/api/field-errors.js';
import type { V1LabelSelector } from '../../../../lib/schema/generated/types.js';
import { formatErrors, isLabelValue, isQualifiedName } from './formats.js';

const ANNOTATIONS_BYTES_MAX = 256 * 1024;

export function validateLabels(labels: Record<string, string> | undefined, path: string): FieldError[] {
  return Object.entries(labels ?? {}).flatMap(([key, value]) => [
    ...formatErrors(path, key, isQualifiedName),
    ...formatErrors(path, value, isLabelValue),
  ]);
}

export function validateAnnotations(annotations: Record<string, string> | undefined, path: string): FieldError[] {
  let size = 0;
  const errors = Object.entries(annotations ?? {}).flatMap(([key, value]) => {
    size += Buffer.byteLength(key) + Buffer.byteLength(value);
    return formatErrors(path, key.toLowerCase(), isQualifiedName).map((error) => ({
      ...error,
      body: error.body.replace(JSON.stringify(key.toLowerCase()), JSON.stringify(key)),
    }));
  });
  return size > ANNOTATIONS_BYTES_MAX ? [...errors, tooLong(path, ANNOTATIONS_BYTES_MAX)] : errors;
}

/** A LabelSelector's keys, operators and values. Undefined is valid. */
export function validateLabelSelector(selector: V1LabelSelector | undefined, path: string): FieldError[] {
  if (selector === undefined) return [];
  const errors = validateLabels(selector.matchLabels, `${path}.matchLabels`);
  for (const [index, requirement] of (selector.matchExpressions ?? []).entries()) {
    const at = `${path}.matchExpressions[${index}]`;
    const values = requirement.values ?? [];
    switch (requirement.operator) {
      case 'In':
      case 'NotIn':
        if (values.length === 0) {
          errors.push(required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
        }
        break;
      case 'Exists':
      case 'DoesNotExist':
        if (values.length > 0) {
          errors.push(forbidden(`${at}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
        }
        break;
      default:
        errors.push(invalid(`${at}.operator`, requirement.operator ?? '', 'not a valid selector operator'));
    }
    errors.push(...formatErrors(`${at}.key`, requirement.key ?? '', isQualifiedName));
    for (const [valueIndex, value] of values.entries()) {
      errors.push(...formatErrors(`${at}.values[${valueIndex}]`, value, isLabelValue));
    }
  }
  return errors;
}

/** True when a plain map selector is not empty and all its pairs are among the labels. */
export function mapSelectorMatches(
  selector: Record<string, string> | undefined,
  labels: Record<string, string> | undefined,
): boolean {
  const pairs = Object.entries(selector ?? {});
  return pairs.length > 0 && pairs.every(([key, value]) => labels?.[key] === value);
}
