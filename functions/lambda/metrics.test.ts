import { expect, test } from 'vitest';
import { FakeClock } from '../../lib/clock/fake.js';
import { Metrics } from './metrics.js';

interface EmbeddedMetrics {
  _aws: {
    Timestamp: number;
    CloudWatchMetrics: { Namespace: string; Dimensions: string[][]; Metrics: { Name: string; Unit: string }[] }[];
  };
  [name: string]: unknown;
}

/** The rules of CloudWatch's embedded metric format: what breaks one of them is kept as text and counts nothing. */
function check(line: string): EmbeddedMetrics {
  const record = JSON.parse(line) as EmbeddedMetrics;
  expect(Number.isInteger(record._aws.Timestamp)).toBe(true);
  expect(Buffer.byteLength(line)).toBeLessThan(256 * 1024);
  for (const { Namespace, Dimensions, Metrics: metrics } of record._aws.CloudWatchMetrics) {
    expect(Namespace).toMatch(/^[^:].{0,254}$/);
    expect(metrics.length).toBeLessThanOrEqual(100);
    for (const set of Dimensions) {
      expect(set.length).toBeLessThanOrEqual(30);
      for (const name of set) expect(record[name]).toEqual(expect.any(String));
    }
    for (const { Name, Unit } of metrics) {
      expect(['Count', 'Milliseconds']).toContain(Unit);
      const values = [record[Name]].flat();
      expect(values.length).toBeGreaterThan(0);
      expect(values.length).toBeLessThanOrEqual(100);
      expect(values.every((value) => typeof value === 'number' && Number.isFinite(value))).toBe(true);
    }
  }
  return record;
}

test('numbers are one line of the embedded metric format, at most once a minute', async () => {
  const clock = new FakeClock();
  const lines: string[] = [];
  const metrics = new Metrics({
    clock,
    dimensions: { Cluster: 'demo', Function: 'apiserver' },
    write: (line) => void lines.push(line),
  });
  metrics.flush();
  expect(lines).toEqual([]);
  metrics.count('Requests');
  metrics.count('Requests', 2);
  metrics.duration('Latency', 12);
  metrics.duration('Latency', 7.5);
  metrics.flush();
  const record = check(lines[0] ?? '');
  expect(record).toMatchObject({ Cluster: 'demo', Function: 'apiserver', Requests: 3, Latency: [12, 7.5] });
  expect(record._aws.CloudWatchMetrics).toEqual([
    {
      Namespace: 'Zeroplane',
      Dimensions: [['Cluster', 'Function']],
      Metrics: [
        { Name: 'Requests', Unit: 'Count' },
        { Name: 'Latency', Unit: 'Milliseconds' },
      ],
    },
  ]);

  metrics.count('Requests');
  metrics.flush();
  expect(lines).toHaveLength(1);
  await clock.advance(60_000);
  metrics.flush();
  expect(check(lines[1] ?? '')).toMatchObject({ Requests: 1 });

  // More values than a line may hold are not kept; what is full is written at once.
  for (let index = 0; index < 150; index++) metrics.duration('Latency', index);
  metrics.flush();
  expect(check(lines[2] ?? '')['Latency']).toHaveLength(100);
});
