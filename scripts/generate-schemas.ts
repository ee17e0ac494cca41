/**
 * Writes lib/schema/generated/ (not committed) from the models in @kubernetes/client-node and from lib/schema/facts/.
 * Runs at install: `npx tsx scripts/generate-schemas.ts`.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readModels } from './generate-schemas/models.js';
import { writeTypes } from './generate-schemas/types.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const target = join(root, 'lib/schema/generated');

const models = readModels(join(root, 'node_modules/@kubernetes/client-node/dist/gen/models'));
mkdirSync(target, { recursive: true });
writeFileSync(join(target, 'types.ts'), writeTypes(models));
