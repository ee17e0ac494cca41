import { duplicate, forbidden, invalid, required, type FieldError } from '../../../../lib/api/field-errors.js';
import { quantityToNumber } from '../../../../lib/api/quantity-number.js';
import type { V1LimitRange, V1LimitRangeItem } from '../../../../lib/schema/generated/types.js';
import { defineKind } from '../kind.js';
import { CREATED_AT } from '../shared/columns.js';
import { formatErrors, isQualifiedName } from '../shared/formats.js';
import { compareQuantities } from '../shared/quantities.js';
import { containerResourceNameErrors, isOvercommitAllowed, resourceNameErrors } from '../shared/resources.js';

const TYPES: ReadonlySet<string> = new Set(['Pod', 'Container', 'PersistentVolumeClaim']);

export const limitRange = defineKind<V1LimitRange>({
  group: '',
  version: 'v1',
  kind: 'LimitRange',
  plural: 'limitranges',
  singular: 'limitrange',
  shortNames: ['limits'],
  namespaced: true,
  definition: 'io.k8s.api.core.v1.LimitRange',
  allowCreateOnUpdate: true,
  defaults(object) {
    for (const item of object.spec?.limits ?? []) if (item.type === 'Container') defaultContainerLimits(item);
  },
  validate(object) {
    const seen = new Set<string>();
    return (object.spec?.limits ?? []).flatMap((item, index) => {
      const path = `spec.limits[${index}]`;
      const type = item.type ?? '';
      const errors = formatErrors(`${path}.type`, type, isQualifiedName);
      if (errors.length === 0 && !type.includes('/') && !TYPES.has(type)) {
        errors.push(invalid(`${path}.type`, type, 'must be a standard limit type or fully qualified'));
      }
      if (seen.has(type)) errors.push(duplicate(`${path}.type`, type));
      seen.add(type);
      return [...errors, ...validateItem(item, path)];
    });
  },
  columns: [CREATED_AT],
});

/** A limit that is not given is the maximum; a request the limit, or else the minimum. */
function defaultContainerLimits(item: V1LimitRangeItem): void {
  const limits = { ...item.max, ...item.default };
  const requests = { ...item.min, ...limits, ...item.defaultRequest };
  if (Object.keys(limits).length > 0) item.default = limits;
  if (Object.keys(requests).length > 0) item.defaultRequest = requests;
}

function validateItem(item: V1LimitRangeItem, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const names = new Set<string>();
  const check = item.type === 'Pod' || item.type === 'Container' ? containerResourceNameErrors : resourceNameErrors;
  for (const list of ['max', 'min', 'default', 'defaultRequest', 'maxLimitRequestRatio'] as const) {
    const amounts = Object.keys(item[list] ?? {});
    if (item.type === 'Pod' && list.startsWith('default')) {
      if (amounts.length > 0) errors.push(forbidden(`${path}.${list}`, "may not be specified when `type` is 'Pod'"));
      continue;
    }
    for (const name of amounts) {
      errors.push(...check(`${path}.${list}[${name}]`, name));
      names.add(name);
    }
  }
  const bounded = item.min?.['storage'] !== undefined || item.max?.['storage'] !== undefined;
  if (item.type === 'PersistentVolumeClaim' && !bounded) {
    const why = 'either minimum or maximum storage value is required, but neither was provided';
    errors.push(required(`${path}.limits`, why));
  }
  for (const name of names) errors.push(...amountErrors(item, name, path));
  return errors;
}

function amountErrors(item: V1LimitRangeItem, name: string, path: string): FieldError[] {
  const min = item.min?.[name];
  const max = item.max?.[name];
  const limit = item.type === 'Pod' ? undefined : item.default?.[name];
  const request = item.type === 'Pod' ? undefined : item.defaultRequest?.[name];
  const ratio = item.maxLimitRequestRatio?.[name];
  const errors: FieldError[] = [];
  const exceeds = (a: string | undefined, b: string | undefined): boolean =>
    a !== undefined && b !== undefined && compareQuantities(a, b) > 0;
  const add = (list: string, value: string | undefined, why: string): void => {
    errors.push(invalid(`${path}.${list}[${name}]`, value, why));
  };
  if (exceeds(min, max)) add('min', min, `min value ${min} is greater than max value ${max}`);
  if (exceeds(min, request)) {
    add('defaultRequest', request, `min value ${min} is greater than default request value ${request}`);
  }
  if (exceeds(request, max)) {
    add('defaultRequest', request, `default request value ${request} is greater than max value ${max}`);
  }
  if (exceeds(request, limit)) {
    add('defaultRequest', request, `default request value ${request} is greater than default limit value ${limit}`);
  }
  if (exceeds(min, limit)) add('default', min, `min value ${min} is greater than default value ${limit}`);
  if (exceeds(limit, max)) add('default', max, `default value ${limit} is greater than max value ${max}`);
  if (ratio !== undefined) {
    if (compareQuantities(ratio, '1') < 0) add('maxLimitRequestRatio', ratio, `ratio ${ratio} is less than 1`);
    if (min !== undefined && max !== undefined) {
      const largest = quantityToNumber(max) / quantityToNumber(min);
      if (quantityToNumber(ratio) > largest) {
        add('maxLimitRequestRatio', ratio, `ratio ${ratio} is greater than max/min = ${largest.toFixed(6)}`);
      }
    }
  }
  if (
    !isOvercommitAllowed(name) &&
    limit !== undefined &&
    request !== undefined &&
    compareQuantities(limit, request) !== 0
  ) {
    const why = `default value ${limit} must equal to defaultRequest value ${request} in ${name}`;
    add('defaultRequest', request, why);
  }
  return errors;
}
