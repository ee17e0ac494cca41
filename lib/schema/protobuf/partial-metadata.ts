import type { MessageRow } from './message-table.js';
import type { MessageSource } from './message-source.js';

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1';
const ONE = `${META}.PartialObjectMetadata`;
const LIST = `${META}.PartialObjectMetadataList`;

/** Not in the published schemas, since no resource is of these kinds. */
const MESSAGES: Readonly<Record<string, MessageRow>> = {
  [ONE]: [
    ['kind', 0, 'string', 'e'],
    ['apiVersion', 0, 'string', 'e'],
    ['metadata', 1, `${META}.ObjectMeta`, 'e'],
  ],
  [LIST]: [
    ['kind', 0, 'string', 'e'],
    ['apiVersion', 0, 'string', 'e'],
    ['metadata', 1, `${META}.ListMeta`, 'e'],
    ['items', 2, `[]${ONE}`, ''],
  ],
};
const KINDS: Readonly<Record<string, string>> = { PartialObjectMetadata: ONE, PartialObjectMetadataList: LIST };

/** The source with the kinds of meta.k8s.io that stand for the metadata of any object. */
export function withPartialMetadata(source: MessageSource): MessageSource {
  return {
    definitionOf: (apiVersion, kind) =>
      apiVersion.startsWith('meta.k8s.io/') && Object.hasOwn(KINDS, kind)
        ? KINDS[kind]
        : source.definitionOf(apiVersion, kind),
    message: (name) => (Object.hasOwn(MESSAGES, name) ? MESSAGES[name] : source.message(name)),
  };
}
