import { beforeEach } from 'vitest';
import { noNamespacesReason } from './netns.js';

/** Skips every test of the calling file, with the reason, where there can be no network namespaces. */
export function skipWithoutNamespaces(): void {
  beforeEach((context) => {
    const why = noNamespacesReason();
    if (why === undefined) return;
    Object.assign(context.task.meta, { skipReason: why });
    context.skip(why);
  });
}
