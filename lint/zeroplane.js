// Rules of our own for oxlint: which way imports point, and no time or randomness from globals.

import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');

/** What each top folder may import besides itself. Tests may import anything. */
const ALLOWED = {
  lib: [],
  functions: ['lib'],
  agent: ['lib'],
  cli: ['functions', 'agent', 'lib'],
  infra: ['lib'],
};

const isTest = (file) => /\.test\.ts$/.test(file) || file.includes('/testing/');
const folderOf = (file) => path.relative(root, file).split(path.sep)[0];

const importDirection = {
  create(context) {
    const folder = folderOf(context.filename);
    const allowed = ALLOWED[folder];
    if (allowed === undefined || isTest(context.filename)) return {};
    const check = (node) => {
      const source = node.source?.value;
      if (typeof source !== 'string' || !source.startsWith('.')) return;
      const target = folderOf(path.resolve(path.dirname(context.filename), source));
      if (target === folder || allowed.includes(target)) return;
      context.report({
        node,
        message: `${folder}/ must not import ${target}/: imports point cli → functions, agent → lib.`,
      });
    };
    return {
      ImportDeclaration: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
      ImportExpression: check,
    };
  },
};

/** The files that are the adapters of the ports, or drive the fake ones. */
const AMBIENT_ALLOWED = ['lib/clock/system.ts', 'lib/clock/fake.ts', 'lib/random.ts'];

const AMBIENT_CALLS = {
  Date: ['now'],
  Math: ['random'],
  performance: ['now'],
  process: ['hrtime', 'uptime'],
  crypto: ['randomUUID', 'getRandomValues', 'randomBytes', 'randomInt'],
  webcrypto: ['getRandomValues', 'randomUUID'],
};

const AMBIENT_FUNCTIONS = new Set([
  'setTimeout',
  'setInterval',
  'setImmediate',
  'randomUUID',
  'randomBytes',
  'getRandomValues',
]);

const noAmbient = {
  create(context) {
    const file = path.relative(root, context.filename).split(path.sep).join('/');
    if (!['lib', 'functions', 'agent'].includes(folderOf(context.filename))) return {};
    if (isTest(context.filename) || AMBIENT_ALLOWED.includes(file)) return {};
    const report = (node, what) =>
      context.report({
        node,
        message: `${what} is ambient: take a Clock or a Random as a parameter (lib/clock, lib/random).`,
      });
    return {
      CallExpression(node) {
        const { callee } = node;
        if (callee.type === 'Identifier' && AMBIENT_FUNCTIONS.has(callee.name)) report(node, callee.name);
        if (callee.type !== 'MemberExpression' || callee.object.type !== 'Identifier') return;
        const name = callee.property.type === 'Identifier' ? callee.property.name : '';
        if (AMBIENT_CALLS[callee.object.name]?.includes(name)) report(node, `${callee.object.name}.${name}`);
        if (callee.object.name === 'globalThis' && AMBIENT_FUNCTIONS.has(name)) report(node, name);
      },
      NewExpression(node) {
        const { callee } = node;
        if (callee.type === 'Identifier' && callee.name === 'Date' && node.arguments.length === 0) {
          report(node, 'new Date()');
        }
      },
      ImportDeclaration(node) {
        if (/^(node:)?timers/.test(node.source.value)) report(node, node.source.value);
        // Only node's: lib/random.ts has a function of that name, which takes a Random.
        if (!/^(node:)?crypto$/.test(node.source.value)) return;
        for (const { imported } of node.specifiers) if (imported?.name === 'randomInt') report(node, 'randomInt');
      },
    };
  },
};

export default {
  meta: { name: 'zeroplane' },
  rules: { 'import-direction': importDirection, 'no-ambient': noAmbient },
};
