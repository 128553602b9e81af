/**
 * AgentConfiguration: `default` at /v1/config/<Param>, `node.<name>` at /v1/host/<name>/config/<Param>.
 *
 * Each field is one key with a raw string, named and spelled as Felix reads it: actions in capitals, durations in
 * seconds, ports as `tcp:22` or `tcp:[fd00::/8]:22`. What Felix has no parameter for is named in its style. A
 * parameter that is not in the table (ClusterGUID, IpInIpTunnelAddr, ...) is not ours: others keep theirs there. One that
 * cannot be read must not open what another closes: the others stay.
 */
import { type Cidr, familyOf, parseCidr } from '../../model/address.js';
import type { SpecOf } from '../../model/resource.js';
import { scopeName } from '../../model/scope.js';
import { compact } from '../compact.js';
import { escapeName, unescapeName } from '../escape.js';
import type { Codec } from '../layout.js';
import { scopeId, scopeOf, scopeOfId } from '../scope.js';
import { rawValue, storedResource } from '../stored-values.js';
import { settle, Unreadable } from '../unreadable.js';

export const agentConfigurationCodec: Codec<'AgentConfiguration'> = {
  kind: 'AgentConfiguration',

  encode({ metadata, spec }) {
    const scope = scopeOf(metadata.name);
    const base = scope.type === 'global' ? '/v1' : `/v1/host/${escapeName(scope.node)}`;
    return FIELDS.flatMap((field) => {
      const value = encodeField(field, spec);
      return value === undefined ? [] : [{ path: `${base}/config/${PARAMETERS[field].name}`, value }];
    });
  },

  identify(path) {
    const match = /^\/v1\/(?:host\/([^/]+)\/)?config\/([^/]+)$/.exec(path);
    if (!match || !FIELD_BY_NAME.has(match[2] ?? '')) return undefined;
    const node = match[1];
    return scopeId(
      'AgentConfiguration',
      node === undefined ? { type: 'global' } : { type: 'node', node: unescapeName(node) },
    );
  },

  decode(id, values) {
    const unreadable = new Unreadable();
    const fields: [string, unknown][] = [];
    for (const [path, text] of values) {
      const field = FIELD_BY_NAME.get(path.slice(path.lastIndexOf('/') + 1));
      if (!field) continue;
      const { decode, what } = PARAMETERS[field];
      const value = unreadable.attempt(() => rawValue<unknown>({ path, text }, decode, what));
      if (value !== undefined) fields.push([field, value]);
    }
    const spec = Object.fromEntries(fields) as Spec;
    const name = scopeName(scopeOfId(id));
    return settle(storedResource('AgentConfiguration', { name }, spec, values), unreadable);
  },
};

type Spec = SpecOf<'AgentConfiguration'>;
type Values = { readonly [F in keyof Spec]-?: Exclude<Spec[F], undefined> };
type Field = keyof Values;

/** How one field is written. `what` names the accepted text in messages. */
interface Parameter<T> {
  readonly name: string;
  readonly what: string;
  encode(value: T): string;
  decode(text: string): T | undefined;
}

const PARAMETERS: { readonly [F in Field]: Parameter<Values[F]> } = {
  interfacePrefix: {
    name: 'InterfacePrefix',
    what: 'one prefix of letters and digits, at most 11 (not a list of prefixes)',
    encode: (value) => value,
    decode: (text) => (/^[A-Za-z0-9]{1,11}$/.test(text) ? text : undefined),
  },
  defaultEndpointToHostAction: words('DefaultEndpointToHostAction', {
    Drop: 'DROP',
    Return: 'RETURN',
    Accept: 'ACCEPT',
  }),
  noPolicyEgress: words('NoPolicyEgress', { Allow: 'ALLOW', Deny: 'DENY' }),
  bgpMode: words('BgpMode', { managed: 'managed', system: 'system', none: 'none' }),
  chainInsertMode: words('ChainInsertMode', { Insert: 'insert', Append: 'append' }),
  iptablesRefreshInterval: seconds('IptablesRefreshInterval'),
  ipsetsRefreshInterval: seconds('IpsetsRefreshInterval'),
  routeRefreshInterval: seconds('RouteRefreshInterval'),
  deviceRouteProtocol: {
    name: 'DeviceRouteProtocol',
    what: 'a number from 1 to 255',
    encode: String,
    decode: (text) => numberWithin(text, 255),
  },
  ipv6Support: {
    name: 'Ipv6Support',
    what: 'true or false',
    encode: String,
    decode: (text) => BOOLEANS.get(text.toLowerCase()),
  },
  logSeverityScreen: words('LogSeverityScreen', {
    Debug: 'DEBUG',
    Info: 'INFO',
    Warning: 'WARNING',
    Error: 'ERROR',
    Fatal: 'CRITICAL',
  }),
  reportingInterval: seconds('ReportingIntervalSecs'),
  iptablesMarkMask: {
    name: 'IptablesMarkMask',
    what: 'a mark of 32 bits such as 0xff000000',
    encode: (value) => `0x${value.toString(16)}`,
    decode: (text) => numberWithin(text, 0xffffffff),
  },
  failsafeInboundHostPorts: portList('FailsafeInboundHostPorts'),
  failsafeOutboundHostPorts: portList('FailsafeOutboundHostPorts'),
};

const FIELDS = Object.keys(PARAMETERS) as Field[];
const FIELD_BY_NAME = new Map(FIELDS.map((field) => [PARAMETERS[field].name, field]));

function encodeField<F extends Field>(field: F, spec: Partial<Values>): string | undefined {
  const parameter: Parameter<Values[F]> = PARAMETERS[field];
  const value: Values[F] | undefined = spec[field];
  return value === undefined ? undefined : parameter.encode(value);
}

/** A choice of words, each with Felix's spelling; read without regard to case. */
function words<T extends string>(name: string, spellings: Readonly<Record<T, string>>): Parameter<T> {
  const known = Object.keys(spellings) as T[];
  return {
    name,
    what: `one of ${Object.values(spellings).join(', ')}`,
    encode: (value) => spellings[value],
    decode: (text) =>
      known.find((word) => [spellings[word], word].some((s) => s.toLowerCase() === text.toLowerCase())),
  };
}

/** A duration: seconds in the store, possibly with a fraction. */
function seconds(name: string): Parameter<string> {
  return {
    name,
    what: 'a number of seconds',
    encode: (value) => {
      const [, number = '0', unit = 's'] = /^([0-9.]+)(ms|s|m|h)$/.exec(value) ?? [];
      return String(Math.round(Number(number) * (MILLISECONDS.get(unit) ?? 0)) / 1000);
    },
    decode: (text) => (/^\d+(\.\d+)?$/.test(text) ? `${Number(text)}s` : undefined),
  };
}

const MILLISECONDS = new Map([
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
]);

const BOOLEANS = new Map([
  ['true', true],
  ['1', true],
  ['yes', true],
  ['false', false],
  ['0', false],
  ['no', false],
]);

/** Decimal, or hexadecimal after 0x; from 1. */
function numberWithin(text: string, max: number): number | undefined {
  const value = /^(\d+|0x[0-9a-f]+)$/i.test(text) ? Number(text) : Number.NaN;
  return value >= 1 && value <= max ? value : undefined;
}

type FailsafePort = NonNullable<Spec['failsafeInboundHostPorts']>[number];

/** A comma list; `none` is the list without ports, a bare number is TCP. */
function portList(name: string): Parameter<readonly FailsafePort[]> {
  return {
    name,
    what: 'none, or a list such as tcp:22,udp:10.0.0.0/8:53,tcp:[fd00::/8]:22',
    encode: (ports) => ports.map(formatPort).join(',') || 'none',
    decode: (text) => {
      if (text.toLowerCase() === 'none' || text === '') return [];
      const ports = text.split(',').map((part) => parsePort(part.trim()));
      const good = ports.filter((port) => port !== undefined);
      return good.length === ports.length ? good : undefined;
    },
  };
}

function formatPort({ protocol, net, port }: FailsafePort): string {
  const prefix = `${protocol.toLowerCase()}:`;
  if (net === undefined) return `${prefix}${port}`;
  return `${prefix}${familyOf(net) === 6 ? `[${net}]` : net}:${port}`;
}

function parsePort(text: string): FailsafePort | undefined {
  const match = /^(?:(tcp|udp|sctp):)?(?:(?:\[([^\]]+)\]|([0-9./]+)):)?(\d{1,5})$/i.exec(text);
  const port = numberWithin(match?.[4] ?? '', 65535);
  const netText = match?.[2] ?? match?.[3];
  const net: Cidr | undefined = netText === undefined ? undefined : parseCidr(netText);
  if (port === undefined || (netText !== undefined && net === undefined)) return undefined;
  const protocol = PROTOCOLS.get(match?.[1]?.toLowerCase() ?? 'tcp') ?? 'TCP';
  return compact({ protocol, port, net });
}

const PROTOCOLS = new Map<string, FailsafePort['protocol']>([
  ['tcp', 'TCP'],
  ['udp', 'UDP'],
  ['sctp', 'SCTP'],
]);
