import type {
  V1VolumeAttachment,
  V1VolumeAttachmentSource,
  V1VolumeAttachmentStatus,
  V1VolumeError,
} from '../../../../lib/schema/generated/types.js';
import { forbidden, invalid, required, tooLong, type FieldError } from '../../../../lib/api/field-errors.js';

import { formatErrors, INT32_MAX, isDns1123Subdomain } from '../shared/formats.js';
import { immutableErrors } from '../shared/immutable.js';
import { csiDriverNameErrors } from './csi-driver-name.js';
import { defineKind } from '../kind.js';
import { AGE } from '../shared/columns.js';

const METADATA_BYTES_MAX = 256 * 1024;
const ERROR_MESSAGE_BYTES_MAX = 1024;

export const volumeAttachment = defineKind<V1VolumeAttachment>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'VolumeAttachment',
  plural: 'volumeattachments',
  singular: 'volumeattachment',
  namespaced: false,
  definition: 'io.k8s.api.storage.v1.VolumeAttachment',
  hasStatus: true,
  allowUnconditionalUpdate: false,
  inert: true,
  validate: ({ spec }) => [
    ...csiDriverNameErrors('spec.attacher', spec?.attacher),
    ...sourceErrors(spec?.source ?? {}),
    ...formatErrors('spec.nodeName', spec?.nodeName ?? '', isDns1123Subdomain),
  ],
  validateUpdate: (object, old) => immutableErrors('spec', object.spec, old.spec),
  validateStatusUpdate: ({ status }) => (status === undefined ? [] : statusErrors(status)),
  columns: [
    {
      name: 'Attacher',
      type: 'string',
      description: 'The driver that attaches.',
      cell: (object) => object.spec?.attacher ?? '',
    },
    {
      name: 'PV',
      type: 'string',
      description: 'The volume.',
      cell: (object) => object.spec?.source.persistentVolumeName ?? '',
    },
    { name: 'Node', type: 'string', description: 'The node.', cell: (object) => object.spec?.nodeName ?? '' },
    {
      name: 'Attached',
      type: 'boolean',
      description: 'Whether it is attached.',
      cell: (object) => object.status?.attached ?? false,
    },
    AGE,
  ],
});

function sourceErrors({ persistentVolumeName: name, inlineVolumeSpec }: V1VolumeAttachmentSource): FieldError[] {
  const path = 'spec.source';
  const exactlyOne = 'must specify exactly one of inlineVolumeSpec and persistentVolumeName';
  if (name === undefined) return inlineVolumeSpec === undefined ? [required(path, exactlyOne)] : [];
  const field = `${path}.persistentVolumeName`;
  return [
    ...(inlineVolumeSpec === undefined ? [] : [forbidden(path, exactlyOne)]),
    ...(name === '' ? [required(field, 'must specify non empty persistentVolumeName')] : []),
    ...formatErrors(field, name, isDns1123Subdomain),
  ];
}

function statusErrors({ attachmentMetadata, attachError, detachError }: V1VolumeAttachmentStatus): FieldError[] {
  const bytes = Object.entries(attachmentMetadata ?? {})
    .map(([key, value]) => Buffer.byteLength(key) + Buffer.byteLength(value))
    .reduce((sum, size) => sum + size, 0);
  return [
    ...(bytes > METADATA_BYTES_MAX ? [tooLong('status.attachmentMetadata', METADATA_BYTES_MAX)] : []),
    ...volumeErrors(attachError, 'status.attachError'),
    ...volumeErrors(detachError, 'status.detachError'),
  ];
}

function volumeErrors(error: V1VolumeError | undefined, path: string): FieldError[] {
  const { message = '', errorCode = 0 } = error ?? {};
  return [
    ...(Buffer.byteLength(message) > ERROR_MESSAGE_BYTES_MAX ? [tooLong(`${path}.message`, METADATA_BYTES_MAX)] : []),
    ...(errorCode < 0
      ? [invalid(`${path}.errorCode`, errorCode, `must be between 0 and ${INT32_MAX}, inclusive`)]
      : []),
  ];
}
