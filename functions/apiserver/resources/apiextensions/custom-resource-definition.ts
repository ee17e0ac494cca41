import type {
  V1CustomResourceDefinition,
  V1CustomResourceDefinitionSpec,
} from '../../../../lib/schema/generated/types.js';
import { immutableErrors } from '../shared/immutable.js';
import { LateModule } from '../../../../lib/late-module.js';
import { formatWarnings } from './format-warnings.js';
import { defineKind } from '../kind.js';
import { CREATED_AT } from '../shared/columns.js';
import { formatTime } from '../../../../lib/clock/clock.js';
import { CLEANUP_FINALIZER, setCondition } from '../../custom/definition-conditions.js';

/** What checks schemas and their rules: large, and of use only to who writes a definition. */
const rules = new LateModule(() => import('./definition-rules.js'));

export const customResourceDefinition = defineKind<V1CustomResourceDefinition>({
  group: 'apiextensions.k8s.io',
  version: 'v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  singular: 'customresourcedefinition',
  namespaced: false,
  definition: 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition',
  shortNames: ['crd', 'crds'],
  categories: ['api-extensions'],
  hasStatus: true,
  hasGeneration: true,
  allowUnconditionalUpdate: false,
  load: rules.load,
  defaults(object) {
    const { spec } = object;
    if (spec === undefined) return;
    defaultSpec(spec);
    object.status ??= {};
    if ((object.status.storedVersions ?? []).length > 0) return;
    const storage = (spec.versions ?? []).find((version) => version.storage);
    if (storage !== undefined) object.status.storedVersions = [storage.name];
  },
  prepareForUpdate(object) {
    const storage = object.spec?.versions?.find((version) => version.storage)?.name;
    const stored = object.status?.storedVersions ?? [];
    if (storage === undefined || stored.includes(storage)) return;
    object.status = { ...object.status, storedVersions: [...stored, storage] };
  },
  /** The definition stays until all its objects have gone. */
  prepareForDelete(object, { clock }) {
    const { metadata } = object;
    if (metadata === undefined) return;
    if (!(metadata.finalizers ?? []).includes(CLEANUP_FINALIZER))
      metadata.finalizers = [...(metadata.finalizers ?? []), CLEANUP_FINALIZER];
    setCondition(
      object,
      {
        type: 'Terminating',
        status: 'True',
        reason: 'InstanceDeletionPending',
        message: 'CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon',
      },
      formatTime(clock.now()),
    );
  },
  validate: (object) => rules.module.definitionErrors(object),
  validateUpdate({ spec, status }, old) {
    const established = old.status?.conditions?.some(({ type, status: is }) => type === 'Established' && is === 'True');
    return [
      ...(established === true
        ? [
            ...immutableErrors('spec.scope', spec?.scope, old.spec?.scope),
            ...immutableErrors('spec.names.kind', spec?.names.kind, old.spec?.names.kind),
          ]
        : []),
      ...immutableErrors('spec.group', spec?.group, old.spec?.group),
      ...immutableErrors('spec.names.plural', spec?.names.plural, old.spec?.names.plural),
      ...rules.module.storedVersionErrors(status?.storedVersions ?? [], spec?.versions ?? []),
    ];
  },
  validateStatusUpdate: ({ status }) => rules.module.acceptedNamesErrors(status?.acceptedNames),
  warnings: (object, old, { subresource }) => (subresource === '' ? formatWarnings(object, old) : []),
  columns: [CREATED_AT],
});

function defaultSpec(spec: V1CustomResourceDefinitionSpec): void {
  const { names } = spec;
  if (names?.kind) {
    names.singular ||= names.kind.toLowerCase();
    names.listKind ||= `${names.kind}List`;
  }
  spec.conversion ??= { strategy: 'None' };
  const service = spec.conversion.webhook?.clientConfig?.service;
  if (service !== undefined) service.port ??= 443;
}
