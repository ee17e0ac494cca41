import type { Clock } from '../../../../lib/clock/clock.js';
import { AwsIamError } from './errors.js';
import { STS_ANSWER_MAX_BYTES, STS_TIMEOUT_MS } from './limits.js';

/** One GET, as `globalThis.fetch` makes it. */
export type StsFetch = (
  url: string,
  init: { headers: Record<string, string>; redirect: 'manual'; signal: AbortSignal },
) => Promise<Response>;

export interface StsOptions {
  fetch: StsFetch;
  clock: Clock;
  /** Where questions are sent instead of the host in the token: `http://localhost:4566` of an emulator. */
  endpoint?: string;
}

/**
 * Sends a presigned request and returns the JSON of the answer. Follows no redirect, and bounds the answer in size and time.
 * Throws an `AwsIamError`: `refused` when STS says that the request is not good, `unavailable` when it says nothing of use.
 */
export async function askSts(url: URL, headers: Record<string, string>, options: StsOptions): Promise<unknown> {
  const target = options.endpoint === undefined ? url.href : new URL(`/${url.search}`, options.endpoint).href;
  const aborter = new AbortController();
  const cancel = options.clock.setTimer(STS_TIMEOUT_MS, () => aborter.abort());
  // A transport that does not heed the signal must not hold up the request.
  const late = new Promise<never>((_, reject) => {
    aborter.signal.addEventListener('abort', () =>
      reject(new AwsIamError('unavailable', 'STS did not answer in time')),
    );
  });
  try {
    return await Promise.race([ask(target, headers, options.fetch, aborter.signal), late]);
  } catch (error) {
    if (error instanceof AwsIamError) throw error;
    if (aborter.signal.aborted) throw new AwsIamError('unavailable', 'STS did not answer in time');
    // Messages and causes of fetch may contain the URL, which is as good as the token.
    throw new AwsIamError('unavailable', `STS could not be asked${codeOf(error)}`);
  } finally {
    cancel();
    aborter.abort();
  }
}

async function ask(
  url: string,
  headers: Record<string, string>,
  fetch: StsFetch,
  signal: AbortSignal,
): Promise<unknown> {
  const response = await fetch(url, {
    headers: { ...headers, accept: 'application/json' },
    redirect: 'manual',
    signal,
  });
  if (response.status >= 400 && response.status < 500 && response.status !== 429)
    throw new AwsIamError('refused', `STS answered ${response.status}`);
  if (response.status !== 200) throw new AwsIamError('unavailable', `STS answered ${response.status}`);
  const text = await boundedText(response);
  const inXml = readXml(text);
  if (inXml !== undefined) return inXml;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new AwsIamError('unavailable', 'STS answered something that is neither JSON nor its XML');
  }
}

/** STS answers in JSON when asked to; emulators do so in XML all the same. In the shape of the JSON; undefined for anything else. */
function readXml(text: string): unknown {
  const [, result] =
    /^(?:<\?xml[^>]*\?>)?\s*<GetCallerIdentityResponse[^>]*>\s*<GetCallerIdentityResult>((?:\s*<\w+>[^<>&]*<\/\w+>)*)\s*<\/GetCallerIdentityResult>/.exec(
      text,
    ) ?? [];
  if (result === undefined) return undefined;
  const fields = [...result.matchAll(/<(\w+)>([^<>&]*)<\/\1>/g)].map(([, name, value]) => [name, value] as const);
  return { GetCallerIdentityResponse: { GetCallerIdentityResult: Object.fromEntries(fields) } };
}

async function boundedText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    if (size > STS_ANSWER_MAX_BYTES) throw new AwsIamError('unavailable', 'STS answered more than it should');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function codeOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? ` (${cause.code})` : '';
}
