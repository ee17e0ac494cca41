import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** From the bundle, which has its copy beside it (dist/generated), and from this source file (lib/schema/generated). */
const CANDIDATES = ['./generated/', '../generated/'];

/** The folder of what scripts/generate-schemas.ts writes. Throws when it was not written. */
export function generatedDirectory(): string {
  for (const candidate of CANDIDATES) {
    const directory = fileURLToPath(new URL(candidate, import.meta.url));
    if (existsSync(`${directory}schemas.json`)) return directory;
  }
  throw new Error(
    'the schemas of the built-in kinds are missing (lib/schema/generated); write them with `npx tsx scripts/generate-schemas.ts`',
  );
}
