import { collectionName } from '../../../lib/client/resource.js';
import type { Checker } from './cluster-state.js';

/** Objects of these go by themselves when their time has come. */
const PASSING = new Set(['batch/jobs']);

/** What users asked for is there, and says what they said; what they deleted is not. */
export const askedFor: Checker = (state) => {
  const problems: string[] = [];
  for (const { resource, namespace, name, spec } of state.user.wishes.values()) {
    const object = state.find(resource, namespace, name) as { spec?: object } | undefined;
    const title = `${resource.kind} ${namespace ?? ''}/${name}`;
    if (object === undefined) {
      if (!PASSING.has(collectionName(resource))) problems.push(`${title} was asked for and is not there`);
    } else if (spec !== undefined && resource.kind !== 'PriorityClass') {
      problems.push(...differences(spec, object.spec, `${title} spec`));
    }
  }
  for (const { resource, namespace, name } of state.user.deleted.values()) {
    if (state.find(resource, namespace, name) !== undefined)
      problems.push(`${resource.kind} ${namespace ?? ''}/${name} was deleted and is there`);
  }
  return problems;
};

/** Where `present` does not say what `wanted` says; it may say more. */
function differences(wanted: unknown, present: unknown, path: string): string[] {
  if (wanted === undefined) return [];
  if (typeof wanted !== 'object' || wanted === null) {
    return wanted === present ? [] : [`${path} is ${JSON.stringify(present)} instead of ${JSON.stringify(wanted)}`];
  }
  const record = (present ?? {}) as Record<string, unknown>;
  return Object.entries(wanted).flatMap(([key, value]) => differences(value, record[key], `${path}.${key}`));
}
