import { forbiddenError, type ApiError } from '../../../lib/api/errors.js';
import type { AdmissionAttributes } from './plugin.js';

/** How many characters the server appends to a generateName. */
const SUFFIX_CHARACTERS = 5;

/** The 403 of an admission plugin: `pods "web-" is forbidden: MESSAGE`. A generated name is shown as what it was made from. */
export function refusal(attributes: AdmissionAttributes, message: string): ApiError {
  const { group, plural } = attributes.kind;
  return forbiddenError({ group, resource: plural }, shownName(attributes), message);
}

function shownName({ operation, name, object }: AdmissionAttributes): string {
  const prefix = object?.metadata?.generateName ?? '';
  const generated =
    operation === 'CREATE' && prefix !== '' && (name === '' || name.length - SUFFIX_CHARACTERS === prefix.length);
  const shown = generated ? prefix : name || (object?.metadata?.name ?? '');
  return shown === '' ? 'Unknown' : shown;
}

/** True for a write to this resource of the core group; `subresource` '' is the object itself. */
export function concerns(attributes: AdmissionAttributes, plural: string, subresource = ''): boolean {
  const { kind } = attributes;
  return kind.group === '' && kind.plural === plural && attributes.subresource === subresource;
}
