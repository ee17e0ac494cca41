import type { CST, Document, LineCounter, Pair, Scalar } from 'yaml';
import { lazyPackage } from '../lazy-package.js';
import { SyntaxFault } from './errors.js';
import { YAML_DEPTH_MAX } from './limits.js';
import { decodeUtf8 } from './parse.js';
import { isJsonObject, setMember } from './path.js';
import { resolveNumber, resolvePlainScalar } from './yaml-scalar.js';

/** Most bodies are JSON, and a process that is sent no YAML does without the reader. */
const yaml = lazyPackage<typeof import('yaml')>('yaml');

export interface ParseYamlOptions {
  /** Told of every repeated key with its line, from 1, in document order; the last one wins. */
  onDuplicateKey?: (key: string, line: number) => void;
}

const TOO_DEEP = 'yaml: exceeded max depth';
/** With the document and a scalar around and within the deepest collections. */
const STACK_MAX = YAML_DEPTH_MAX + 2;

/** Below so many nodes that came from aliases a document is never refused. */
const ALIAS_NODES_FREE = 100;
const NODES_FREE = 1_000;
/** Between these counts of nodes the share that may come from aliases falls from 99% to 10%, as in Kubernetes' reader. */
const NODES_LOW = 400_000;
const NODES_HIGH = 4_000_000;

/**
 * The first document of a YAML stream as JSON values (numbers and BigInts as `parseJson` makes them). Aliases become
 * copies, within bounds; keys become strings. Throws `SyntaxFault`.
 */
export function parseYaml(input: string | Uint8Array, options: ParseYamlOptions = {}): unknown {
  const { Composer, LineCounter } = yaml();
  const lines = new LineCounter();
  const composer = new Composer({ schema: 'failsafe', uniqueKeys: false, logLevel: 'silent', prettyErrors: false });
  const [document] = composer.compose(tokensOf(decodeUtf8(input), lines));
  if (document === undefined) return null;
  const fault = document.errors[0];
  if (fault !== undefined) {
    throw new SyntaxFault(`yaml: line ${lines.linePos(fault.pos[0]).line}: ${fault.message.split('\n')[0]}`);
  }
  return new Converter(document, lines, options).convert();
}

/**
 * The text's syntax tree, refused as soon as it is too deep: the library composes it by recursion, and a stack that ends within one of V8's
 * regular expressions ends the process.
 */
function* tokensOf(source: string, lines: LineCounter): Generator<CST.Token, void> {
  const { Lexer, Parser } = yaml();
  const parser = new Parser(lines.addNewLine);
  lines.addNewLine(0);
  for (const lexeme of new Lexer().lex(source)) {
    yield* parser.next(lexeme);
    if (parser.stack.length > STACK_MAX) throw new SyntaxFault(TOO_DEEP);
  }
  yield* parser.end();
}

/** What strict decoding says of repeated keys, as one error: undefined when there are none. */
export function duplicateYamlKeysError(duplicates: readonly { key: string; line: number }[]): string | undefined {
  if (duplicates.length === 0) return undefined;
  const lines = duplicates.map(({ key, line }) => `\n  line ${line}: key ${JSON.stringify(key)} already set in map`);
  return `yaml: unmarshal errors:${lines.join('')}`;
}

class Converter {
  readonly #document: Document;
  readonly #lines: LineCounter;
  readonly #options: ParseYamlOptions;
  readonly #anchors = new Map<string, unknown>();
  readonly #open = new Set<unknown>();
  #nodes = 0;
  #aliasNodes = 0;
  #aliasDepth = 0;

  constructor(document: Document, lines: LineCounter, options: ParseYamlOptions) {
    this.#document = document;
    this.#lines = lines;
    this.#options = options;
  }

  convert(): unknown {
    return this.#node(this.#document.contents, 0);
  }

  #node(node: unknown, depth: number): unknown {
    this.#count();
    if (depth > YAML_DEPTH_MAX) throw new SyntaxFault(TOO_DEEP);
    if (node === null || node === undefined) return null;
    const { isAlias, isMap, isScalar, isSeq } = yaml();
    if (isAlias(node)) return this.#alias(node.source, depth);
    this.#remember(node);
    if (isScalar(node)) return scalarValue(node);
    this.#open.add(node);
    const value = isMap(node)
      ? this.#map(node.items, depth)
      : isSeq(node)
        ? node.items.map((item) => this.#node(item, depth + 1))
        : null;
    this.#open.delete(node);
    return value;
  }

  #remember(node: unknown): void {
    const anchor = (node as { anchor?: string }).anchor;
    if (anchor !== undefined && this.#aliasDepth === 0) this.#anchors.set(anchor, node);
  }

  #alias(name: string, depth: number): unknown {
    const target = this.#anchors.get(name);
    if (target === undefined) throw new SyntaxFault(`yaml: unknown anchor '${name}' referenced`);
    if (this.#open.has(target)) throw new SyntaxFault(`yaml: anchor '${name}' value contains itself`);
    this.#aliasDepth++;
    const value = this.#node(target, depth);
    this.#aliasDepth--;
    return value;
  }

  #count(): void {
    this.#nodes++;
    if (this.#aliasDepth > 0) this.#aliasNodes++;
    if (this.#aliasNodes <= ALIAS_NODES_FREE || this.#nodes <= NODES_FREE) return;
    const fall = Math.min(1, Math.max(0, (this.#nodes - NODES_LOW) / (NODES_HIGH - NODES_LOW)));
    if (this.#aliasNodes / this.#nodes > 0.99 - 0.89 * fall) {
      throw new SyntaxFault('yaml: document contains excessive aliasing');
    }
  }

  #map(items: readonly Pair[], depth: number): Record<string, unknown> {
    const object: Record<string, unknown> = {};
    const merged: unknown[] = [];
    const { isScalar, Scalar } = yaml();
    for (const { key, value } of items) {
      if (isScalar(key) && key.value === '<<' && key.type === Scalar.PLAIN) {
        merged.push(this.#node(value, depth + 1));
        continue;
      }
      const name = this.#key(key, depth);
      if (Object.hasOwn(object, name)) this.#options.onDuplicateKey?.(name, this.#lineOf(key));
      setMember(object, name, this.#node(value, depth + 1));
    }
    for (const source of merged) mergeInto(object, source);
    return object;
  }

  #key(key: unknown, depth: number): string {
    const value = this.#node(key, depth + 1);
    if (typeof value === 'string') return value;
    if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value);
    throw new SyntaxFault(
      `yaml: line ${this.#lineOf(key)}: unsupported map key of type ${value === null ? 'null' : typeof value}`,
    );
  }

  #lineOf(node: unknown): number {
    const range = (node as { range?: [number, number, number] } | null)?.range;
    return range === undefined ? 1 : this.#lines.linePos(range[0]).line;
  }
}

function scalarValue(node: Scalar): unknown {
  const text = typeof node.value === 'string' ? node.value : String(node.value ?? '');
  switch (node.tag) {
    case 'tag:yaml.org,2002:str':
      return text;
    case 'tag:yaml.org,2002:binary':
      return Buffer.from(text, 'base64').toString('utf8');
    case 'tag:yaml.org,2002:null':
      return null;
    case 'tag:yaml.org,2002:int':
    case 'tag:yaml.org,2002:float': {
      const value = resolveNumber(text);
      if (value === undefined) throw new SyntaxFault(`yaml: cannot decode ${JSON.stringify(text)} as a number`);
      return value;
    }
    case 'tag:yaml.org,2002:bool': {
      const value = resolvePlainScalar(text);
      if (typeof value !== 'boolean') throw new SyntaxFault(`yaml: cannot decode ${JSON.stringify(text)} as a bool`);
      return value;
    }
    default:
      return node.type === yaml().Scalar.PLAIN ? resolvePlainScalar(text) : text;
  }
}

/** A merge key (`<<`) gives only what the map does not say itself; of several sources the first wins. */
function mergeInto(object: Record<string, unknown>, source: unknown): void {
  const sources = Array.isArray(source) ? source : [source];
  for (const one of sources) {
    if (!isJsonObject(one)) throw new SyntaxFault('yaml: map merge requires map or sequence of maps as the value');
    for (const [name, value] of Object.entries(one)) {
      if (!Object.hasOwn(object, name)) setMember(object, name, value);
    }
  }
}

/** A JSON value as a YAML document. */
export function stringifyYaml(value: unknown): string {
  return yaml().stringify(value, { aliasDuplicateObjects: false });
}
