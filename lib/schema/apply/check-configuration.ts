import { isJsonObject } from '../../json/path.js';
import { stringifyJson } from '../../json/stringify.js';
import { goPrint, goTypeName } from '../patch/go-print.js';
import { ApplyError } from './errors.js';
import type { ListType, MapType, MergeType } from './merge-type.js';
import { fieldElement, printElement } from './path-element.js';
import { elementOfItem, formOf, memberTypeOf, UnidentifiedItem } from './values.js';

/** Faults that are listed of one configuration. */
const FAULTS_MAX = 100;

/**
 * Whether a configuration fits its schema: no field that the schema does not have, values of the right forms, no two items of
 * one identity. Throws an `ApplyError` that lists the faults in Kubernetes' words.
 */
export function checkConfiguration(type: MergeType, config: unknown): void {
  const faults: string[] = [];
  check(type, config, '', faults);
  if (faults.length === 0) return;
  throw new ApplyError(
    'BadConfiguration',
    faults.length === 1 ? (faults[0] as string) : ['errors:', ...faults.map((one) => `  ${one}`)].join('\n'),
  );
}

function fault(path: string, text: string, faults: string[]): void {
  if (faults.length < FAULTS_MAX) faults.push(path === '' ? text : `${path}: ${text}`);
}

function check(type: MergeType, value: unknown, path: string, faults: string[]): void {
  if (value === null || value === undefined) return;
  switch (formOf(type, value)) {
    case 'scalar':
      checkScalar(type.scalar, value, path, faults);
      return;
    case 'list':
      if (Array.isArray(value)) checkList(type.list as ListType, value, path, faults);
      else fault(path, `expected list, got ${goValue(value)}`, faults);
      return;
    case 'map':
      if (isJsonObject(value)) checkMap(type.map as MapType, value, path, faults);
      else fault(path, `expected map, got ${goValue(value)}`, faults);
  }
}

function goValue(value: unknown): string {
  return `&{${goPrint(value)}}`;
}

function checkScalar(scalar: MergeType['scalar'], value: unknown, path: string, faults: string[]): void {
  const isNumber = typeof value === 'number' || typeof value === 'bigint';
  if (scalar === 'numeric') {
    if (!isNumber) fault(path, `expected numeric (int or float), got ${goTypeName(value)}`, faults);
  } else if (scalar === 'string') {
    if (typeof value !== 'string') {
      fault(path, `expected string, got &value.valueUnstructured{Value:${goLiteral(value)}}`, faults);
    }
  } else if (scalar === 'boolean') {
    if (typeof value !== 'boolean') fault(path, `expected boolean, got ${goValue(value)}`, faults);
  } else if (typeof value === 'object') {
    fault(path, `expected any scalar, got ${goValue(value)}`, faults);
  }
}

function goLiteral(value: unknown): string {
  return typeof value === 'object' ? `${goTypeName(value)}${goPrint(value)}` : stringifyJson(value);
}

function checkList(list: ListType, items: readonly unknown[], path: string, faults: string[]): void {
  const seen = new Set<string>();
  for (const [index, item] of items.entries()) {
    let element = `[${index}]`;
    if (list.relationship !== 'atomic') {
      try {
        const identity = elementOfItem(list, item);
        element = printElement(identity);
        if (seen.has(identity)) fault(path, `duplicate entries for key ${element}`, faults);
        seen.add(identity);
      } catch (error) {
        if (!(error instanceof UnidentifiedItem)) throw error;
        fault(path, `element ${index}: ${error.message}`, faults);
        return;
      }
    }
    check(list.element, item, `${path}${element}`, faults);
  }
}

function checkMap(map: MapType, members: Record<string, unknown>, path: string, faults: string[]): void {
  for (const name of Object.keys(members)) {
    const inner = `${path}${printElement(fieldElement(name))}`;
    const type = memberTypeOf(map, name);
    if (type === undefined) fault(inner, 'field not declared in schema', faults);
    else check(type, members[name], inner, faults);
  }
}
