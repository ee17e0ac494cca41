import { AsyncLocalStorage } from 'node:async_hooks';
import { pino, type DestinationStream } from 'pino';
import type { Log } from '../apiserver/registry/context.js';

/** What every line of a piece of work carries: request id, controller, key. */
export type Bindings = Readonly<Record<string, string>>;

const current = new AsyncLocalStorage<Bindings>();

/** Lines that `work` logs, however deep, carry the bindings, those around it too. */
export function withBindings<T>(bindings: Bindings, work: () => T): T {
  return current.run({ ...current.getStore(), ...bindings }, work);
}

/** JSON lines as CloudWatch keeps them: level by name, time in RFC 3339. */
export function jsonLog(
  options: { level: string; bindings: Bindings },
  destination: DestinationStream = pino.destination({ dest: 1, sync: true }),
): Log {
  const { level, bindings } = options;
  return pino(
    {
      level,
      base: bindings,
      messageKey: 'message',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      mixin: () => ({ ...current.getStore() }),
    },
    destination,
  ) as Log;
}
