import { notAcceptable } from '../../../lib/api/errors.js';

/** How an answer is to look. */
export interface Representation {
  /** The object itself, its metadata alone, or a Table row. */
  readonly as: 'object' | 'partial' | 'table';
  readonly format: 'json' | 'yaml';
  /** With `partial` and `table`: the group version of the answer, `v1` or `v1beta1`. */
  readonly metaVersion: 'v1' | 'v1beta1';
}

const PLAIN: Representation = { as: 'object', format: 'json', metaVersion: 'v1' };
const YAML: Representation = { as: 'object', format: 'yaml', metaVersion: 'v1' };

export const ACCEPTED_TYPES = ['application/json', 'application/yaml'] as const;

export interface AcceptedForms {
  /** Tables can be made: false for what is no list of rows (a review, a scale). */
  readonly table: boolean;
  readonly partial: boolean;
}

const ALL_FORMS: AcceptedForms = { table: true, partial: true };

/** Chooses what the Accept header asks for first and we can give. Throws 406 when there is nothing. */
export function negotiate(accept: string | undefined, forms: AcceptedForms = ALL_FORMS): Representation {
  if (accept === undefined || accept === '' || accept === '*/*' || accept === 'application/json') return PLAIN;
  for (const clause of parseAccept(accept)) {
    const chosen = fromClause(clause, forms);
    if (chosen !== undefined) return chosen;
  }
  const offered: string[] = [...ACCEPTED_TYPES];
  throw notAcceptable(offered);
}

export interface AcceptClause {
  readonly type: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly quality: number;
}

/** The clauses of an Accept header, the most wanted first. */
export function parseAccept(accept: string): AcceptClause[] {
  const clauses = accept.split(',').map((text): AcceptClause => {
    const [type = '', ...rest] = text.split(';').map((part) => part.trim());
    const parameters: Record<string, string> = {};
    let quality = 1;
    for (const part of rest) {
      const equals = part.indexOf('=');
      const name = part.slice(0, equals).trim().toLowerCase();
      const value = part
        .slice(equals + 1)
        .trim()
        .replace(/^"(.*)"$/, '$1');
      if (name === 'q') quality = Number(value);
      else parameters[name] = value;
    }
    return { type: type.toLowerCase(), parameters, quality: Number.isFinite(quality) ? quality : 0 };
  });
  return clauses.filter(({ quality }) => quality > 0).sort((left, right) => right.quality - left.quality);
}

function fromClause(clause: AcceptClause, forms: AcceptedForms): Representation | undefined {
  const format = formatOf(clause.type);
  if (format === undefined) return undefined;
  const { as, v: version = 'v1', g: group } = clause.parameters;
  if (as === undefined) return format === 'json' ? PLAIN : YAML;
  if (group !== 'meta.k8s.io' || (version !== 'v1' && version !== 'v1beta1')) return undefined;
  if (as === 'Table') return forms.table ? { as: 'table', format, metaVersion: version } : undefined;
  if (as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList') {
    return forms.partial ? { as: 'partial', format, metaVersion: version } : undefined;
  }
  return undefined;
}

function formatOf(type: string): 'json' | 'yaml' | undefined {
  switch (type) {
    case 'application/json':
    case '*/*':
    case 'application/*':
      return 'json';
    case 'application/yaml':
      return 'yaml';
    default:
      return undefined;
  }
}
