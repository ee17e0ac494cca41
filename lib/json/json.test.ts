import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SyntaxFault } from './errors.js';
import { parseJson, strictJsonErrors } from './parse.js';
import { stringifyJson } from './stringify.js';
import { duplicateYamlKeysError, parseYaml } from './yaml.js';

function duplicatesOf(text: string): string[] {
  const paths: string[] = [];
  parseJson(text, { onDuplicateKey: (path) => paths.push(path) });
  return paths;
}

describe('parseJson', () => {
  it('keeps 64-bit integers', () => {
    expect(parseJson('{"a":9223372036854775807,"b":-9007199254740993,"c":9007199254740991,"d":1.5e3,"e":-0}')).toEqual({
      a: 9223372036854775807n,
      b: -9007199254740993n,
      c: 9007199254740991,
      d: 1500,
      e: 0,
    });
  });

  it('reports repeated members with their paths, the last one winning', () => {
    const text =
      '{"spec":{"replicas":1,"containers":[{"a":1},{"foo":1,"foo":2}],"replicas":3},"metadata":{"labels":{"a.b/c":"1","a.b/c":"2"}}}';
    expect(duplicatesOf(text)).toEqual(['spec.containers[1].foo', 'spec.replicas', 'metadata.labels.a.b/c']);
    expect(parseJson(text)).toMatchObject({ spec: { replicas: 3 } });
  });

  it.each([
    '{"a" : 1, "a":2}',
    '{"a\\\\":1,"a\\\\":2}',
    '{"a":":8080","a":"x"}',
    '{"\\u0061":1,"a":2}',
    '{"a":1,"\\u0061\\":\\"":2,"a":3}',
  ])('finds the repetition in %s', (text) => {
    expect(duplicatesOf(text)).toHaveLength(1);
  });

  it('takes __proto__ for a member like any other', () => {
    for (const text of ['{"__proto__":{"x":1}}', '{"__proto__":{"x":1},"n":12345678901234567890}']) {
      const value = parseJson(text) as Record<string, unknown>;
      expect(Object.hasOwn(value, '__proto__')).toBe(true);
      expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
      expect(value['x']).toBeUndefined();
    }
  });

  it.each([
    ['', 'unexpected end of JSON input'],
    ['{', 'unexpected end of JSON input'],
    ['{"a"', 'unexpected end of JSON input'],
    ['{"a":1', 'unexpected end of JSON input'],
    ['not json', `invalid character 'o' in literal null (expecting 'u')`],
    ['x', `invalid character 'x' looking for beginning of value`],
    ['{a:1}', `invalid character 'a' looking for beginning of object key string`],
    ['{"a":1,}', `invalid character '}' looking for beginning of object key string`],
    ['{"a" 1}', `invalid character '1' after object key`],
    ['{"a":1 "b"}', `invalid character '"' after object key:value pair`],
    ['[1 2]', `invalid character '2' after array element`],
    ['[1,]', `invalid character ']' looking for beginning of value`],
    ['{} x', `invalid character 'x' after top-level value`],
    ['"a\nb"', `invalid character '\\n' in string literal`],
    ['"\\x"', `invalid character 'x' in string escape code`],
    ['"\\u12g4"', `invalid character 'g' in \\u hexadecimal character escape`],
    ['-x', `invalid character 'x' in numeric literal`],
    ['1.x', `invalid character 'x' after decimal point in numeric literal`],
    ['1e+x', `invalid character 'x' in exponent of numeric literal`],
    ['01', `invalid character '1' after top-level value`],
    ['tru€', `invalid character 'â' in literal true (expecting 'e')`],
    ['\u0000', `invalid character '\\x00' looking for beginning of value`],
    ['\ufeff{}', `invalid character 'ï' looking for beginning of value`],
    ['1e999', 'json: cannot unmarshal number 1e999 into Go value of type float64'],
  ])('refuses %j as Go does', (text, message) => {
    expect(() => parseJson(text)).toThrow(new SyntaxFault(message));
  });

  it('bounds the depth without exhausting the stack', () => {
    expect(() => parseJson('['.repeat(1_000_000))).toThrow("invalid character '[' exceeded max depth");
    expect(() => parseJson('['.repeat(1001) + ']'.repeat(1001))).toThrow('exceeded max depth');
    expect(() => parseJson('{"a":'.repeat(1001) + '1' + '}'.repeat(1001))).toThrow('exceeded max depth');
    expect(parseJson('['.repeat(1000) + ']'.repeat(1000))).toBeInstanceOf(Array);
  });

  it('bounds the depth of YAML, far from the end of the stack', () => {
    for (const depth of [402, 1_001, 20_000, 200_000])
      expect(() => parseYaml('['.repeat(depth) + ']'.repeat(depth))).toThrow('yaml: exceeded max depth');
    expect(() => parseYaml('{"a":'.repeat(20_000) + '1' + '}'.repeat(20_000))).toThrow('yaml: exceeded max depth');
    const indented = Array.from({ length: 2_000 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n');
    expect(() => parseYaml(indented)).toThrow('yaml: exceeded max depth');
    expect(() => parseYaml('- '.repeat(20_000))).toThrow('yaml: exceeded max depth');
    expect(parseYaml('['.repeat(400) + ']'.repeat(400))).toEqual(JSON.parse('['.repeat(400) + ']'.repeat(400)));
  });

  it('agrees with JSON.parse on all JSON, quick or careful', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const expected: unknown = JSON.parse(text, (_, value: unknown) => (Object.is(value, -0) ? 0 : value));
        const careful = `[${text},12345678901234567890]`;
        expect(stringifyJson((parseJson(careful) as unknown[])[0])).toBe(JSON.stringify(expected));
        expect(stringifyJson(parseJson(text, { onDuplicateKey: () => undefined }))).toBe(JSON.stringify(expected));
      }),
    );
  });

  it('throws nothing but SyntaxFault, and accepts only what JSON.parse accepts', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json().chain((text) => fc.nat(text.length).map((at) => text.slice(0, at))),
        ),
        (text) => {
          let accepted = true;
          try {
            parseJson(text, { onDuplicateKey: () => undefined });
          } catch (error) {
            expect(error).toBeInstanceOf(SyntaxFault);
            accepted = false;
          }
          let native = true;
          try {
            JSON.parse(text);
          } catch {
            native = false;
          }
          expect(accepted).toBe(native);
        },
      ),
    );
  });

  it('reads bytes, replacing invalid UTF-8', () => {
    expect(parseJson(Buffer.from([0x22, 0xff, 0x22]))).toBe('\ufffd');
  });
});

describe('strictJsonErrors', () => {
  it('lists unknown and repeated members in document order, looking below no unknown one', () => {
    const text = '{"spec":{"x":{"a":1,"a":2},"paused":true,"x":1,"paused":false,"c":[{"y":1,"p":1,"p":2}]}}';
    expect(strictJsonErrors(text, ['spec.x', 'spec.c[0].y'])).toEqual([
      'unknown field "spec.x"',
      'duplicate field "spec.paused"',
      'unknown field "spec.c[0].y"',
      'duplicate field "spec.c[0].p"',
    ]);
  });

  it('stops at a hundred', () => {
    const members = Array.from({ length: 300 }, (_, index) => `"k${index}":1`).join(',');
    const paths = Array.from({ length: 300 }, (_, index) => `k${index}`);
    expect(strictJsonErrors(`{${members}}`, paths)).toHaveLength(100);
  });
});

describe('stringifyJson', () => {
  it('writes BigInts as integers', () => {
    expect(stringifyJson({ a: [1n, undefined], b: undefined, c: 'x', d: null, e: { f: 12345678901234567890n } })).toBe(
      '{"a":[1,null],"c":"x","d":null,"e":{"f":12345678901234567890}}',
    );
  });

  it('is the inverse of parseJson', () => {
    fc.assert(
      fc.property(fc.json(), fc.bigInt(), (text, big) => {
        const wrapped = { big, value: parseJson(text) };
        expect(stringifyJson(parseJson(stringifyJson(wrapped)))).toBe(stringifyJson(wrapped));
      }),
    );
  });
});

describe('parseYaml', () => {
  it('reads what Kubernetes reads, by YAML 1.1 rules', () => {
    const text = `
a: yes
b: 010
c: 2024-01-02
d: "yes"
e: [1, 2.5, 0x10, ~, 9223372036854775807]
f: |
  text
1: one
true: x
g: 1_000
h: !!str 5
i:
---
second: document
`;
    expect(parseYaml(text)).toEqual({
      a: true,
      b: 8,
      c: '2024-01-02',
      d: 'yes',
      e: [1, 2.5, 16, null, 9223372036854775807n],
      f: 'text\n',
      1: 'one',
      true: 'x',
      g: 1000,
      h: '5',
      i: null,
    });
  });

  it('reports repeated keys with their lines', () => {
    const duplicates: { key: string; line: number }[] = [];
    const value = parseYaml('a: 1\nb:\n  c: 1\n  c: 2\na: 3\n', {
      onDuplicateKey: (key, line) => duplicates.push({ key, line }),
    });
    expect(value).toEqual({ a: 3, b: { c: 2 } });
    expect(duplicateYamlKeysError(duplicates)).toBe(
      'yaml: unmarshal errors:\n  line 4: key "c" already set in map\n  line 5: key "a" already set in map',
    );
  });

  it('copies aliases and merges maps', () => {
    expect(parseYaml('base: &b {x: 1, z: 2}\nother:\n  <<: *b\n  z: 3\nlist: [*b]\n')).toEqual({
      base: { x: 1, z: 2 },
      other: { z: 3, x: 1 },
      list: [{ x: 1, z: 2 }],
    });
  });

  it('refuses bombs, cycles and nonsense with SyntaxFault', () => {
    const bomb = ['a0: &a0 [x,x,x,x,x,x,x,x,x]'];
    for (let level = 1; level < 9; level++) {
      bomb.push(`a${level}: &a${level} [${Array.from({ length: 9 }, () => `*a${level - 1}`).join(',')}]`);
    }
    expect(() => parseYaml(bomb.join('\n'))).toThrow('excessive aliasing');
    expect(() => parseYaml('a: &a [*a]')).toThrow(`anchor 'a' value contains itself`);
    expect(() => parseYaml('a: b: c')).toThrow(SyntaxFault);
    expect(() => parseYaml(`${'['.repeat(3000)}${']'.repeat(3000)}`)).toThrow(SyntaxFault);
  });

  it('throws nothing but SyntaxFault', () => {
    const fragment = fc.constantFrom(
      'a',
      ': ',
      '\n',
      '  ',
      '- ',
      '[',
      ']',
      '{',
      '}',
      '&a ',
      '*a',
      '"',
      "'",
      '#',
      '|',
      '!!int ',
      '<<',
      '0x1',
      '? ',
      '%',
      '@',
      '---\n',
    );
    fc.assert(
      fc.property(fc.array(fragment, { maxLength: 20 }), (parts) => {
        try {
          parseYaml(parts.join(''));
        } catch (error) {
          expect(error).toBeInstanceOf(SyntaxFault);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
