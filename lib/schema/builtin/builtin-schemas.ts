import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MessageSource } from '../protobuf/message-source.js';
import type { MessageRow, MessageTable } from '../protobuf/message-table.js';
import type { Schema, SchemaSource } from '../schema.js';
import { generatedDirectory } from './generated-directory.js';
import { METRICS_DEFINITIONS } from './metrics-schemas.js';

/** Texts of one definition; fields without a text of their own are absent. */
export interface DefinitionDescriptions {
  description: string;
  fields: Readonly<Record<string, string>>;
}

/** The kinds that every Kubernetes has. Definitions are shared: they must not be changed. */
export interface BuiltinSchemas extends SchemaSource, MessageSource {
  /** Names of all definitions that have messages too. */
  names(): string[];
  /** The definition's name of `apps/v1` `Deployment`. DeleteOptions and WatchEvent are found in every group version. */
  definitionOf(apiVersion: string, kind: string): string | undefined;
  /** Read from a file of their own at the first call: only OpenAPI needs them. */
  descriptions(name: string): DefinitionDescriptions | undefined;
}

interface SchemasFile {
  definitions: Record<string, Schema>;
  kinds: Record<string, string>;
}

type DescriptionsFile = Record<string, [description: string, fields: Record<string, string>]>;

/** Kinds that clients send under the group version of what they are about, which may be a custom one. */
const KINDS_OF_EVERY_GROUP: Readonly<Record<string, string>> = {
  DeleteOptions: 'io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions',
  WatchEvent: 'io.k8s.apimachinery.pkg.apis.meta.v1.WatchEvent',
};

let loaded: BuiltinSchemas | undefined;

/** The one set of built-in schemas of this process; each of its files is read when first needed. */
export function builtinSchemas(): BuiltinSchemas {
  loaded ??= new GeneratedFiles(generatedDirectory());
  return loaded;
}

class GeneratedFiles implements BuiltinSchemas {
  private readonly schemas: () => SchemasFile;
  private readonly texts: () => DescriptionsFile;
  private readonly messages: () => MessageTable;

  constructor(directory: string) {
    this.schemas = readOnce<SchemasFile>(join(directory, 'schemas.json'));
    this.texts = readOnce<DescriptionsFile>(join(directory, 'descriptions.json'));
    this.messages = readOnce<MessageTable>(join(directory, 'protobuf.json'));
  }

  definition(name: string): Schema | undefined {
    const { definitions } = this.schemas();
    return Object.hasOwn(definitions, name) ? definitions[name] : METRICS_DEFINITIONS.get(name)?.schema;
  }

  names(): string[] {
    return Object.keys(this.schemas().definitions);
  }

  definitionOf(apiVersion: string, kind: string): string | undefined {
    const { kinds } = this.schemas();
    const key = `${apiVersion}/${kind}`;
    if (Object.hasOwn(kinds, key)) return kinds[key];
    return Object.hasOwn(KINDS_OF_EVERY_GROUP, kind) ? KINDS_OF_EVERY_GROUP[kind] : undefined;
  }

  descriptions(name: string): DefinitionDescriptions | undefined {
    const texts = this.texts();
    const entry = Object.hasOwn(texts, name) ? texts[name] : undefined;
    return entry ? { description: entry[0], fields: entry[1] } : METRICS_DEFINITIONS.get(name)?.texts;
  }

  message(name: string): MessageRow | undefined {
    const messages = this.messages();
    return Object.hasOwn(messages, name) ? messages[name] : undefined;
  }
}

function readOnce<T>(file: string): () => T {
  let content: T | undefined;
  return () => (content ??= JSON.parse(readFileSync(file, 'utf8')) as T);
}
