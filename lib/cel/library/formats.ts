import {
  isDns1035Label,
  isDns1123Label,
  isDns1123Subdomain,
  isLabelValue,
  isQualifiedName,
  nameIsDns1035Label,
  nameIsDnsLabel,
  nameIsDnsSubdomain,
} from '../../api/names.js';
import { base64ToBytes } from '../base64.js';
import { CelError } from '../errors.js';
import { COST_PER_CHARACTER, COST_PER_REGEX_CHARACTER } from '../meter.js';
import { asText, fn, method, type Overload, over, sizeOf } from '../overload.js';
import { parseTimestamp } from '../time.js';
import { listOf, opaqueType, optionalOf, STRING } from '../types.js';
import { ArrayList, CelOpaque, CelOptional, OPTIONAL_NONE } from '../values.js';
import { parseRequestUri } from './urls.js';

const FORMAT = opaqueType('kubernetes.NamedFormat');
const UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;

class CelFormat extends CelOpaque {
  readonly typeName = FORMAT.name;
  readonly name: string;
  readonly faults: (text: string) => string[];
  /** Characters of the expression that such a check is estimated to be. */
  readonly regexLength: number;

  constructor(name: string, regexLength: number, faults: (text: string) => string[]) {
    super();
    this.name = name;
    this.faults = faults;
    this.regexLength = regexLength;
  }

  equals(other: CelOpaque): boolean {
    return other instanceof CelFormat && other.name === this.name;
  }
}

const check =
  (holds: (text: string) => boolean, message: string) =>
  (text: string): string[] =>
    holds(text) ? [] : [message];

const FORMATS: Readonly<Record<string, CelFormat>> = {
  dns1123Label: new CelFormat('dns1123Label', 30, isDns1123Label),
  dns1123Subdomain: new CelFormat('dns1123Subdomain', 60, isDns1123Subdomain),
  dns1035Label: new CelFormat('dns1035Label', 30, isDns1035Label),
  qualifiedName: new CelFormat('qualifiedName', 60, isQualifiedName),
  dns1123LabelPrefix: new CelFormat('dns1123LabelPrefix', 30, (text) => nameIsDnsLabel(text, true)),
  dns1123SubdomainPrefix: new CelFormat('dns1123SubdomainPrefix', 60, (text) => nameIsDnsSubdomain(text, true)),
  dns1035LabelPrefix: new CelFormat('dns1035LabelPrefix', 30, (text) => nameIsDns1035Label(text, true)),
  labelValue: new CelFormat('labelValue', 40, isLabelValue),
  uri: new CelFormat('uri', 1_000, (text) => {
    const parsed = parseRequestUri(text);
    return typeof parsed === 'string' ? [parsed] : [];
  }),
  uuid: new CelFormat(
    'uuid',
    80,
    check((text) => UUID.test(text), 'does not match the UUID format'),
  ),
  byte: new CelFormat(
    'byte',
    80,
    check((text) => base64ToBytes(text) !== undefined, 'invalid base64'),
  ),
  date: new CelFormat(
    'date',
    150,
    check((text) => !(parseTimestamp(`${text}T00:00:00Z`) instanceof CelError), 'invalid date'),
  ),
  datetime: new CelFormat(
    'datetime',
    150,
    check((text) => !(parseTimestamp(text) instanceof CelError), 'invalid datetime'),
  ),
};

export const NAMED_FORMATS: readonly Overload[] = [
  ...Object.entries(FORMATS).map(([name, format]) => fn(`format.${name}`, [], FORMAT, () => format)),
  fn('format.named', [STRING], optionalOf(FORMAT), ([name]) => {
    const wanted = asText(name);
    const format = Object.hasOwn(FORMATS, wanted) ? FORMATS[wanted] : undefined;
    return format === undefined ? OPTIONAL_NONE : new CelOptional(format);
  }),
  method(
    'validate',
    [FORMAT, STRING],
    optionalOf(listOf(STRING)),
    over(CelFormat, (format, [text]) => {
      const faults = format.faults(asText(text));
      return faults.length === 0 ? OPTIONAL_NONE : new CelOptional(new ArrayList(faults));
    }),
    ([format, text]) =>
      Math.ceil((1 + sizeOf(text)) * COST_PER_CHARACTER) *
      Math.ceil((format instanceof CelFormat ? format.regexLength : 1) * COST_PER_REGEX_CHARACTER),
  ),
];
