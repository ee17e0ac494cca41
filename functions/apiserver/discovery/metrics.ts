import type { Clock } from '../../../lib/clock/clock.js';
import type { FinishedRequest, RequestObserver } from '../registry/handler.js';
import type { ApiResponse } from '../registry/request.js';

/** Upper bounds of the buckets of request durations. */
const DURATION_BUCKETS_SECONDS = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 2, 5, 10, 30, 60];

/** Series above this are not made: labels come from requests, and memory is bounded. */
const SERIES_MAX = 5_000;

interface Durations {
  readonly buckets: number[];
  count: number;
  sumSeconds: number;
}

/** Counts requests and writes them, with the process's own numbers, as Prometheus text. */
export class RequestMetrics implements RequestObserver {
  readonly #clock: Clock;
  readonly #startedMs: number;
  readonly #totals = new Map<string, number>();
  readonly #durations = new Map<string, Durations>();
  #inFlight = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedMs = clock.now();
  }

  started(): void {
    this.#inFlight++;
  }

  finished(request: FinishedRequest): void {
    this.#inFlight--;
    const { verb, group, version, resource, subresource, scope, status, durationMs } = request;
    const labels = `group="${group}",resource="${resource}",scope="${scope}",subresource="${subresource}",verb="${verb}",version="${version}"`;
    const series = `code="${status}",${labels}`;
    const total = this.#totals.get(series);
    if (total === undefined && this.#totals.size >= SERIES_MAX) return;
    this.#totals.set(series, (total ?? 0) + 1);
    if (verb === 'WATCH') return;
    let durations = this.#durations.get(labels);
    if (durations === undefined) {
      durations = { buckets: DURATION_BUCKETS_SECONDS.map(() => 0), count: 0, sumSeconds: 0 };
      this.#durations.set(labels, durations);
    }
    const seconds = durationMs / 1_000;
    const bucket = DURATION_BUCKETS_SECONDS.findIndex((bound) => seconds <= bound);
    if (bucket >= 0) durations.buckets[bucket] = (durations.buckets[bucket] as number) + 1;
    durations.count++;
    durations.sumSeconds += seconds;
  }

  /** The text of `/metrics`. */
  response(watches: number): ApiResponse {
    const lines: string[] = [
      '# HELP apiserver_request_total Counter of apiserver requests broken out for each verb, group, version, resource, scope, subresource and HTTP code.',
      '# TYPE apiserver_request_total counter',
    ];
    for (const [series, value] of this.#totals) lines.push(`apiserver_request_total{${series}} ${value}`);
    lines.push(
      '# HELP apiserver_request_duration_seconds Response latency distribution in seconds.',
      '# TYPE apiserver_request_duration_seconds histogram',
    );
    for (const [labels, durations] of this.#durations) lines.push(...histogram(labels, durations));
    const { rss } = process.memoryUsage();
    const { user, system } = process.cpuUsage();
    lines.push(
      ...gauge('apiserver_current_inflight_requests', 'Requests being handled now.', this.#inFlight),
      ...gauge('apiserver_longrunning_requests', 'Watches open now.', watches),
      ...gauge('process_resident_memory_bytes', 'Resident memory size in bytes.', rss),
      '# HELP process_cpu_seconds_total Total user and system CPU time spent in seconds.',
      '# TYPE process_cpu_seconds_total counter',
      `process_cpu_seconds_total ${(user + system) / 1_000_000}`,
      ...gauge(
        'process_start_time_seconds',
        'Start time of the process since the Unix epoch.',
        this.#startedMs / 1_000,
      ),
      ...gauge('process_uptime_seconds', 'Time since the start.', (this.#clock.now() - this.#startedMs) / 1_000),
    );
    return {
      status: 200,
      headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8', 'cache-control': 'no-cache, private' },
      body: Buffer.from(`${lines.join('\n')}\n`),
    };
  }
}

function histogram(labels: string, { buckets, count, sumSeconds }: Durations): string[] {
  const name = 'apiserver_request_duration_seconds';
  let below = 0;
  const lines = buckets.map((value, index) => {
    below += value;
    return `${name}_bucket{${labels},le="${DURATION_BUCKETS_SECONDS[index]}"} ${below}`;
  });
  lines.push(
    `${name}_bucket{${labels},le="+Inf"} ${count}`,
    `${name}_sum{${labels}} ${sumSeconds}`,
    `${name}_count{${labels}} ${count}`,
  );
  return lines;
}

function gauge(name: string, help: string, value: number): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, `${name} ${value}`];
}
