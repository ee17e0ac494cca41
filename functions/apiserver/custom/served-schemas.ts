import type { DescribedSchemaSource } from '../../../lib/schema/openapi/published-schemas.js';
import type { MessageRow } from '../../../lib/schema/protobuf/message-table.js';
import type { MessageSource } from '../../../lib/schema/protobuf/message-source.js';
import type { Schema } from '../../../lib/schema/schema.js';
import type { RegistrySchemas } from '../registry/context.js';
import type { CustomResources } from './custom-resources.js';
import type { CustomSchema } from './custom-schema.js';

/** The schemas of built-in kinds, and of the custom resources that are served just now. */
export class ServedSchemas implements DescribedSchemaSource, RegistrySchemas {
  readonly #builtin: DescribedSchemaSource & MessageSource;
  readonly #custom: CustomResources;

  constructor(builtin: DescribedSchemaSource & MessageSource, custom: CustomResources) {
    this.#builtin = builtin;
    this.#custom = custom;
  }

  definition(name: string): Schema | undefined {
    return this.#builtin.definition(name) ?? this.#custom.definition(name);
  }

  descriptions(name: string): ReturnType<NonNullable<DescribedSchemaSource['descriptions']>> {
    return this.#builtin.descriptions?.(name);
  }

  definitionOf(apiVersion: string, kind: string): string | undefined {
    return this.#builtin.definitionOf(apiVersion, kind);
  }

  message(name: string): MessageRow | undefined {
    return this.#builtin.message(name);
  }

  isCustom(name: string): boolean {
    return this.#builtin.definition(name) === undefined && this.#custom.definition(name) !== undefined;
  }

  custom(name: string): CustomSchema | undefined {
    return this.#custom.custom(name);
  }
}
