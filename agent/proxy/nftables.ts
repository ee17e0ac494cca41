import { createHash } from 'node:crypto';
import type { IpFamily } from '../../lib/net/ip.js';
import { canonicalIp } from '../network/cidr.js';
import { NetworkError } from '../network/errors.js';
import type { CommandResult, Host } from '../network/host.js';
import type { Firewall } from './firewall.js';
import type { ByFamily, RulesetChange, RulesetState } from './ruleset.js';
import { changeCommands, stateCommands } from './script.js';
import { skeletonCommands, tableFamily, WATCHED_CHAINS } from './skeleton.js';

export interface NftablesOptions {
  host: Host;
  /** Letters, digits and `-`: tables of that name in the families ip and ip6 are ours alone. */
  table: string;
  families: readonly IpFamily[];
  clusterCidrs: ByFamily<string>;
}

/** Error text of nft in messages of ours. */
const STDERR_CHARS_MAX = 600;

/** `Firewall` over the nft program: one run is one transaction. */
export class Nftables implements Firewall {
  readonly #options: NftablesOptions;
  /** What the watched chains looked like, with handles, after the last `replace`; and which is looked at next. */
  #seen: string[] = [];
  #next = 0;
  #digest: string | undefined;

  constructor(options: NftablesOptions) {
    this.#options = options;
  }

  /** Makes a table with everything we need and removes it, in one transaction: the kernel checks it all and nobody sees it. */
  async check(): Promise<void> {
    for (const family of this.#options.families) {
      const table = `${this.#options.table}-check`;
      const commands = skeletonCommands(table, family, this.#options.clusterCidrs[family]);
      await this.#nft([...commands, `delete table ${tableFamily(family)} ${table}`], `a table of family ${family}`);
    }
  }

  async replace(state: ByFamily<RulesetState>): Promise<void> {
    const commands: string[] = [];
    for (const [family, name] of this.#tables()) {
      const remembered = await this.#affinities(name);
      // Only a table that is there can be deleted.
      commands.push(`add table ${name}`, `delete table ${name}`);
      commands.push(...skeletonCommands(this.#options.table, family, this.#options.clusterCidrs[family]));
      const wanted = state[family];
      if (wanted === undefined) continue;
      commands.push(...stateCommands(name, wanted));
      for (const { set, elements } of remembered) {
        if (wanted.sets.has(set)) commands.push(`add element ${name} ${set} { ${elements.join(', ')} }`);
      }
    }
    await this.#nft(commands, 'all services');
    this.#digest = undefined;
    this.#seen = [];
    for (let index = 0; index < WATCHED_CHAINS.length; index++) this.#seen.push(await this.#watchedChain(index));
  }

  async apply(change: ByFamily<RulesetChange>): Promise<void> {
    const commands = this.#tables().flatMap(([family, name]) => {
      const steps = change[family];
      return steps === undefined ? [] : changeCommands(name, steps);
    });
    if (commands.length === 0) return;
    this.#digest = undefined;
    await this.#nft(commands, 'a change of services');
  }

  /** One chain at a time: what is lost as a whole shows in each of them. */
  async isPresent(): Promise<boolean> {
    const index = this.#next++ % WATCHED_CHAINS.length;
    const chain = await this.#watchedChain(index);
    return chain !== '' && chain === this.#seen[index];
  }

  async isUntouched(): Promise<boolean> {
    const listings: string[] = [];
    for (const [, name] of this.#tables()) listings.push((await this.#run(['list', 'table', ...words(name)])).stdout);
    const digest = digestOf(listings.join('\n'));
    const isUntouched = this.#digest === undefined || this.#digest === digest;
    this.#digest = digest;
    return isUntouched;
  }

  async remove(): Promise<void> {
    const commands = this.#tables().flatMap(([, name]) => [`add table ${name}`, `delete table ${name}`]);
    await this.#nft(commands, 'the removal of the table');
  }

  #tables(): [IpFamily, string][] {
    return this.#options.families.map((family) => [family, `${tableFamily(family)} ${this.#options.table}`]);
  }

  /** '' when it is not there. Not several in one run: nft 1.0 then finds only one of them. */
  async #watchedChain(index: number): Promise<string> {
    const listings: string[] = [];
    for (const [, name] of this.#tables()) {
      const { code, stdout } = await this.#run(['-a', 'list', 'chain', ...words(name), WATCHED_CHAINS[index] ?? '']);
      if (code !== 0) return '';
      listings.push(stdout);
    }
    return listings.join('\n');
  }

  /** Who is remembered by session affinity, and for how long still. */
  async #affinities(table: string): Promise<{ set: string; elements: string[] }[]> {
    const { code, stdout } = await this.#run(['-j', 'list', 'table', ...words(table)]);
    if (code !== 0) return [];
    const { nftables } = JSON.parse(stdout) as { nftables: { set?: { name: string; elem?: unknown[] } }[] };
    return nftables.flatMap(({ set }) => {
      if (set?.elem === undefined || !set.name.startsWith('aff-')) return [];
      const elements = set.elem.map(affinityElement).filter((text) => text !== undefined);
      return elements.length === 0 ? [] : [{ set: set.name, elements }];
    });
  }

  async #nft(commands: readonly string[], what: string): Promise<void> {
    const result = await this.#run(['-f', '-'], `${commands.join('\n')}\n`);
    if (result.code !== 0) throw explain(result, what);
  }

  #run(args: readonly string[], input?: string): Promise<CommandResult> {
    return this.#options.host.run('nft', args, input);
  }
}

function words(table: string): string[] {
  return table.split(' ');
}

function affinityElement(element: unknown): string | undefined {
  const { elem } = element as { elem?: { val: unknown; expires?: number } };
  const ip = canonicalIp(typeof elem?.val === 'string' ? elem.val : undefined);
  return ip === undefined || !elem?.expires ? undefined : `${ip.text} expires ${elem.expires}s`;
}

/** Of what does not change by itself: clients of session affinity come and go, and the order of elements means nothing. */
function digestOf(listing: string): string {
  const settled = listing.replaceAll(/^\tset aff-.*\n(\t\t.*\n)*\t\}$/gm, '');
  const parts = settled.split(/[,\n]/).map((part) => part.trim());
  return createHash('sha256').update(parts.sort().join('\n')).digest('hex');
}

function explain({ code, stderr }: CommandResult, what: string): NetworkError {
  const words = stderr.trim().slice(0, STDERR_CHARS_MAX);
  if (/Operation not permitted|must be root|Permission denied/i.test(stderr)) {
    return new NetworkError(
      'not-permitted',
      'this process may not program nftables: Services need root, or the capability CAP_NET_ADMIN (systemd: AmbientCapabilities=CAP_NET_ADMIN; ' +
        `containers: --cap-add NET_ADMIN with the host's network). nft says: ${words}`,
    );
  }
  if (/not supported|Could not process rule: No such file or directory/i.test(stderr) && what.startsWith('a table')) {
    return new NetworkError(
      'unsupported',
      `the kernel lacks a part of nftables that Services need (nf_tables, nft_nat, nft_masq, nft_reject, nft_fib, nft_numgen, nf_conntrack): ` +
        `load the modules or use a kernel that has them. ${what}: ${words}`,
    );
  }
  return new NetworkError('failed', `nft refused ${what} (exit code ${code}): ${words}`);
}
