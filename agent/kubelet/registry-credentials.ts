import type { V1Secret } from '../../lib/schema/generated/types.js';
import type { RegistryCredential } from '../runtime/runtime.js';
import { parseImage } from './image-reference.js';

interface Entry {
  username?: string;
  password?: string;
  auth?: string;
  identitytoken?: string;
}

/** Docker Hub under the names that credentials are kept for. */
const DOCKER_HUB = ['docker.io', 'index.docker.io', 'registry-1.docker.io'];

/** What pull secrets (kubernetes.io/dockerconfigjson and dockercfg) say of an image's registry; the most exact first. */
export function registryCredentials(image: string, secrets: readonly V1Secret[]): RegistryCredential[] {
  const parsed = parseImage(image);
  if (parsed === undefined) return [];
  const hosts = DOCKER_HUB.includes(parsed.registry) ? DOCKER_HUB : [parsed.registry];
  const found: { length: number; credential: RegistryCredential }[] = [];
  for (const secret of secrets) {
    for (const [key, entry] of entries(secret)) {
      const credential = credentialOf(entry);
      const location = key.replace(/^https?:\/\//, '').replace(/\/(v[12]\/?)?$/, '');
      if (credential === undefined || !hosts.some((host) => matches(location, host, parsed.repository))) continue;
      found.push({ length: location.length, credential });
    }
  }
  return found.sort((one, other) => other.length - one.length).map(({ credential }) => credential);
}

function entries(secret: V1Secret): [string, Entry][] {
  const config = read(secret.data?.['.dockerconfigjson']) as { auths?: Record<string, Entry> } | undefined;
  const legacy = read(secret.data?.['.dockercfg']) as Record<string, Entry> | undefined;
  return [...Object.entries(config?.auths ?? {}), ...Object.entries(legacy ?? {})];
}

/** What is not JSON gives no credentials: the pull will say what it lacks. */
function read(base64: string | undefined): unknown {
  if (base64 === undefined) return undefined;
  try {
    return JSON.parse(Buffer.from(base64, 'base64').toString('utf8'));
  } catch {
    return undefined;
  }
}

function credentialOf({ username, password, auth, identitytoken }: Entry): RegistryCredential | undefined {
  const token = identitytoken === undefined ? {} : { identityToken: identitytoken };
  if (username !== undefined && password !== undefined) return { username, password, ...token };
  const decoded = Buffer.from(auth ?? '', 'base64').toString('utf8');
  const colon = decoded.indexOf(':');
  if (colon < 0) return undefined;
  return { username: decoded.slice(0, colon), password: decoded.slice(colon + 1), ...token };
}

/** `*.example.com/team` is for all images of a team in each registry of a domain. */
function matches(location: string, host: string, repository: string): boolean {
  const slash = location.indexOf('/');
  const wanted = slash < 0 ? location : location.slice(0, slash);
  const prefix = slash < 0 ? '' : location.slice(slash + 1);
  const parts = wanted.split('.');
  const present = host.split('.');
  const isHost = parts.length === present.length && parts.every((part, at) => glob(part, present[at] ?? ''));
  return isHost && (prefix === '' || repository === prefix || repository.startsWith(`${prefix}/`));
}

function glob(pattern: string, text: string): boolean {
  if (!pattern.includes('*')) return pattern === text;
  const [head = '', ...rest] = pattern.split('*');
  const tail = rest.at(-1) ?? '';
  return text.length >= head.length + tail.length && text.startsWith(head) && text.endsWith(tail);
}
