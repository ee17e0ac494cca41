import type { Overload } from '../overload.js';
import { AUTHORIZERS } from './authorizer.js';
import { CONVERSIONS, TIMES } from './conversions.js';
import { NAMED_FORMATS } from './formats.js';
import { LISTS, SETS } from './lists.js';
import { NETWORK } from './network.js';
import { OPTIONALS } from './optionals.js';
import { QUANTITIES } from './quantities.js';
import { SEMVERS } from './semver.js';
import { STANDARD_OPERATORS } from './standard.js';
import { STRINGS } from './strings.js';
import { URLS } from './urls.js';

/** Every function of Kubernetes 1.36's environment by name. */
export const FUNCTIONS: ReadonlyMap<string, readonly Overload[]> = byName([
  ...STANDARD_OPERATORS,
  ...CONVERSIONS,
  ...TIMES,
  ...STRINGS,
  ...LISTS,
  ...SETS,
  ...URLS,
  ...NETWORK,
  ...QUANTITIES,
  ...SEMVERS,
  ...NAMED_FORMATS,
  ...OPTIONALS,
  ...AUTHORIZERS,
]);

function byName(overloads: readonly Overload[]): Map<string, Overload[]> {
  const found = new Map<string, Overload[]>();
  for (const overload of overloads) {
    const known = found.get(overload.name);
    if (known === undefined) found.set(overload.name, [overload]);
    else known.push(overload);
  }
  return found;
}
