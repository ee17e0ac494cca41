import type { Duplex } from 'node:stream';

/** Each end's bytes go to the other, at the speed of the slower; when one breaks, so does the other. */
export function joinStreams(one: Duplex, other: Duplex): void {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.pipe(to);
    from.on('error', () => to.destroy());
    from.on('close', () => to.destroy());
  }
}
