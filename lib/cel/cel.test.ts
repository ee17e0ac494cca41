import { describe, expect, it } from 'vitest';
import type { Schema } from '../schema/schema.js';
import {
  CelCompileError,
  CelEnvironment,
  CelMeter,
  DYN,
  estimateCost,
  INT,
  listOf,
  mapOf,
  objectType,
  schemaType,
  STRING,
  toJson,
} from './index.js';

const SELF = objectType(
  'self',
  new Map([
    ['name', { name: 'name', type: STRING }],
    ['replicas', { name: 'replicas', type: INT }],
    ['tags', { name: 'tags', type: listOf(STRING, { listType: 'set' }) }],
    ['x__dash__y', { name: 'x-y', type: STRING }],
  ]),
);
const environment = new CelEnvironment({
  variables: { object: DYN, self: SELF, labels: mapOf(STRING, STRING), numbers: listOf(INT) },
  types: [objectType('Object', new Map([['replicas', { name: 'replicas', type: INT }]]))],
});
const VARIABLES = {
  object: { spec: { replicas: 3, ratio: 0.5, names: ['a', 'b'], empty: null }, metadata: { name: 'x' } },
  self: { name: 'web', replicas: 2, tags: ['b', 'a'], 'x-y': 'dash' },
  labels: { app: 'web', 'a/b': 'c' },
  numbers: [3, 1, 2],
};

function run(source: string): unknown {
  const outcome = environment.compile(source).evaluate(VARIABLES);
  return 'value' in outcome ? toJson(outcome.value) : `ERROR ${outcome.error}`;
}

function fault(source: string): string {
  try {
    environment.compile(source);
  } catch (error) {
    if (error instanceof CelCompileError) return error.message;
    throw error;
  }
  return 'compiled';
}

describe('CEL', () => {
  it.each<[string, unknown]>([
    ['1 + 2 * 3', 7],
    ['-7 / 2', -3],
    ['7 % -2', 1],
    ['1.5 + 2.0', 3.5],
    ['0x10 + 1', 17],
    ['"a" + \'b\' + """c\n"""', 'abc\n'],
    ["r'\\d' == '\\\\d'", true],
    ['dyn(1) == 1.0 && dyn(1u) == 1 && 1 < 1.5', true],
    ['[1, 2] + [3]', [1, 2, 3]],
    ['{"a": 1}["a"]', 1],
    ['{"a": 1}.a', 1],
    ['[1, 2][5]', 'ERROR index out of bounds: 5'],
    ['1 / 0', 'ERROR division by zero'],
    ['9223372036854775807 + 1', 'ERROR integer overflow'],
    ['-9223372036854775808', -9223372036854775808n],
    ['1 / 0 == 1 || true', true],
    ['true ? "yes" : "no"', 'yes'],
    ['object.spec.replicas > 2 && object.spec.ratio < 1', true],
    ['has(object.spec.replicas) && !has(object.spec.gone)', true],
    ['object.spec.gone', 'ERROR no such key: gone'],
    ['object.spec.empty == null', true],
    ['type(object.spec.replicas) == int && type(object.spec.ratio) == double', true],
    ['self.replicas + 1', 3],
    ['self.x__dash__y', 'dash'],
    ['self.tags == ["a", "b"]', true],
    ['self.tags + ["a", "c"]', ['b', 'a', 'c']],
    ['"app" in labels && labels["a/b"] == "c"', true],
    ['labels.all(k, labels[k].size() > 0)', true],
    ['numbers.exists(n, n == 3) && !numbers.exists_one(n, n > 1)', true],
    ['numbers.map(n, n * 2)', [6, 2, 4]],
    ['numbers.map(n, n > 1, n * 2)', [6, 4]],
    ['numbers.filter(n, n > 1)', [3, 2]],
    ['numbers.sum() + numbers.max() - numbers.min()', 8],
    ['numbers.isSorted()', false],
    ['numbers.sort()', [1, 2, 3]],
    ['["b", "aa"].sortBy(s, s.size())', ['b', 'aa']],
    ['numbers.transformList(i, v, i + v)', [3, 2, 4]],
    ['labels.transformMap(k, v, v + "!")', { app: 'web!', 'a/b': 'c!' }],
    ['numbers.transformMapEntry(i, v, {string(v): i})', { 1: 1, 2: 2, 3: 0 }],
    ['labels.exists(k, v, v == "web")', true],
    ['object.?spec.?gone.orValue(5)', 5],
    ['object.spec.?replicas.optMap(r, r + 1).value()', 4],
    ['[?optional.none(), ?optional.of(1)]', [1]],
    ['{?"a": optional.none(), "b": 1}', { b: 1 }],
    ['labels[?"app"].hasValue()', true],
    ['lists.range(3).reverse()', [2, 1, 0]],
    ['[[1], [2, 3]].flatten()', [1, 2, 3]],
    ['[1, 1, 2].distinct().slice(0, 1)', [1]],
    ['sets.contains([1, 2], [2]) && sets.intersects([1], [1]) && sets.equivalent([1, 1], [1])', true],
    ['"hello world".split(" ").join("-")', 'hello-world'],
    ['"hello".indexOf("l") + "hello".lastIndexOf("l")', 5],
    ['"Hello".lowerAscii() + "x".upperAscii()', 'helloX'],
    ['"hello".substring(1, 3) + "abc".charAt(1)', 'elb'],
    ['"aXbX".replace("X", "-", 1)', 'a-bX'],
    ['" a ".trim()', 'a'],
    ['"abc".matches("^[a-c]+$")', true],
    ['"a1b22".findAll("[0-9]+")', ['1', '22']],
    ['"%s has %d, %.2f%%, %x".format(["a", 3, 1.5, 255])', 'a has 3, 1.50%, ff'],
    ['strings.quote("a\\"b")', '"a\\"b"'],
    ['url("https://example.com:80/a?x=1&x=2").getHost()', 'example.com:80'],
    ['url("https://example.com:80/a?x=1&x=2").getQuery()["x"]', ['1', '2']],
    ['isURL("nope")', false],
    ['ip("10.0.0.1").family() == 4 && ip("::1").isLoopback() && isIP("x") == false', true],
    ['cidr("10.0.0.0/8").containsIP("10.2.3.4") && cidr("10.0.0.0/8").containsCIDR(cidr("10.1.0.0/16"))', true],
    ['string(cidr("10.1.2.3/8").masked())', '10.0.0.0/8'],
    ['quantity("1Gi").isGreaterThan(quantity("500Mi")) && quantity("2").add(1).asInteger() == 3', true],
    ['quantity("50k") == quantity("50000")', true],
    ['semver("1.2.3").isLessThan(semver("1.10.0")) && isSemver("v1.0", true)', true],
    ['format.named("dns1123Label").value().validate("a_b").hasValue()', true],
    ['!format.dns1123Label().validate("ab").hasValue()', true],
    ['timestamp("2024-01-31T00:00:00Z") + duration("24h") > timestamp("2024-01-31T23:00:00Z")', true],
    ['timestamp("2024-02-01T10:20:30Z").getMonth()', 1],
    ['string(duration("90m"))', '5400s'],
    ['int("42") + int(2.9) + int(timestamp("1970-01-01T00:00:10Z"))', 54],
    ['string(b"abc") == "abc" && size(bytes("é")) == 2', true],
    ['"é".size()', 1],
    ['Object{replicas: 3}', { replicas: 3 }],
    ['[1, 2].exists(x, x / 0 == 1 || x == 2)', true],
    ['dyn("a") < dyn(1)', 'ERROR no such overload'],
  ])('%s', (source, wanted) => {
    expect(run(source)).toEqual(wanted);
  });

  it.each<[string, string]>([
    ['nope', "ERROR: <input>:1:1: undeclared reference to 'nope' (in container '')\n | nope\n | ^"],
    [
      '1 + "a"',
      "ERROR: <input>:1:3: found no matching overload for '_+_' applied to '(int, string)'\n | 1 + \"a\"\n | ..^",
    ],
    ['self.nope', "ERROR: <input>:1:5: undefined field 'nope'\n | self.nope\n | ....^"],
    [
      'self.name.foo()',
      "ERROR: <input>:1:14: undeclared reference to 'foo' (in container '')\n | self.name.foo()\n | .............^",
    ],
    [
      'self.name.startsWith(1)',
      "ERROR: <input>:1:21: found no matching overload for 'startsWith' applied to 'string.(int)'\n | self.name.startsWith(1)\n | ....................^",
    ],
    [
      'self.replicas.all(x, true)',
      "ERROR: <input>:1:5: expression of type 'int' cannot be range of a comprehension (must be list, map, or dynamic)\n | self.replicas.all(x, true)\n | ....^",
    ],
    ['[1, "a"]', "ERROR: <input>:1:5: expected type 'int' but found 'string'\n | [1, \"a\"]\n | ....^"],
    ['"a".matches("(")', 'ERROR: <input>:1:13: invalid matches argument\n | "a".matches("(")\n | ............^'],
    ['Object{nope: 1}', "ERROR: <input>:1:12: undefined field 'nope'\n | Object{nope: 1}\n | ...........^"],
  ])('refuses %s', (source, message) => {
    expect(fault(source)).toBe(message);
  });

  it('says where an expression stops making sense', () => {
    expect(fault('1 +')).toContain("Syntax error: mismatched input '<EOF>'");
    expect(fault('a b')).toContain('ERROR: <input>:1:3: Syntax error');
    expect(fault('"abc')).toContain('token recognition error');
    expect(fault('')).toContain("ERROR: <input>:1:1: Syntax error: mismatched input '<EOF>'");
  });

  it('wants the type that it is told to', () => {
    expect(() => environment.compile('1', [STRING])).toThrow('must evaluate to string');
    expect(() => environment.compile('1', [STRING, DYN])).not.toThrow();
  });
});

describe('estimated cost', () => {
  const estimate = (schema: Schema, rule: string): number => {
    const type = schemaType(schema);
    return estimateCost(new CelEnvironment({ variables: { self: type ?? DYN } }).compile(rule).checked);
  };
  const list = (maxItems?: number, maxLength?: number): Schema => ({
    type: 'array',
    ...(maxItems === undefined ? {} : { maxItems }),
    items: { type: 'string', ...(maxLength === undefined ? {} : { maxLength }) },
  });

  it('knows the bounds of a schema', () => {
    expect(estimate({ type: 'object', properties: { a: { type: 'integer' } } }, 'self.a > 1')).toBe(3);
    expect(estimate(list(10, 10), 'self.all(x, x.startsWith("ab"))')).toBeLessThan(100);
    expect(estimate(list(10, 10), 'self.all(x, self.all(y, x == y))')).toBeLessThan(2_000);
  });

  it('finds what nothing bounds', () => {
    expect(estimate(list(), 'self.all(x, self.all(y, x == y))')).toBeGreaterThan(1e12);
    expect(estimate(list(10), 'self.all(x, x.contains("aaaaaaaaaa"))')).toBeGreaterThan(100_000);
  });
});

describe('hostile expressions', () => {
  it.each([
    ['deep brackets', `${'('.repeat(5_000)}1${')'.repeat(5_000)}`],
    ['a long chain', Array.from({ length: 5_000 }, () => '1').join('+')],
    ['deep lists', `${'['.repeat(5_000)}${']'.repeat(5_000)}`],
    ['many selections', `object${'.a'.repeat(5_000)}`],
    ['too long', `"${'a'.repeat(200_000)}"`],
  ])('%s do not compile', (_name, source) => {
    expect(fault(source)).toMatch(/limit/);
  });

  const big = Array.from({ length: 2_000 }, (_, index) => index);
  it.each([
    ['nested comprehensions', 'numbers.all(a, numbers.all(b, numbers.all(c, a + b + c >= 0)))'],
    ['growing lists', 'numbers.map(a, numbers).map(b, b.map(c, numbers)).size() > 0'],
    ['searching', 'numbers.all(a, numbers.all(b, a in numbers))'],
    [
      'slow patterns',
      'numbers.all(a, ["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!"].all(s, s.matches("(a*)*(a*)*(a*)*b") == false)) && numbers.all(a, numbers.all(b, "x".matches("(a|b|c|d|e)*z") == false))',
    ],
    ['ranges', 'lists.range(100000).all(a, lists.range(1000).size() == 1000)'],
  ])('%s end when they have cost too much', (_name, source) => {
    const meter = new CelMeter();
    const outcome = environment.compile(source).evaluate({ ...VARIABLES, numbers: big }, meter);
    expect(outcome).toEqual({ error: 'operation cancelled: actual cost limit exceeded', isOverBudget: true });
  });

  it('end when they take too long', () => {
    const meter = new CelMeter(1_000_000, () => true);
    const outcome = environment.compile('numbers.all(a, numbers.all(b, true))').evaluate({ numbers: big }, meter);
    expect(outcome).toMatchObject({ isOverBudget: true });
  });
});
