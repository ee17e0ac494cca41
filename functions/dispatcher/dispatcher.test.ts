import { expect, it } from 'vitest';
import type { KubernetesObject } from '../../lib/api/meta.js';
import { configMaps } from '../../lib/client/resources.js';
import { watch, type Controller, type Lookup } from '../../lib/work/controller.js';
import type { WorkMessage } from '../../lib/work/work-queue.js';
import { Dispatcher } from './dispatcher.js';
import { resync } from './resync.js';

const objects = ['odd', 'fine'].map((name): KubernetesObject => ({ metadata: { namespace: 'default', name } }));
const lookup = { view: () => Promise.resolve({ list: () => objects }) } as unknown as Lookup;

function controller(name: string, refused?: string): Controller {
  return {
    name,
    watches: [
      watch(configMaps, ({ object }) => {
        if (object.metadata?.name === refused) throw new Error('cannot make it out');
        return [object.metadata?.name ?? ''];
      }),
    ],
    reconcile: () => Promise.resolve(),
  };
}

it('a watch that fails on one object keeps nothing else from being queued', async () => {
  const queued: string[] = [];
  const send = (messages: readonly WorkMessage[]): Promise<void> => {
    queued.push(...messages.map((one) => `${one.controller}/${one.key}`));
    return Promise.resolve();
  };
  const controllers = [controller('strict', 'odd'), controller('easy')];
  const dispatcher = new Dispatcher(controllers, { send, sendDelayed: () => Promise.resolve() }, lookup);
  await expect(resync(controllers, dispatcher, lookup, '1')).rejects.toThrow('cannot make it out');
  expect(queued).toEqual(['easy/odd', 'strict/fine', 'easy/fine']);
});
