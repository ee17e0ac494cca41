/**
 * Writes lib/schema/generated/ (not committed) from the models in @kubernetes/client-node and from lib/schema/facts/.
 * Runs at install: `npx tsx scripts/generate-schemas.ts`.
 */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildDescriptions } from './generate-schemas/descriptions.js';
import { readFacts } from './generate-schemas/facts.js';
import { buildMessages } from './generate-schemas/messages.js';
import { readModels } from './generate-schemas/models.js';
import { matchModels } from './generate-schemas/names.js';
import { buildSchemas } from './generate-schemas/schemas.js';
import { writeTypes } from './generate-schemas/types.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const target = join(root, 'lib/schema/generated');

const models = readModels(join(root, 'node_modules/@kubernetes/client-node/dist/gen/models'));
const facts = readFacts(join(root, 'lib/schema/facts'));
const matched = matchModels(models, facts);
const schemas = buildSchemas(matched, facts);

mkdirSync(target, { recursive: true });
write('types.ts', writeTypes(models));
write('schemas.json', JSON.stringify(schemas));
write('descriptions.json', JSON.stringify(buildDescriptions(matched, schemas)));
write('protobuf.json', JSON.stringify(buildMessages(facts)));

/** Replaces the file in one step: others may be reading it. */
function write(name: string, text: string): void {
  const file = join(target, name);
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}
