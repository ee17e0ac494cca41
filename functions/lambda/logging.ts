import { AsyncLocalStorage } from 'node:async_hooks';
import type { Log } from '../apiserver/registry/context.js';
import type { Clock } from '../../lib/clock/clock.js';

/** What every line of a piece of work carries: request id, controller, key. */
export type Bindings = Readonly<Record<string, string>>;

const current = new AsyncLocalStorage<Bindings>();

/** Lines that `work` logs, however deep, carry the bindings, those around it too. */
export function withBindings<T>(bindings: Bindings, work: () => T): T {
  return current.run({ ...current.getStore(), ...bindings }, work);
}

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/**
 * JSON lines as CloudWatch keeps them: level by name, time in RFC 3339. `write` takes a line with its end. A library for this would be a
 * twentieth of a function's bundle.
 */
export function jsonLog(options: {
  level: LogLevel;
  bindings: Bindings;
  clock: Pick<Clock, 'now'>;
  write?: (line: string) => void;
}): Log {
  const { bindings, clock, write = (line) => void process.stdout.write(line) } = options;
  const least = LOG_LEVELS.indexOf(options.level);
  const at = (level: LogLevel) => (data: Record<string, unknown>, message: string) => {
    if (LOG_LEVELS.indexOf(level) < least) return;
    const time = new Date(clock.now()).toISOString();
    const around = { level, time, ...bindings, ...current.getStore() };
    write(`${lineOf({ ...around, ...data, message }) ?? lineOf({ ...around, message })}\n`);
  };
  return { info: at('info'), warn: at('warn'), error: at('error') };
}

/** Undefined for data that has no form in JSON: a line must never be the reason why work fails. */
function lineOf(line: Record<string, unknown>): string | undefined {
  try {
    return JSON.stringify(line, (_name, value: unknown) =>
      typeof value === 'bigint' ? value.toString() : value instanceof Error ? describe(value) : value,
    );
  } catch {
    return undefined;
  }
}

function describe(error: Error): object {
  return { type: error.name, message: error.message, ...(error.stack === undefined ? {} : { stack: error.stack }) };
}
