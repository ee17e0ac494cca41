import { execFile } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { UserError } from '../../cli/errors.js';

const run = promisify(execFile);

const ROOT = path.resolve(import.meta.dirname, '../..');
const REQUIREMENTS = path.join(import.meta.dirname, 'ministack-requirements.txt');
const FOLDER = path.join(ROOT, '.cache/ministack');
const VENV = path.join(FOLDER, 'venv');
/** What was installed, put down when all of it was. */
const INSTALLED = path.join(FOLDER, 'installed.txt');

/** MiniStack's own program. */
export const MINISTACK_PROGRAM = path.join(VENV, 'bin/ministack');

const INSTALL_TIMEOUT_MS = 600_000;

/** The oldest Python that MiniStack runs on. */
const PYTHON_CHECK =
  'import sys, venv, ensurepip; sys.exit(0 if sys.version_info >= (3, 10) else "it is version %d.%d" % sys.version_info[:2])';

/** Whether the emulator is there in the version that we know. */
export function isMiniStackInstalled(): boolean {
  return (
    existsSync(MINISTACK_PROGRAM) &&
    existsSync(INSTALLED) &&
    readFileSync(INSTALLED, 'utf8') === readFileSync(REQUIREMENTS, 'utf8')
  );
}

/** A Python that can make a virtual environment: the one of the environment, else the first on PATH or the system's own. */
async function findPython(): Promise<string> {
  const asked = process.env['PYTHON'];
  const whyNot: string[] = [];
  for (const python of asked === undefined ? ['python3', '/usr/bin/python3'] : [asked]) {
    try {
      await run(python, ['-c', PYTHON_CHECK]);
      return python;
    } catch (error) {
      const { stderr = '', code } = error as { stderr?: string; code?: unknown };
      whyNot.push(`${python}: ${stderr.trim().split('\n').at(-1) || `it cannot be run (${String(code)})`}`);
    }
  }
  throw new UserError(
    `MiniStack needs Python 3.10 or newer with its module venv (${whyNot.join('; ')}). Install it (Debian: apt-get install -y python3 python3-venv), or name another with PYTHON=/path/to/python3`,
  );
}

/** Makes a virtual environment of Python in .cache with MiniStack in it, unless it is there. Throws a `UserError` that says what is missing. */
export async function installMiniStack(say: (text: string) => void = () => undefined): Promise<void> {
  if (isMiniStackInstalled()) return;
  say('fetching MiniStack, an emulator of AWS, into .cache/ministack');
  const python = await findPython();
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  try {
    await run(python, ['-m', 'venv', VENV], { timeout: INSTALL_TIMEOUT_MS });
    await run(
      path.join(VENV, 'bin/python'),
      ['-m', 'pip', 'install', '--disable-pip-version-check', '--quiet', '--requirement', REQUIREMENTS],
      { timeout: INSTALL_TIMEOUT_MS },
    );
  } catch (error) {
    const { stderr = '', stdout = '' } = error as { stderr?: string; stdout?: string };
    throw new UserError(
      `MiniStack could not be installed: ${`${stderr}${stdout}`.trim() || (error as Error).message}. Python's packages come from where pip is configured to look; try again, or see what it says above`,
      { cause: error },
    );
  }
  copyFileSync(REQUIREMENTS, INSTALLED);
}
