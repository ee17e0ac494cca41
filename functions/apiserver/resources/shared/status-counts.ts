import { invalid, type FieldError } from '../../../../lib/api/field-errors.js';
import { nonNegativeErrors } from './formats.js';

type Counts<Field extends string> = { [field in Field]?: number | undefined };

/** Numbers of a status that may not be negative. */
export function statusCountErrors<Field extends string>(
  status: Counts<Field> | undefined,
  fields: readonly Field[],
): FieldError[] {
  return fields.flatMap((field) => nonNegativeErrors(`status.${field}`, status?.[field]));
}

/** Numbers of a status that count a part of another of its numbers. */
export function statusPartErrors<Field extends string>(
  status: Counts<Field> | undefined,
  fields: readonly Field[],
  whole: { field: Field; message: string },
): FieldError[] {
  const max = status?.[whole.field] ?? 0;
  return fields.flatMap((field) => {
    const value = status?.[field] ?? 0;
    return value > max ? [invalid(`status.${field}`, value, whole.message)] : [];
  });
}

/** The collision count of a controller's names only grows. */
export function collisionCountErrors(
  status: { collisionCount?: number } | undefined,
  old: { collisionCount?: number } | undefined,
): FieldError[] {
  const value = status?.collisionCount ?? 0;
  return value < (old?.collisionCount ?? 0) ? [invalid('status.collisionCount', value, 'cannot be decremented')] : [];
}
