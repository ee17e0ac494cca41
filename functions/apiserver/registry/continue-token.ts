import { badRequest } from '../../../lib/api/errors.js';

/** Where a list goes on. A negative revision means: at the present, whatever the earlier pages saw. */
export interface ContinuePosition {
  readonly revision: number;
  readonly afterKey: string;
}

export const INCONSISTENT = -1;

const VERSION = 'meta.k8s.io/v1';

/** The opaque token, as Kubernetes makes it: base64 of `{"v":…,"rv":…,"start":…}`, start being the next key above the last one. */
export function encodeContinue(position: ContinuePosition): string {
  const token = { v: VERSION, rv: position.revision, start: `${position.afterKey}\u0000` };
  return Buffer.from(JSON.stringify(token)).toString('base64url');
}

/** Throws 400 in Kubernetes' words. */
export function decodeContinue(token: string): ContinuePosition {
  if (!/^[A-Za-z0-9_-]*={0,2}$/.test(token)) throw invalidToken('illegal base64 data');
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(token, 'base64url').toString('utf8'));
  } catch {
    throw invalidToken('it is not what an earlier list answered');
  }
  const { v, rv, start } = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  if (v !== VERSION) {
    throw badRequest(
      `invalid continue token: continue key is not valid: server does not recognize this encoded version ${JSON.stringify(String(v ?? ''))}`,
    );
  }
  if (typeof rv !== 'number' || !Number.isSafeInteger(rv) || rv === 0 || rv < INCONSISTENT) {
    throw invalidToken('incorrect encoded start resourceVersion (version meta.k8s.io/v1)');
  }
  if (typeof start !== 'string' || start === '') {
    throw invalidToken('encoded start key empty (version meta.k8s.io/v1)');
  }
  return { revision: rv, afterKey: start.endsWith('\u0000') ? start.slice(0, -1) : start };
}

function invalidToken(detail: string): Error {
  return badRequest(`invalid continue token: continue key is not valid: ${detail}`);
}
