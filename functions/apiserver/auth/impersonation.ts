import { badRequest } from '../../../lib/api/errors.js';
import type { UserInfo } from '../../../lib/api/meta.js';
import { forbiddenByAuthorizer } from './authorizer.js';
import type { Authorizer, AuthorizationAttributes } from './auth.js';
import {
  ANONYMOUS_USERNAME,
  AUTHENTICATED_GROUP,
  parseServiceAccountUsername,
  serviceAccountGroups,
  UNAUTHENTICATED_GROUP,
} from './users.js';

/** What the Impersonate-… headers of a request ask for. */
export interface Impersonation {
  user: string;
  groups: string[];
  uid: string;
  extra: Record<string, string[]>;
}

const EXTRA_PREFIX = 'impersonate-extra-';

/**
 * Reads the headers. `header` gives a value by lower-case name, several values joined by a comma; `names` are the
 * names of all headers of the request. Undefined when nobody is to be impersonated; throws 400 for headers without a user.
 */
export function readImpersonation(
  header: (name: string) => string | undefined,
  names: Iterable<string> = [],
): Impersonation | undefined {
  const user = header('impersonate-user') ?? '';
  const groups = valuesOf(header('impersonate-group'));
  const uid = header('impersonate-uid') ?? '';
  // A map, since a key may be the name of something that every object inherits.
  const given = new Map<string, string[]>();
  for (const name of names) {
    const lower = name.toLowerCase();
    if (!lower.startsWith(EXTRA_PREFIX)) continue;
    const key = unescapeKey(lower.slice(EXTRA_PREFIX.length));
    given.set(key, [...(given.get(key) ?? []), ...valuesOf(header(lower))]);
  }
  const extra = Object.fromEntries(given);
  if (user !== '') return { user, groups, uid, extra };
  if (groups.length === 0 && uid === '' && Object.keys(extra).length === 0) return undefined;
  const asked = [
    ...groups.map((name) => `Group ${name}`),
    ...Object.keys(extra),
    ...(uid === '' ? [] : [`UID ${uid}`]),
  ];
  throw badRequest(`requested [${asked.join(' ')}] without impersonating a user`);
}

/**
 * The user to go on as. `requester` needs the verb `impersonate` on every user, group, uid and extra value asked for; otherwise a 403
 * says which one failed.
 */
export async function impersonate(
  requester: UserInfo,
  asked: Impersonation,
  authorizer: Authorizer,
): Promise<UserInfo> {
  const serviceAccount = parseServiceAccountUsername(asked.user);
  if (serviceAccount !== undefined)
    await demand(authorizer, requester, { resource: 'serviceaccounts', ...serviceAccount });
  else await demand(authorizer, requester, { resource: 'users', name: asked.user });
  for (const name of asked.groups) await demand(authorizer, requester, { resource: 'groups', name });
  const group = 'authentication.k8s.io';
  for (const [subresource, values] of Object.entries(asked.extra))
    for (const name of values)
      await demand(authorizer, requester, { group, resource: 'userextras', subresource, name });
  if (asked.uid !== '') await demand(authorizer, requester, { group, resource: 'uids', name: asked.uid });

  const groups =
    asked.groups.length === 0 && serviceAccount !== undefined
      ? serviceAccountGroups(serviceAccount.namespace)
      : [...asked.groups];
  if (asked.user === ANONYMOUS_USERNAME) {
    if (!groups.includes(UNAUTHENTICATED_GROUP)) groups.push(UNAUTHENTICATED_GROUP);
  } else if (!groups.includes(AUTHENTICATED_GROUP) && !groups.includes(UNAUTHENTICATED_GROUP)) {
    groups.push(AUTHENTICATED_GROUP);
  }
  return {
    username: asked.user,
    ...(asked.uid === '' ? {} : { uid: asked.uid }),
    groups,
    ...(Object.keys(asked.extra).length === 0 ? {} : { extra: asked.extra }),
  };
}

async function demand(
  authorizer: Authorizer,
  user: UserInfo,
  target: Partial<AuthorizationAttributes> & { resource: string; name: string },
): Promise<void> {
  const attributes: AuthorizationAttributes = {
    user,
    verb: 'impersonate',
    resourceRequest: true,
    group: '',
    version: 'v1',
    subresource: '',
    namespace: '',
    path: '',
    ...target,
  };
  const { allowed, reason } = await authorizer.authorize(attributes);
  if (!allowed) throw forbiddenByAuthorizer(attributes, reason);
}

function valuesOf(joined: string | undefined): string[] {
  return (joined ?? '')
    .split(',')
    .map((value) => value.trim())
    .filter((value) => value !== '');
}

/** Keys are percent-encoded, since header names allow few characters; a malformed one is taken as it is. */
function unescapeKey(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}
