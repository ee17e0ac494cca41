import { describe, expect, test } from 'vitest';
import { FakeClock } from '../../lib/clock/fake.js';
import { jsonLog, withBindings, type LogLevel } from './logging.js';

function logTo(level: LogLevel): { log: ReturnType<typeof jsonLog>; lines: () => Record<string, unknown>[] } {
  const written: string[] = [];
  const log = jsonLog({
    level,
    bindings: { cluster: 'demo', function: 'controllers' },
    clock: new FakeClock(),
    write: (line) => void written.push(line),
  });
  return {
    log,
    lines() {
      expect(written.every((line) => line.endsWith('\n') && line.indexOf('\n') === line.length - 1)).toBe(true);
      return written.map((line) => JSON.parse(line) as Record<string, unknown>);
    },
  };
}

describe('a line of the log', () => {
  test('carries cluster, function, request id, controller and key, however deep it is written', async () => {
    const { log, lines } = logTo('info');
    const reconcile = (key: string): Promise<void> =>
      withBindings({ controller: 'deployment', key }, async () => {
        await Promise.resolve();
        log.warn({ attempt: 2 }, 'again');
      });
    await withBindings({ requestId: 'r-1' }, async () => {
      await Promise.all([reconcile('default/a'), reconcile('default/b')]);
      log.info({}, 'done');
    });
    log.info({}, 'outside');
    const time = new Date(new FakeClock().now()).toISOString();
    const base = { time, cluster: 'demo', function: 'controllers' };
    const work = { ...base, level: 'warn', requestId: 'r-1', controller: 'deployment', attempt: 2, message: 'again' };
    expect(lines()).toEqual([
      { ...work, key: 'default/a' },
      { ...work, key: 'default/b' },
      { ...base, level: 'info', requestId: 'r-1', message: 'done' },
      { ...base, level: 'info', message: 'outside' },
    ]);
  });

  test.each([
    ['debug', 3],
    ['info', 3],
    ['warn', 2],
    ['error', 1],
  ] as const)('is written from its level on: %s', (level, count) => {
    const { log, lines } = logTo(level);
    log.info({}, 'a');
    log.warn({}, 'b');
    log.error({}, 'c');
    expect(lines()).toHaveLength(count);
  });

  test('never fails over what is in it', () => {
    const { log, lines } = logTo('info');
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    log.error(circle, 'circular');
    log.error({ big: 10n, error: new TypeError('wrong\nkind') }, 'odd');
    expect(lines()[0]).toMatchObject({ message: 'circular', level: 'error' });
    expect(lines()[1]).toMatchObject({ big: '10', error: { type: 'TypeError', message: 'wrong\nkind' } });
  });
});
