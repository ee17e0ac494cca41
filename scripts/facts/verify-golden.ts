/**
 * Checks the protobuf codec against the golden files that k8s.io/api ships: every .pb must decode to what the .json
 * beside it holds, and encode to the same bytes again. Run by hand: see README.md.
 *
 *   npx tsx scripts/facts/verify-golden.ts "$(cd scripts/facts && go list -m -f '{{.Dir}}' k8s.io/api)/testdata/HEAD"
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { parseJson } from '../../lib/json/parse.js';
import { stringifyJson } from '../../lib/json/stringify.js';
import { builtinSchemas } from '../../lib/schema/builtin/builtin-schemas.js';
import { ProtobufError } from '../../lib/schema/protobuf/errors.js';
import { decodeProtobuf, encodeProtobuf } from '../../lib/schema/protobuf/protobuf.js';

const folder = process.argv[2];
if (folder === undefined) throw new Error('usage: verify-golden.ts FOLDER');

const counts = { decoded: 0, sameText: 0, encoded: 0, unknown: 0, wrong: 0 };
for (const file of readdirSync(folder)) {
  if (!file.endsWith('.pb')) continue;
  const bytes = readFileSync(join(folder, file));
  try {
    const { object } = decodeProtobuf(bytes, builtinSchemas());
    const text = readFileSync(join(folder, file.replace(/\.pb$/, '.json')), 'utf8');
    const expected = parseJson(text);
    counts.decoded++;
    if (!isDeepStrictEqual(object, expected)) report(file, 'decodes otherwise', object, expected);
    else if (stringifyJson(object) === stringifyJson(expected)) counts.sameText++;
    const encodedFile = join(folder, file.replace(/\.pb$/, '.encoded'));
    const encoded = existsSync(encodedFile) ? readFileSync(encodedFile) : bytes;
    if (Buffer.compare(encodeProtobuf(object, builtinSchemas()), encoded) === 0) counts.encoded++;
    else report(file, 'encodes otherwise', object, decodeProtobuf(encoded, builtinSchemas()).object);
  } catch (error) {
    if (error instanceof ProtobufError && error.code === 'UnknownKind') counts.unknown++;
    else report(file, String(error));
  }
}
console.log(counts);
process.exitCode = counts.wrong === 0 ? 0 : 1;

function report(file: string, what: string, ...values: unknown[]): void {
  counts.wrong++;
  console.log(file, what);
  for (const value of values) console.log(`  ${stringifyJson(value)}`);
}
