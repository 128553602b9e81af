/**
 * BGP sessions in BIRD's language: one template per family with what all have in common, and a protocol for each.
 *
 * Option by option BIRD's words: GTSM (RFC 5082) is `ttl security` with the hops in `multihop`, allowas-in is `allow
 * local as`. A session with an option of its own says it itself, so that an ordinary one stays four lines.
 */
import type { IpFamily } from '../../../model/address.js';
import type { BgpModel, BgpSession } from '../../../topology/bgp-model.js';
import type { PasswordOf } from '../password-file.js';
import { filterCalls } from './bgp-filters.js';
import { address, type BirdText, bird, block, quoted, quotedPassword } from './bird-text.js';
import type { BirdDialect } from './dialect.js';
import type { PoolRules } from './pool-rules.js';
import { sessionSymbol } from './symbols.js';

export function sessionTemplate(family: IpFamily, model: BgpModel, dialect: BirdDialect): BirdText {
  return block(
    bird`\ntemplate bgp heddle_bgp_${family}`,
    // Next hops are looked up and the path may have routers in it, for eBGP as for iBGP.
    bird`multihop;`,
    dialect.bind(model),
    // RFC 4271 section 10; BIRD's own default notices a dead host only after 240 s.
    bird`hold time 90;`,
    bird`connect delay time 1;`,
    bird`connect retry time 5;`,
    bird`error wait time 1, 30;`,
    bird`graceful restart on;`,
    ...dialect.channel(
      family,
      bird`import filter heddle_import_${family};`,
      bird`export filter heddle_export_${family};`,
      // No packet takes its way through a host whose kernel has no routes.
      model.controlPlaneOnly ? bird`next hop keep;` : undefined,
      bird`add paths on;`,
    ),
  );
}

/** Watches over the sessions that ask for it, and notices within a second that a peer is gone (RFC 5883). */
export function bfdProtocol(): BirdText {
  const times = bird`interval 300 ms; multiplier 3;`;
  return block(
    bird`\nprotocol bfd heddle_bfd`,
    bird`interface "*" { ${times} };`,
    bird`multihop { ${times} };`,
  );
}

export function sessionProtocol(
  session: BgpSession,
  model: BgpModel,
  rules: PoolRules,
  { passwordOf, dialect }: { readonly passwordOf: PasswordOf; readonly dialect: BirdDialect },
): BirdText {
  const { family } = session;
  const policy = policyOfItsOwn(session, model, rules);
  return block(
    bird`\nprotocol bgp ${sessionSymbol(session)} from heddle_bgp_${family}`,
    bird`description ${quoted(session.peerName)};`,
    ...dialect.ends(session, model),
    session.passive ? bird`passive on;` : undefined,
    session.password && bird`password ${quotedPassword(passwordOf(session.password))};`,
    ...reflection(session),
    ...transport(session),
    ...(policy.length === 0 ? [] : dialect.channel(family, ...policy)),
  );
}

function reflection({ reflectsFor }: BgpSession): BirdText[] {
  return reflectsFor === undefined ? [] : [bird`rr client;`, bird`rr cluster id ${address(reflectsFor)};`];
}

function transport(session: BgpSession): BirdText[] {
  const { ttlSecurity, keepaliveSeconds, restartSeconds, bfd, allowedLocalAs } = session;
  return [
    ...(ttlSecurity === undefined ? [] : [bird`ttl security on;`, bird`multihop ${ttlSecurity};`]),
    // A peer is given up after three keepalives that did not come (RFC 4271, section 10).
    ...(keepaliveSeconds === undefined
      ? []
      : [bird`hold time ${Math.max(3, 3 * keepaliveSeconds)};`, bird`keepalive time ${keepaliveSeconds};`]),
    ...(restartSeconds === undefined ? [] : [bird`graceful restart time ${restartSeconds};`]),
    ...(bfd ? [bird`bfd on;`] : []),
    ...(allowedLocalAs === undefined ? [] : [bird`allow local as ${allowedLocalAs};`]),
  ];
}

/** What its family is told differently from the template. */
function policyOfItsOwn(session: BgpSession, model: BgpModel, rules: PoolRules): BirdText[] {
  const { family, origin, nextHop } = session;
  return [
    ...(origin === 'Mesh'
      ? [bird`export filter heddle_export_mesh_${family};`]
      : filtersOfItsOwn(session, model, rules)),
    ...(nextHop === 'Self' ? [bird`next hop self;`] : []),
    ...(nextHop === 'Keep' ? [bird`next hop keep;`] : []),
  ];
}

/** BGPFilters are asked before the rules of the pools, and may decide otherwise. */
function filtersOfItsOwn(session: BgpSession, model: BgpModel, rules: PoolRules): BirdText[] {
  const exportCalls = filterCalls(session, 'export', model);
  const importCalls = filterCalls(session, 'import', model);
  const believe = session.isOurs ? rules.believe : rules.believeForeign;
  return [
    ...(importCalls.length === 0
      ? session.isOurs
        ? []
        : [bird`import filter heddle_import_foreign_${session.family};`]
      : [bird`${block(bird`import filter`, ...importCalls, ...believe)};`]),
    ...(exportCalls.length === 0
      ? []
      : [bird`${block(bird`export filter`, ...rules.marks, ...exportCalls, ...rules.announce)};`]),
  ];
}
