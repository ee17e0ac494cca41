import type { Clock } from '../../../lib/clock/clock.js';
import { LateModule } from '../../../lib/late-module.js';
import type { ComputedObjects } from '../registry/computed.js';

const maker = new LateModule(() => import('./resource-metrics.js'));

/** metrics.k8s.io, by `<group>/<plural>`. */
export function computedMetrics(clock: Clock): Readonly<Record<string, ComputedObjects>> {
  let made: Readonly<Record<'nodes' | 'pods', ComputedObjects>> | undefined;
  const late = (plural: 'nodes' | 'pods'): ComputedObjects => {
    const source = async (): Promise<ComputedObjects> => {
      if (made === undefined) await maker.load();
      made ??= maker.module.resourceMetrics(clock);
      return made[plural];
    };
    return {
      get: async (...asked) => (await source()).get(...asked),
      list: async (...asked) => (await source()).list(...asked),
    };
  };
  return { 'metrics.k8s.io/nodes': late('nodes'), 'metrics.k8s.io/pods': late('pods') };
}
