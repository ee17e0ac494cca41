import type { StatusCause } from '../../api/meta.js';
import { fieldsOf, type FieldSet } from './field-set.js';
import { identityOf, type ManagerEntry } from './managed-fields.js';
import { compareText, printPath } from './path-element.js';

/** The fields of one manager that an applied configuration would change. */
export interface Conflict {
  readonly entry: ManagerEntry;
  readonly fields: FieldSet;
}

/** An apply that would change what other managers own. */
export class ConflictError extends Error {
  readonly code = 'Conflict';
  readonly conflicts: readonly Conflict[];

  constructor(conflicts: readonly Conflict[]) {
    const sorted = conflicts.toSorted((left, right) => compareText(identityOf(left.entry), identityOf(right.entry)));
    super(describe(sorted));
    this.name = 'ConflictError';
    this.conflicts = sorted;
  }

  /** One cause for each field, as Kubernetes words them. */
  causes(): StatusCause[] {
    return this.conflicts.flatMap(({ entry, fields }) =>
      pathsOf(fields).map((path) => ({
        reason: 'FieldManagerConflict',
        message: `conflict with ${printManager(entry)}`,
        field: path,
      })),
    );
  }
}

function pathsOf(fields: FieldSet): string[] {
  return [...fieldsOf(fields)].map(printPath);
}

function describe(conflicts: readonly Conflict[]): string {
  const all = conflicts.map(({ entry, fields }) => ({ manager: printManager(entry), paths: pathsOf(fields) }));
  const count = all.reduce((sum, { paths }) => sum + paths.length, 0);
  const [first] = all;
  if (count === 1) return `Apply failed with 1 conflict: conflict with ${first?.manager}: ${first?.paths[0]}`;
  const lines = all.flatMap(({ manager, paths }) => [
    `conflicts with ${manager}:`,
    ...paths.map((path) => `- ${path}`),
  ]);
  return `Apply failed with ${count} conflicts: ${lines.join('\n')}`;
}

function printManager({ manager, operation, apiVersion, subresource }: ManagerEntry): string {
  const through = subresource === '' ? '' : ` with subresource ${JSON.stringify(subresource)}`;
  const version = operation === 'Update' ? ` using ${apiVersion}` : '';
  return `${JSON.stringify(manager)}${through}${version}`;
}
