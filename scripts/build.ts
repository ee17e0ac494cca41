import { cpSync, rmSync } from 'node:fs';
import { build } from 'esbuild';

/** Bundles the command line into dist/: one file to start from, rarely needed parts in chunks that load when used. */
rmSync('dist', { recursive: true, force: true });
await build({
  entryPoints: { zeroplane: 'cli/main.ts' },
  outdir: 'dist',
  outExtension: { '.js': '.mjs' },
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  // lmdb is native and finds its binary beside itself; the certificate library has several builds and means to choose one itself.
  external: ['lmdb', '@peculiar/x509', 'reflect-metadata'],
  sourcemap: 'linked',
  legalComments: 'none',
  // CommonJS packages inside an ES module bundle still call require.
  banner: {
    js: "import { createRequire as createRequireForBundle } from 'node:module'; const require = createRequireForBundle(import.meta.url);",
  },
  logLevel: 'warning',
});
cpSync('lib/schema/generated', 'dist/generated', { recursive: true, filter: (source) => !source.endsWith('.ts') });
