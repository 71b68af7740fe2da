import {
  STUN_ATTRIBUTE as ATTRIBUTE,
  STUN_CLASS as CLASS,
  STUN_METHOD as METHOD,
  StunWriter,
  isSignedWith,
  isStun,
  parseStun,
  stunAddress,
  stunAttribute,
} from '../../src/core/webrtc/stun/index.ts';
import type { StunMessage, TransportAddress } from '../../src/core/webrtc/stun/index.ts';
import type { NatPath } from '../../src/core/webrtc/nat/index.ts';
import type { Home, Internet } from './internet.ts';
import { STUN_ADDRESSES, STUN_PORTS, TURN_SERVER } from './servers.ts';

type CandidateType = 'host' | 'srflx' | 'prflx' | 'relay';

/** A candidate (RFC 8445 §5.1). */
export interface Candidate extends TransportAddress {
  readonly type: CandidateType;
}

/** What one side tells the other. */
export interface Description {
  readonly password: string;
  readonly candidates: readonly Candidate[];
}

/** The socket itself, or the port at the relay. */
type Base = 'host' | 'relay';

/** A base of this side's, and a candidate of the other's (RFC 8445 §6.1.2). */
interface Pair {
  readonly base: Base;
  readonly remote: Candidate;
  state: 'waiting' | 'running' | 'succeeded' | 'failed';
  tries: number;
  nextMs: number;
  /** Of the check under way. */
  transaction: Uint8Array;
  /** Where this side's checks came from, as the other saw it. */
  mapped: TransportAddress | null;
  /** The other side has named it. */
  nominated: boolean;
  /** This side names it: its next success counts. */
  nominates: boolean;
}

/** A request to a server, which is sent until it is answered. */
interface Ask {
  readonly destination: TransportAddress;
  readonly bytes: Uint8Array;
  readonly transaction: Uint8Array;
  readonly answered: (message: StunMessage) => void;
  nextMs: number;
}

/** What ICE has chosen. */
export interface Chosen {
  readonly localType: CandidateType;
  readonly remoteType: CandidateType;
  /** Both ends, as the network between the NATs sees them. */
  readonly local: TransportAddress;
  readonly remote: TransportAddress;
}

const TYPE_PREFERENCE: Readonly<Record<CandidateType, number>> = {
  host: 126,
  prflx: 110,
  srflx: 100,
  relay: 0,
};
const TICK_MS = 20;
const RETRANSMIT_MS = 250;
const QUICK_TRIES = 8;
const SLOW_RETRANSMIT_MS = 500;
/** A check lasts 11 s: longer than the answer may take to reach the side that has to open its NAT for it. */
const MAX_TRIES = 26;
/** RFC 8445 §6.1.2.5 allows 100. Two NATs that give each check another port would make them for ever. */
const MAX_PAIRS = 60;
const keyOf = ({ address, port }: TransportAddress): string => `${address} ${port}`;

/** A minimal agent of ICE (RFC 8445) with one socket: host, server-reflexive and relayed candidates, regular nomination. */
export class Agent {
  readonly name: string;
  /** What came over the chosen pair. */
  readonly heard: string[] = [];
  chosen: Chosen | null = null;
  readonly #internet: Internet;
  readonly #home: Home;
  readonly #socket: TransportAddress;
  readonly #isControlling: boolean;
  readonly #password: string;
  readonly #local: Candidate[] = [];
  readonly #asks = new Set<Ask>();
  readonly #pairs = new Map<string, Pair>();
  readonly #permitted = new Set<string>();
  readonly #gathered: () => void;
  #remotePassword: string | null = null;
  #chosenPair: Pair | null = null;
  /** Checks that came before the other side's description. */
  #early: (() => void)[] = [];

  constructor(
    internet: Internet,
    home: Home,
    socket: TransportAddress,
    options: {
      readonly name: string;
      readonly isControlling: boolean;
      readonly gathered: () => void;
    },
  ) {
    this.#internet = internet;
    this.#home = home;
    this.#socket = socket;
    this.name = options.name;
    this.#isControlling = options.isControlling;
    this.#gathered = options.gathered;
    this.#password = `password of ${options.name} ${Math.floor(internet.random() * 1e9)}`;
    home.sockets.set(keyOf(socket), (bytes, from) => this.#receive(bytes, from));
  }

  /** Asks two STUN servers and a TURN server. */
  gather(): void {
    this.#addLocal('host', this.#socket);
    const binding = (address: string): void => {
      this.#ask(
        METHOD.binding,
        { address, port: STUN_PORTS[0] },
        (writer) => writer,
        (answer) => this.#addLocal('srflx', stunAddress(answer, ATTRIBUTE.xorMappedAddress)),
      );
    };
    for (const address of STUN_ADDRESSES) binding(address);
    this.#ask(
      METHOD.allocate,
      TURN_SERVER,
      (writer) => writer.addUint32(ATTRIBUTE.requestedTransport, 17 * 2 ** 24),
      (answer) => this.#addLocal('relay', stunAddress(answer, ATTRIBUTE.xorRelayedAddress)),
    );
    this.#tick();
  }

  get description(): Description {
    return { password: this.#password, candidates: this.#local };
  }

  /** Begins the checks. */
  connect({ password, candidates }: Description): void {
    this.#remotePassword = password;
    for (const candidate of candidates) this.#addRemote(candidate);
    for (const early of this.#early.splice(0)) early();
  }

  /** Sends something over the chosen pair. */
  say(text: string): void {
    const pair = this.#chosenPair;
    if (pair !== null)
      this.#sendFrom(pair.base, pair.remote, Uint8Array.from(Buffer.from(`\x80${text}`, 'latin1')));
  }

  /** The way that was found, by what this side knows. */
  get path(): NatPath | null {
    if (this.chosen === null) return null;
    const types = [this.chosen.localType, this.chosen.remoteType];
    if (types.includes('relay')) return 'relay';
    return types.includes('prflx') ? 'direct-prflx' : 'direct';
  }

  #addLocal(type: CandidateType, address: TransportAddress | undefined): void {
    if (address === undefined) return;
    if (this.#local.some((known) => keyOf(known) === keyOf(address))) return;
    this.#local.push({ type, ...address });
  }

  #addRemote(candidate: Candidate): void {
    for (const base of ['host', 'relay'] as const) this.#pairOf(base, candidate);
    const { address } = candidate;
    if (this.#permitted.has(address)) return;
    this.#permitted.add(address);
    this.#ask(
      METHOD.createPermission,
      TURN_SERVER,
      (writer) => writer.addXorAddress(ATTRIBUTE.xorPeerAddress, candidate),
      () => {},
    );
  }

  #pairOf(base: Base, remote: Candidate): Pair {
    const key = `${base} ${keyOf(remote)}`;
    let pair = this.#pairs.get(key);
    if (pair === undefined) {
      const transaction = new Uint8Array(12);
      const state = { state: 'waiting', tries: 0, nextMs: 0, transaction, mapped: null } as const;
      pair = { base, remote, ...state, nominated: false, nominates: false };
      this.#pairs.set(key, pair);
    }
    return pair;
  }

  #tick(): void {
    const now = this.#internet.nowMs;
    for (const ask of this.#asks) {
      if (ask.nextMs > now) continue;
      ask.nextMs = now + RETRANSMIT_MS;
      this.#internet.sendFromHome(this.#home, this.#socket, ask.destination, ask.bytes);
    }
    for (const pair of this.#pairs.values()) {
      if (pair.state !== 'waiting' && pair.state !== 'running') continue;
      if (pair.nextMs > now) continue;
      if (pair.tries === MAX_TRIES) pair.state = 'failed';
      else this.#check(pair);
    }
    this.#nominate();
    this.#internet.clock.at(now + TICK_MS, () => this.#tick());
  }

  #check(pair: Pair): void {
    if (pair.state === 'waiting') pair.transaction = this.#transaction();
    pair.state = 'running';
    pair.tries++;
    const waitMs = pair.tries > QUICK_TRIES ? SLOW_RETRANSMIT_MS : RETRANSMIT_MS;
    pair.nextMs = this.#internet.nowMs + waitMs;
    const writer = new StunWriter(METHOD.binding, CLASS.request, pair.transaction);
    writer.addUint32(ATTRIBUTE.priority, TYPE_PREFERENCE.prflx * 2 ** 24);
    if (pair.nominates) writer.add(ATTRIBUTE.useCandidate);
    const key = Uint8Array.from(Buffer.from(this.#remotePassword!));
    this.#sendFrom(pair.base, pair.remote, writer.finish({ key }));
  }

  /** The controlling side names the best pair that works, when no better one may still work (RFC 8445 §8.1.1). */
  #nominate(): void {
    if (!this.#isControlling || this.#chosenPair !== null) return;
    const pairs = [...this.#pairs.values()];
    if (pairs.some(({ nominates }) => nominates)) return;
    const [best] = pairs
      .filter(({ state }) => state !== 'failed')
      .toSorted((a, b) => this.#rank(b) - this.#rank(a));
    if (best?.state !== 'succeeded') return;
    best.nominates = true;
    best.state = 'waiting';
    best.tries = 0;
    best.nextMs = 0;
  }

  #rank({ base, remote }: Pair): number {
    const own = base === 'relay' ? TYPE_PREFERENCE.relay : TYPE_PREFERENCE.host;
    const theirs = TYPE_PREFERENCE[remote.type];
    return 1000 * Math.min(own, theirs) + Math.max(own, theirs);
  }

  #receive(bytes: Uint8Array, from: TransportAddress): void {
    if (!isStun(bytes)) return this.#heardFrom(bytes);
    const message = parseStun(bytes);
    if (message.class === CLASS.indication) {
      const peer = stunAddress(message, ATTRIBUTE.xorPeerAddress);
      const data = stunAttribute(message, ATTRIBUTE.data);
      if (keyOf(from) !== keyOf(TURN_SERVER) || peer === undefined || data === undefined) return;
      if (!isStun(data)) return this.#heardFrom(data);
      return this.#stun(parseStun(data.slice()), 'relay', peer);
    }
    for (const ask of this.#asks) {
      if (!sameBytes(ask.transaction, message.transaction)) continue;
      this.#asks.delete(ask);
      ask.answered(message);
      if (this.#asks.size === 0 && this.#remotePassword === null) this.#gathered();
      return;
    }
    this.#stun(message, 'host', from);
  }

  #stun(message: StunMessage, base: Base, from: TransportAddress): void {
    if (message.class === CLASS.request) this.#request(message, base, from);
    else this.#response(message, base, from);
  }

  #request(message: StunMessage, base: Base, from: TransportAddress): void {
    const key = Uint8Array.from(Buffer.from(this.#password));
    if (!isSignedWith(message, key)) return;
    const answer = new StunWriter(METHOD.binding, CLASS.success, message.transaction);
    answer.addXorAddress(ATTRIBUTE.xorMappedAddress, from);
    this.#sendFrom(base, from, answer.finish({ key }));
    const named = stunAttribute(message, ATTRIBUTE.useCandidate) !== undefined;
    const trigger = (): void => this.#triggered(base, from, named);
    if (this.#remotePassword === null) this.#early.push(trigger);
    else trigger();
  }

  /** RFC 8445 §7.3.1.3 to §7.3.1.5. */
  #triggered(base: Base, from: TransportAddress, named: boolean): void {
    const known = [...this.#pairs.values()].find(({ remote }) => keyOf(remote) === keyOf(from));
    const remote: Candidate = known?.remote ?? { type: 'prflx', ...from };
    if (known === undefined) {
      if (this.#pairs.size >= MAX_PAIRS) return;
      this.#addRemote(remote);
    }
    const pair = this.#pairOf(base, remote);
    pair.nominated ||= named;
    if (pair.state === 'failed' || (pair.state === 'running' && pair.tries > 1)) {
      pair.state = 'waiting';
      pair.tries = 0;
      pair.nextMs = 0;
    }
    this.#choose(pair);
  }

  #response(message: StunMessage, base: Base, from: TransportAddress): void {
    const pair = [...this.#pairs.values()].find((one) =>
      sameBytes(one.transaction, message.transaction),
    );
    if (pair === undefined || pair.state !== 'running') return;
    const key = Uint8Array.from(Buffer.from(this.#remotePassword!));
    if (!isSignedWith(message, key)) return;
    // RFC 8445 §7.2.5.2.1: the answer must come back the way that the check went.
    if (pair.base !== base || keyOf(pair.remote) !== keyOf(from)) {
      pair.state = 'failed';
      return;
    }
    pair.state = 'succeeded';
    pair.mapped = stunAddress(message, ATTRIBUTE.xorMappedAddress)!;
    this.#choose(pair);
  }

  #choose(pair: Pair): void {
    const counts = this.#isControlling ? pair.nominates : pair.nominated;
    if (this.#chosenPair !== null || pair.state !== 'succeeded' || !counts) return;
    this.#chosenPair = pair;
    const local = pair.mapped!;
    const known = this.#local.find((candidate) => keyOf(candidate) === keyOf(local));
    const { type: remoteType, address, port } = pair.remote;
    const localType = known?.type ?? 'prflx';
    this.chosen = { localType, remoteType, local, remote: { address, port } };
    this.#internet.note(
      `${this.name}: ${localType} ${keyOf(local)} → ${remoteType} ${keyOf(pair.remote)}`,
    );
  }

  #heardFrom(bytes: Uint8Array): void {
    if (bytes[0] === 0x80) this.heard.push(Buffer.from(bytes.subarray(1)).toString('latin1'));
  }

  #sendFrom(base: Base, to: TransportAddress, bytes: Uint8Array): void {
    const { address, port } = to;
    if (base === 'host') {
      // Hosts have the same addresses in both homes: such a packet stays at home.
      if (address.startsWith('10.')) return;
      this.#internet.sendFromHome(this.#home, this.#socket, { address, port }, bytes);
      return;
    }
    const send = new StunWriter(METHOD.send, CLASS.indication, this.#transaction())
      .addXorAddress(ATTRIBUTE.xorPeerAddress, { address, port })
      .add(ATTRIBUTE.data, bytes);
    this.#internet.sendFromHome(this.#home, this.#socket, TURN_SERVER, send.finish());
  }

  #ask(
    method: number,
    destination: TransportAddress,
    add: (writer: StunWriter) => StunWriter,
    answered: (message: StunMessage) => void,
  ): void {
    const transaction = this.#transaction();
    const bytes = add(new StunWriter(method, CLASS.request, transaction)).finish();
    this.#asks.add({ destination, bytes, transaction, answered, nextMs: 0 });
  }

  #transaction(): Uint8Array {
    return Uint8Array.from({ length: 12 }, () => Math.floor(this.#internet.random() * 256));
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.every((byte, i) => byte === b[i]);
}
