import type { CoreV1Event } from '../../../../../lib/schema/generated/types.js';
import { defineKind } from '../../kind.js';
import { eventsV1 } from './events-v1.js';

export const event = defineKind<CoreV1Event>({
  group: '',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  singular: 'event',
  shortNames: ['ev'],
  namespaced: true,
  definition: 'io.k8s.api.core.v1.Event',
  alternates: [eventsV1],
  allowCreateOnUpdate: true,
});
