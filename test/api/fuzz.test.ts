import fc from 'fast-check';
import { expect, test } from 'vitest';
import { startApi, type Answer, type TestApi } from './support/api.js';
import { directDoor, httpsDoor, type Door } from './support/fuzz-doors.js';
import { fuzzSequence, type FuzzRequest, type FuzzSequence } from './support/fuzz-requests.js';
import { WriteModel } from './support/write-model.js';

/** ZEROPLANE_FUZZ_REQUESTS=n sends so many, ZEROPLANE_FUZZ_SEED=n others. An ordinary run always sends the same: it judges the change. */
const REQUESTS = Number(process.env.ZEROPLANE_FUZZ_REQUESTS ?? 10_000);
const SEED = Number(process.env.ZEROPLANE_FUZZ_SEED ?? 1);
/** Shrinking takes many times as long as finding: ZEROPLANE_FUZZ_SHRINK=1 asks for it. */
const SHRINKS = process.env.ZEROPLANE_FUZZ_SHRINK === '1';
const REQUESTS_PER_CLUSTER = 500;
const TIMEOUT_MS = 120_000 * Math.max(1, REQUESTS / 10_000);

/** No answer may take longer, on a machine that is busy with other tests too. */
const ANSWER_TIMEOUT_MS = 5_000;

const CODES = new Set([200, 201, 202, 304, 400, 401, 403, 404, 405, 406, 409, 410, 413, 414, 415, 422, 429, 501]);

const DOORS = [
  { through: 'in the process', share: 0.9, open: directDoor },
  { through: 'over HTTPS', share: 0.1, open: httpsDoor },
];

for (const { through, share, open } of DOORS) {
  const count = Math.ceil(REQUESTS * share);
  test(
    `${count} requests of all kinds ${through} are answered as Kubernetes does, and no acknowledged write is lost (seed ${SEED})`,
    { timeout: TIMEOUT_MS },
    async () => {
      const codes = new Map<number, number>();
      const result = await fc.check(
        fc.asyncProperty(fuzzSequence(REQUESTS_PER_CLUSTER), async (sequence) => {
          const api = await startApi();
          const door = await open(api);
          try {
            await run(api, door, sequence, codes);
            await door.close();
          } finally {
            await api.close();
          }
        }),
        { seed: SEED, numRuns: Math.ceil(count / REQUESTS_PER_CLUSTER), endOnFailure: !SHRINKS },
      );
      if (result.failed) throw result.errorInstance ?? new Error(fc.defaultReportMessage(result));
      // Sharp only when requests get past the first checks.
      for (const code of [200, 201, 400, 404, 409, 422]) {
        expect(codes.get(code) ?? 0, `answers with ${code} of ${count}`).toBeGreaterThan(count / 400);
      }
    },
  );
}

async function run(api: TestApi, door: Door, sequence: FuzzSequence, codes: Map<number, number>): Promise<void> {
  for (const request of sequence.first) await api.handle(request);
  const model = await WriteModel.of(api);
  for (const one of sequence.requests) {
    const answer = await inTime(one, door.send(one.request));
    codes.set(answer.status, (codes.get(answer.status) ?? 0) + 1);
    try {
      checkAnswer(one, answer);
      expect(api.errors).toEqual([]);
      await model.check(one, answer);
    } catch (error) {
      throw new Error(describe(one, answer), { cause: error });
    }
  }
  await model.checkLists();
  expect(Object.keys(Object.prototype)).toEqual([]);
}

async function inTime({ request }: FuzzRequest, answer: Promise<Answer>): Promise<Answer> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer to ${request.method} ${request.path}`)), ANSWER_TIMEOUT_MS);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A failing request, so that it can be sent again by hand. */
function describe({ request }: FuzzRequest, answer: Answer): string {
  const { method, path, headers, body, user } = request;
  const sent = body === undefined ? '' : Buffer.from(body).toString('utf8').slice(0, 1_500);
  const by = user === undefined ? '' : ` as ${user?.username ?? 'nobody'}`;
  return `${method} ${path.slice(0, 500)}${by} ${JSON.stringify(headers)} ${sent} -> ${answer.status} ${answer.text.slice(0, 800)}`;
}

function checkAnswer({ request, target }: FuzzRequest, answer: Answer): void {
  // A state that is still to come: only a continue token or a resourceVersion can ask for it.
  const isFuture = answer.status === 504 && /[?&](?:resourceVersion|continue)=/.test(request.path);
  // Nobody is behind a proxied path: it is sent on to its slash, or there is no endpoint.
  const isProxied = /\/proxy(?:[/?]|$)/.test(request.path) && (answer.status === 301 || answer.status === 503);
  // Nor is there a connection to nodes, who alone know what they use.
  const isUnknown = request.path.startsWith('/apis/metrics.k8s.io/') && answer.status === 503;
  expect(isFuture || isProxied || isUnknown || CODES.has(answer.status)).toBe(true);
  if (request.method === 'HEAD' || answer.status === 304 || answer.status === 301) return;
  if (answer.status >= 400) {
    const status = answer.json;
    expect(status).toMatchObject({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      code: answer.status,
    });
    expect(status.reason).toMatch(/^[A-Z][A-Za-z]+$/);
    expect(status.message).toMatch(/\S/);
    return;
  }
  if (answer.headers['content-type'] === 'application/json' && answer.headers['transfer-encoding'] === undefined) {
    const { kind, apiVersion } = answer.json;
    if (target !== undefined) {
      expect(kind).toMatch(/^[A-Z]/);
      expect(apiVersion).toMatch(/v[1-9]/);
    }
  }
}
