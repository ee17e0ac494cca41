import type { Clock } from '../../lib/clock/clock.js';

/** What happened, line by line, for who wants to know why a seed failed. Off unless asked for. */
export class Trace {
  readonly #lines: string[] = [];
  readonly isOn: boolean;
  clock: Clock | undefined;

  constructor(isOn: boolean) {
    this.isOn = isOn;
  }

  add(source: string, message: string, data?: unknown): void {
    if (!this.isOn) return;
    const time = new Date(this.clock?.now() ?? 0).toISOString().slice(11, 23);
    this.#lines.push(`${time} ${source}: ${message}${data === undefined ? '' : ` ${JSON.stringify(data)}`}`);
  }

  text(): string {
    return this.#lines.join('\n');
  }
}
