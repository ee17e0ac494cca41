import type { CoreV1Event } from '../../../../../lib/schema/generated/types.js';
import type { Column } from '../../kind.js';
import { timeSince } from '../../shared/columns.js';

/** Events show when and what first; their generated name comes last. */
export const eventColumns: readonly Column<CoreV1Event>[] = [
  { name: 'Last Seen', type: 'string', description: 'When the event last happened.', cell: lastSeen },
  { name: 'Type', type: 'string', description: 'Normal or Warning.', cell: ({ type }) => type ?? '' },
  { name: 'Reason', type: 'string', description: 'Why this was done or seen.', cell: ({ reason }) => reason ?? '' },
  {
    name: 'Object',
    type: 'string',
    description: 'The object that this event is about.',
    cell: ({ involvedObject: { kind = '', name = '' } = {} }) =>
      name === '' ? kind.toLowerCase() : `${kind.toLowerCase()}/${name}`,
  },
  {
    name: 'Subobject',
    type: 'string',
    priority: 1,
    description: 'The part of the object that this event is about.',
    cell: ({ involvedObject }) => involvedObject?.fieldPath ?? '',
  },
  { name: 'Source', type: 'string', priority: 1, description: 'Who reports the event.', cell: sourceText },
  {
    name: 'Message',
    type: 'string',
    description: 'What happened, for people.',
    cell: ({ message }) => (message ?? '').trim(),
  },
  { name: 'First Seen', type: 'string', priority: 1, description: 'When the event first happened.', cell: firstSeen },
  {
    name: 'Count',
    type: 'string',
    priority: 1,
    description: 'How often the event has happened.',
    cell: ({ series, count }) => series?.count ?? (count || 1),
  },
  {
    name: 'Name',
    type: 'string',
    format: 'name',
    priority: 1,
    description: 'Name of the event.',
    cell: ({ metadata }) => metadata?.name ?? '',
  },
];

function firstSeen({ firstTimestamp, eventTime }: CoreV1Event, nowMs: number): string {
  return timeSince(firstTimestamp ?? eventTime ?? undefined, nowMs);
}

function lastSeen(event: CoreV1Event, nowMs: number): string {
  if (event.series !== undefined) return timeSince(event.series.lastObservedTime ?? undefined, nowMs);
  const { lastTimestamp } = event;
  return lastTimestamp === undefined || lastTimestamp === null
    ? firstSeen(event, nowMs)
    : timeSince(lastTimestamp, nowMs);
}

function sourceText({ source, reportingComponent = '', reportingInstance = '' }: CoreV1Event): string {
  const component = source?.component || reportingComponent;
  const instance = source?.host || reportingInstance;
  return instance === '' ? component : `${component}, ${instance}`;
}
