import type { ApiResponse } from '../registry/request.js';
import { textResponse } from '../registry/respond.js';

/** One thing that must work. Throws, or rejects, when it does not. */
export interface HealthCheck {
  readonly name: string;
  check(): Promise<void>;
}

export const HEALTH_PATHS: ReadonlySet<string> = new Set(['healthz', 'livez', 'readyz']);

/** `/livez`, `/readyz` and `/healthz`, with their parameters `verbose` and `exclude`, and single checks below them. */
export async function healthResponse(
  kind: string,
  only: string | undefined,
  query: URLSearchParams,
  checks: readonly HealthCheck[],
): Promise<ApiResponse | undefined> {
  const chosen = only === undefined ? checks : checks.filter(({ name }) => name === only);
  if (chosen.length === 0) return undefined;
  const excluded = new Set(query.getAll('exclude'));
  const lines: string[] = [];
  let failed = false;
  for (const { name, check } of chosen) {
    if (excluded.delete(name)) {
      lines.push(`[+]${name} excluded: ok`);
      continue;
    }
    try {
      await check();
      lines.push(`[+]${name} ok`);
    } catch {
      failed = true;
      lines.push(`[-]${name} failed: reason withheld`);
    }
  }
  if (excluded.size > 0) {
    const names = [...excluded].map((name) => JSON.stringify(name)).join(',');
    lines.push(`warn: some health checks cannot be excluded: no matches for ${names}`);
  }
  const report = lines.join('\n');
  if (failed) return textResponse(500, `${report}\n${kind} check failed\n`);
  return textResponse(200, query.has('verbose') ? `${report}\n${kind} check passed\n` : 'ok');
}
