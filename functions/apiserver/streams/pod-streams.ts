import type { SubresourceHandler, SubresourceRequest } from '../registry/subresource.js';
import { noStreams } from './dial.js';
import { upgradeRequired } from './upgrade-relay.js';

/** exec, attach and port-forward that came as plain requests: a 501 where there can be no streams at all, otherwise a 400. */
export const podStreamHandler: SubresourceHandler = { takesNoBody: true, create: refuse, get: refuse };

async function refuse({ registry, call }: SubresourceRequest): Promise<never> {
  if (registry.nodeConnection?.dialKubelet === undefined) throw noStreams(registry, call.path.subresource);
  throw upgradeRequired();
}
