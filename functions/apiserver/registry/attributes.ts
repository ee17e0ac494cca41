import type { UserInfo } from '../../../lib/api/meta.js';
import type { AuthorizationAttributes } from '../auth/auth.js';
import type { Verb } from '../resources/kind.js';
import type { ResourcePath } from './path.js';

/** Streams into a container need `create`, also when a WebSocket asks for them with GET. */
const CONNECTIONS = new Set(['exec', 'attach', 'portforward']);

/** The verbs that a field selector narrows; in a request with another it says nothing and must not open anything. */
const SELECTING: ReadonlySet<Verb> = new Set(['list', 'watch', 'deletecollection']);

/** What authorisation is asked about a request for a resource. */
export function resourceAttributes(
  user: UserInfo,
  verb: Verb,
  path: ResourcePath,
  query: URLSearchParams,
): AuthorizationAttributes {
  const connects = path.resource === 'pods' && CONNECTIONS.has(path.subresource);
  const fieldSelector = SELECTING.has(verb) ? (query.get('fieldSelector') ?? '') : '';
  return {
    user,
    verb: connects && verb === 'get' ? 'create' : verb,
    resourceRequest: true,
    group: path.group,
    version: path.version,
    resource: path.resource,
    subresource: path.subresource,
    namespace: path.authorizationNamespace,
    name: path.name === '' ? selectedName(fieldSelector) : path.name,
    path: '',
    fieldSelector,
  };
}

/** A list or watch of one name is authorised as for that object. */
function selectedName(selector: string): string {
  return /(?:^|,)metadata\.name={1,2}([^,=!\\]+)(?:,|$)/.exec(selector)?.[1] ?? '';
}
