import { CONFIG_MAPS, type BadRequest, type More } from './bad-requests.js';

export const MERGE = { 'content-type': 'application/merge-patch+json' };
const STRATEGIC = { 'content-type': 'application/strategic-merge-patch+json' };
export const JSON_PATCH = { 'content-type': 'application/json-patch+json' };

const patch = (
  title: string,
  body: string,
  headers: Record<string, string>,
  code: number,
  message: string | RegExp,
  more: More = {},
): BadRequest => ({
  title,
  method: 'PATCH',
  path: `${CONFIG_MAPS}/present`,
  body,
  headers,
  code,
  message,
  ...more,
});
/** Changes of the config map `present` that are refused. */
export const BAD_PATCHES: readonly BadRequest[] = [
  patch('a merge patch that ends early', '{', MERGE, 400, /^error decoding patch: /),
  patch('a merge patch that is a list', '[]', MERGE, 400, /\S/),
  patch(
    'a JSON patch that is an object',
    '{}',
    JSON_PATCH,
    400,
    'json: cannot unmarshal object into Go value of type jsonpatch.Patch',
  ),
  patch(
    'a JSON patch whose test fails',
    '[{"op":"test","path":"/data/a","value":"z"}]',
    JSON_PATCH,
    422,
    'the server rejected our request due to an error in our request',
  ),
  patch(
    'a JSON patch of what is not there',
    '[{"op":"remove","path":"/data/z"}]',
    JSON_PATCH,
    422,
    'the server rejected our request due to an error in our request',
  ),
  patch('an unknown directive', '{"$patch":"fly"}', STRATEGIC, 400, /fly/),
  patch(
    'another name',
    '{"metadata":{"name":"other"}}',
    MERGE,
    400,
    'the name of the object (other) does not match the name on the URL (present)',
  ),
  patch(
    'no name',
    '{"metadata":{"name":null}}',
    MERGE,
    400,
    'the name of the object (present based on URL) was undeterminable: name must be provided',
  ),
  patch(
    'a number for a text',
    '{"data":{"a":1}}',
    MERGE,
    422,
    ' "" is invalid: patch: Invalid value: "{\\"data\\":{\\"a\\":1}}": json: cannot unmarshal number into Go struct field ConfigMap.data of type string',
  ),
  patch(
    'an old resourceVersion',
    '{"metadata":{"resourceVersion":"1"}}',
    MERGE,
    409,
    /^Operation cannot be fulfilled on configmaps "present": the object has been modified/,
  ),
  patch(
    'an unknown policy',
    '{"propagationPolicy":"Foo"}',
    {},
    422,
    'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "Foo": supported values: "Foreground", "Background", "Orphan", "nil"',
    { method: 'DELETE' },
  ),
  patch(
    'another uid',
    '{"preconditions":{"uid":"foo"}}',
    {},
    409,
    /the UID in the precondition \(foo\) does not match the UID in record/,
    { method: 'DELETE' },
  ),
];
