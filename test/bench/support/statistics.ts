/** The value below which the share `fraction` of the samples lies; NaN of none. */
export function percentile(samples: readonly number[], fraction: number): number {
  const sorted = [...samples].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * fraction))] ?? Number.NaN;
}

export function median(samples: readonly number[]): number {
  return percentile(samples, 0.5);
}

/** `12.3 / 20.1 ms`: the middle, and what one in a hundred exceeds. */
export function p50p99(samples: readonly number[]): string {
  return `${milliseconds(percentile(samples, 0.5))} / ${milliseconds(percentile(samples, 0.99))} ms`;
}

function milliseconds(value: number): string {
  return value >= 100 ? String(Math.round(value)) : value.toFixed(1);
}

/** `12,345/s`. */
export function perSecond(count: number, elapsedMs: number, unit = '/s'): string {
  return `${Math.round((count * 1000) / elapsedMs).toLocaleString('en')}${unit}`;
}
