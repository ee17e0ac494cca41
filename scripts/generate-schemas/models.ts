import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One property of a client-node model. */
export interface ModelProperty {
  /** The name in JSON. */
  name: string;
  /** As client-node writes it: `string`, `number`, `Array<V1Container>`, `{ [key: string]: string; }`, `Date`, `any`, … */
  type: string;
  /** `int32`, `int64`, `double`, `byte`, `date-time`, `date-time-micro`, `int-or-string`, or empty. */
  format: string;
  required: boolean;
  description: string;
}

/** One class of client-node's generated models, under client-node's own name, as `V1Pod` or `CoreV1Event`. */
export interface Model {
  name: string;
  description: string;
  properties: ModelProperty[];
}

const MODEL_FILE = /^([A-Za-z0-9]+)\.d\.ts$/;
const PRERELEASE = /V\d+(alpha|beta)\d+/;
const NOT_MODELS = new Set(['ObjectSerializer', 'all']);

/** All models of generally available versions in `folder` (client-node's `dist/gen/models`), by name. */
export function readModels(folder: string): Map<string, Model> {
  const models = new Map<string, Model>();
  for (const file of readdirSync(folder).sort()) {
    const name = MODEL_FILE.exec(file)?.[1];
    if (name === undefined || NOT_MODELS.has(name) || PRERELEASE.test(name)) continue;
    const script = readFileSync(join(folder, `${name}.js`), 'utf8');
    const declaration = readFileSync(join(folder, file), 'utf8');
    models.set(name, parseModel(name, script, declaration));
  }
  if (models.size === 0) throw new Error(`no Kubernetes models in ${folder}; run npm ci again`);
  return models;
}

interface Attribute {
  /** The name of the TypeScript property. */
  name: string;
  /** The name in JSON. */
  baseName: string;
  type: string;
  format: string;
}

function parseModel(name: string, script: string, declaration: string): Model {
  const declared = parseDeclaration(name, declaration);
  const properties = parseAttributes(name, script).map((attribute): ModelProperty => {
    const found = declared.properties.get(attribute.name);
    if (found === undefined) throw new Error(`model ${name}: ${attribute.name} is not declared`);
    return { name: attribute.baseName, type: attribute.type, format: attribute.format, ...found };
  });
  return { name, description: declared.description, properties };
}

/** The attribute table is written as JSON in the script. */
function parseAttributes(name: string, script: string): Attribute[] {
  const marker = `${name}.attributeTypeMap = `;
  const start = script.indexOf(marker);
  const end = script.indexOf('];', start);
  if (start < 0 || end < 0) throw new Error(`model ${name} has no attribute table`);
  return JSON.parse(script.slice(start + marker.length, end + 1)) as Attribute[];
}

const PROPERTY_LINE = /^ {4}'([^']+)'(\??):/;

/** Descriptions and optionality stand only in the declaration file, one comment block before each property. */
function parseDeclaration(
  name: string,
  declaration: string,
): { description: string; properties: Map<string, { required: boolean; description: string }> } {
  const properties = new Map<string, { required: boolean; description: string }>();
  let description = '';
  let comment = '';
  for (const line of declaration.split('\n')) {
    const trimmed = line.trim();
    if (trimmed === '/**') comment = '';
    else if (trimmed.startsWith('* ')) comment += (comment === '' ? '' : '\n') + unescape(trimmed.slice(2));
    else if (trimmed.startsWith(`export declare class ${name} `)) {
      description = comment;
      comment = '';
    } else {
      const match = PROPERTY_LINE.exec(line);
      if (match?.[1] === undefined) continue;
      properties.set(match[1], { required: match[2] === '', description: comment });
      comment = '';
    }
  }
  return { description, properties };
}

/** The models' generator escapes quotes and backslashes, and breaks up ends of comments. */
function unescape(text: string): string {
  return text.replace(/\\(["'\\])/g, '$1').replaceAll('*_/', '*/');
}
