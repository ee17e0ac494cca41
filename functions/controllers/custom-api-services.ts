import { isApiError } from '../../lib/api/errors.js';
import type { Resource } from '../../lib/client/resource.js';
import type { V1APIService, V1CustomResourceDefinition } from '../../lib/schema/generated/types.js';
import { watch, type Controller } from '../../lib/work/controller.js';
import { AUTOMANAGED_LABEL } from '../apiserver/aggregation/built-in-api-services.js';
import { hasCondition } from '../apiserver/custom/definition-conditions.js';
import { customResourceDefinitions } from './shared/custom-resources.js';

/** Behind all built-in groups, as Kubernetes places what definitions serve. */
const GROUP_PRIORITY = 1_000;
const VERSION_PRIORITY = 100;

const apiServices: Resource<V1APIService> = {
  group: 'apiregistration.k8s.io',
  version: 'v1',
  plural: 'apiservices',
  kind: 'APIService',
  namespaced: false,
};

/** Those that go when nothing serves their group version any more; the built-in ones have `onstart` and stay. */
const AUTOMANAGED = 'true';

/**
 * Keeps an APIService for each group version that custom resource definitions serve. Keys are names of APIServices: `VERSION.GROUP`.
 */
export const customApiServiceController: Controller = {
  name: 'custom-api-services',
  watches: [
    watch(customResourceDefinitions, async ({ object, previous }) => [
      ...new Set([object, previous].flatMap((one) => (one === undefined ? [] : namesOf(one)))),
    ]),
    watch(apiServices, async ({ object }) => (isAutomanaged(object) ? [object.metadata?.name ?? ''] : [])),
  ],
  async reconcile(name, { view, client }) {
    const present = (await view(apiServices)).get(undefined, name);
    const definitions = (await view(customResourceDefinitions)).list();
    const isServed = definitions.some((one) => isEstablished(one) && namesOf(one).includes(name));
    if (isServed && present === undefined) {
      const at = name.indexOf('.');
      const [version, group] = [name.slice(0, at), name.slice(at + 1)];
      const spec = { group, version, groupPriorityMinimum: GROUP_PRIORITY, versionPriority: VERSION_PRIORITY };
      const metadata = { name, labels: { [AUTOMANAGED_LABEL]: AUTOMANAGED } };
      try {
        await client.create(apiServices, { metadata, spec });
      } catch (error) {
        if (!isApiError(error, 'AlreadyExists')) throw error;
      }
    } else if (!isServed && present !== undefined && isAutomanaged(present)) {
      const { uid } = present.metadata ?? {};
      await client.ensureDeleted(apiServices, { name }, { preconditions: { uid } });
    }
  },
};

function namesOf({ spec }: V1CustomResourceDefinition): string[] {
  const served = (spec?.versions ?? []).filter((version) => version.served);
  return served.map((version) => `${version.name}.${spec?.group}`);
}

function isEstablished(definition: V1CustomResourceDefinition): boolean {
  return hasCondition(definition, 'Established');
}

function isAutomanaged({ metadata, spec }: V1APIService): boolean {
  return metadata?.labels?.[AUTOMANAGED_LABEL] === AUTOMANAGED && spec?.service === undefined;
}
