import { cpSync, rmSync } from 'node:fs';
import { build } from 'esbuild';
import { FUNCTION_NAMES } from '../lib/aws/function-environment.js';
import { LAZY_PACKAGES } from '../lib/lazy-package.js';

/** CommonJS packages inside an ES module bundle still call require. */
const REQUIRE_BANNER =
  "import { createRequire as createRequireForBundle } from 'node:module'; const require = createRequireForBundle(import.meta.url);";

/** Generated files that functions and command line read when they need them. */
function copyGenerated(folder: string): void {
  cpSync('lib/schema/generated', `${folder}/generated`, {
    recursive: true,
    filter: (source) => !source.endsWith('.ts'),
  });
}

/** Bundles the command line into dist/: one file to start from, rarely needed parts in chunks that load when used. */
async function buildCommandLine(): Promise<void> {
  await build({
    entryPoints: { zeroplane: 'cli/main.ts' },
    outdir: 'dist',
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    // lmdb is native and finds its binary beside itself.
    external: ['lmdb'],
    sourcemap: 'linked',
    legalComments: 'none',
    banner: { js: REQUIRE_BANNER },
    logLevel: 'warning',
  });
  copyGenerated('dist');
}

/** Bundles each function into a folder of its own, dist/lambda/NAME, with all that it needs: what infra/ deploys as it is. */
async function buildFunctions(): Promise<void> {
  for (const name of FUNCTION_NAMES) {
    const folder = `dist/lambda/${name}`;
    await build({
      entryPoints: { index: `functions/${name}/handler.ts` },
      outdir: folder,
      outExtension: { '.js': '.mjs' },
      bundle: true,
      // Chunks are what only some invocations need: what makes a certificate authority, at the first start of a cluster.
      splitting: true,
      minify: true,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      mainFields: ['module', 'main'],
      // What no function needs is left out, see there.
      alias: {
        '@aws-sdk/credential-provider-node': './functions/lambda/bundle/environment-credentials.ts',
        '@smithy/core/event-streams': './functions/lambda/bundle/nothing.ts',
        bowser: './functions/lambda/bundle/nothing.ts',
        ws: './functions/lambda/bundle/no-sockets.ts',
      },
      legalComments: 'none',
      banner: { js: REQUIRE_BANNER },
      logLevel: 'warning',
    });
    copyGenerated(folder);
    await buildLazyPackages(folder);
  }
}

/** Packages that are loaded late, each as one file where `require` finds it from the bundle. */
async function buildLazyPackages(folder: string): Promise<void> {
  for (const name of LAZY_PACKAGES) {
    await build({
      entryPoints: { [name]: name },
      outdir: `${folder}/node_modules`,
      bundle: true,
      minify: true,
      format: 'cjs',
      platform: 'node',
      target: 'node20',
      legalComments: 'none',
      logLevel: 'warning',
    });
  }
}

rmSync('dist', { recursive: true, force: true });
await buildCommandLine();
await buildFunctions();
