/**
 * A kernel that is written to by ipset and iptables-restore, and looked at after every single line.
 *
 * Sets change with each line, rules with each COMMIT. What the rules are is not read from the text: a test says which
 * chains are in force before the next COMMIT of the table filter, and which after it.
 */
import type { IpSetId } from '../../../../../src/agent/calc/updates.js';
import { GENERATIONS, ipSetName } from '../../../../../src/agent/dataplane/backends/iptables/ip-set-names.js';
import type { Chain } from '../../../../../src/agent/dataplane/intent.js';
import type { Exec } from '../../../../../src/kernel/exec.js';
import { type Cidr, hostCidr, type IpFamily, parseAddress } from '../../../../../src/model/address.js';
import type { IpSets } from '../../simulator.js';

export class RecordedKernel {
  readonly #family: IpFamily;
  readonly #members = new Map<string, Set<Cidr>>();
  /** The name under which rules look into a set. */
  readonly #names = new Map<IpSetId, string>();
  readonly #onLine: (line: string) => void;
  chains: readonly Chain[] = [];
  #next: { readonly chains: readonly Chain[]; readonly sets: readonly IpSetId[] } = { chains: [], sets: [] };

  constructor(family: IpFamily, onLine: (line: string) => void) {
    this.#family = family;
    this.#onLine = onLine;
  }

  /** What the next COMMIT puts in force. */
  expect(chains: readonly Chain[], sets: Iterable<IpSetId>): void {
    this.#next = { chains, sets: [...sets] };
  }

  /** As the rules in force see them. */
  get sets(): IpSets {
    return new Map([...this.#names].map(([id, name]) => [id, this.#members.get(name) ?? new Set<Cidr>()]));
  }

  readonly exec: Exec = async (command, _args, { input = '' } = {}) => {
    if (command === 'ipset') for (const line of input.split('\n')) this.#ipset(line);
    if (command.endsWith('-restore') && input.includes('*filter')) this.#commit(input);
    return { code: 0, stdout: '', stderr: '' };
  };

  #ipset(line: string): void {
    const [verb, name = '', element = ''] = line.split(' ');
    const cidr = parseAddress(element);
    const member = cidr === undefined ? (element as Cidr) : hostCidr(cidr);
    if (verb === 'create') this.#members.set(name, new Set());
    if (verb === 'destroy') this.#members.delete(name);
    if (verb === 'add') this.#members.get(name)?.add(member);
    if (verb === 'del') this.#members.get(name)?.delete(member);
    if (line !== '') this.#onLine(line);
  }

  #commit(input: string): void {
    this.chains = this.#next.chains;
    for (const id of this.#next.sets)
      for (const generation of GENERATIONS) {
        const name = ipSetName(this.#family, generation, id);
        if (input.includes(` ${name} `)) this.#names.set(id, name);
      }
    this.#onLine('COMMIT');
  }
}
