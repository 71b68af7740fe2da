import { DelayTarget, JitterBuffer, ReceiveDecision } from 'micwire/receive';
import { SeededRandom } from '../link/seeded-random.ts';

/** What the network does to packets. */
export interface FlowSettings {
  /** Share of the packets that never arrive, 0 to 1. */
  readonly lossRatio: number;
  /** The most by which a packet is later than the fastest, ms: all values up to it are equally likely. */
  readonly jitterMs: number;
}

/** How long the fastest packet takes, ms. */
export const FLOW_DELAY_MS = 40;
/** Audio in a packet, ms. */
export const FLOW_PACKET_MS = 20;
const RATE = 48_000;
const FRAMES_PER_MS = RATE / 1000;
const PACKET_FRAMES = FLOW_PACKET_MS * FRAMES_PER_MS;
/** How much the player fetches at once, ms. */
const QUANTUM_MS = 5;
/** How long what was heard is kept, ms. */
const KEPT_MS = 2500;

/** Loses and delays packets by a seed: with another loss or jitter, each packet keeps its random numbers. */
export class FlowNetwork {
  readonly #random: SeededRandom;

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
  }

  /** How long the next packet is under way, ms; null when it is lost. Packets may overtake each other. */
  transit({ lossRatio, jitterMs }: FlowSettings): number | null {
    const luck = this.#random.next();
    const lateness = this.#random.next() * jitterMs;
    return luck < lossRatio ? null : FLOW_DELAY_MS + lateness;
  }
}

/**
 * - `'travelling'`: on the network;
 * - `'lost'`: on the network, and it will not arrive;
 * - `'waiting'`: in the jitter buffer;
 * - `'played'`;
 * - `'late'`: it arrived when its time had passed.
 */
export type FlowFate = 'travelling' | 'lost' | 'waiting' | 'played' | 'late';

/** A packet on its way. Times are ms since the start. */
export interface FlowPacket {
  readonly sequence: number;
  readonly sentMs: number;
  /** null: never. */
  readonly arrivesMs: number | null;
  readonly fate: FlowFate;
  /** null until it is played. */
  readonly heardMs: number | null;
}

/** A stretch of the output. */
export interface FlowSound {
  readonly kind: 'silence' | 'played' | 'concealed';
  readonly fromMs: number;
  readonly toMs: number;
  /** Of the packet; −1 for none. */
  readonly sequence: number;
}

/** Counts since the start. */
export interface FlowCounts {
  readonly sent: number;
  readonly lost: number;
  readonly reordered: number;
  readonly late: number;
  readonly playedMs: number;
  readonly concealedMs: number;
}

type Mutable<Type> = { -readonly [Key in keyof Type]: Type[Key] };

/**
 * Packets from the sender through a network to the player, with the jitter buffer, the delay target and the decisions of micwire's
 * receiver. It has no clock: `advance` says how far time has come. The same seed, settings and times give the same flow.
 */
export class PacketFlow {
  /** Changes apply to packets that are sent from now on. */
  settings: FlowSettings;
  readonly #network: FlowNetwork;
  readonly #buffer: JitterBuffer;
  readonly #target: DelayTarget;
  readonly #decision: ReceiveDecision;
  readonly #payload = new Uint8Array(1);
  readonly #counts: Mutable<FlowCounts> = {
    sent: 0,
    lost: 0,
    reordered: 0,
    late: 0,
    playedMs: 0,
    concealedMs: 0,
  };
  #packets: Mutable<FlowPacket>[] = [];
  #sounds: FlowSound[] = [];
  /** Packets that have not arrived, the next one first. */
  #underWay: Mutable<FlowPacket>[] = [];
  #highest = -1;
  #nowMs = 0;
  #nextQuantumMs = 0;
  /** Until when there is decoded audio. */
  #decodedMs = 0;

  constructor(seed: number, settings: FlowSettings) {
    this.settings = settings;
    this.#network = new FlowNetwork(seed);
    this.#target = new DelayTarget({ sampleRate: RATE, leadMs: QUANTUM_MS });
    this.#buffer = new JitterBuffer({
      sampleRate: RATE,
      maxPayloadBytes: 1,
      listener: this.#target,
    });
    this.#decision = new ReceiveDecision({ buffer: this.#buffer, target: this.#target });
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** The packets of the last seconds, oldest first. */
  get packets(): readonly FlowPacket[] {
    return this.#packets;
  }

  /** What is heard, oldest first; it reaches a little beyond now. */
  get sounds(): readonly FlowSound[] {
    return this.#sounds;
  }

  get counts(): FlowCounts {
    return this.#counts;
  }

  /** How long packets wait after the fastest one would have arrived, ms, as the receiver has chosen. */
  get targetMs(): number {
    return this.#target.targetMs;
  }

  /** Number of the packet that is played next. */
  get nextSequence(): number {
    return this.#buffer.nextSequence;
  }

  /** Lets time pass, up to `nowMs`. Without effect for a time that has passed. */
  advance(nowMs: number): void {
    for (;;) {
      const sendMs = this.#counts.sent * FLOW_PACKET_MS;
      const arriveMs = this.#underWay[0]?.arrivesMs ?? Infinity;
      const nextMs = Math.min(sendMs, arriveMs, this.#nextQuantumMs);
      if (nextMs > nowMs) break;
      this.#nowMs = nextMs;
      if (nextMs === arriveMs) this.#arrive(this.#underWay.shift()!);
      else if (nextMs === sendMs) this.#send();
      else this.#play();
    }
    this.#nowMs = Math.max(this.#nowMs, nowMs);
    const oldestMs = this.#nowMs - KEPT_MS;
    this.#packets = this.#packets.filter(({ sentMs }) => sentMs >= oldestMs);
    this.#sounds = this.#sounds.filter(({ toMs }) => toMs >= oldestMs);
  }

  #send(): void {
    const sequence = this.#counts.sent++;
    const sentMs = this.#nowMs;
    const transitMs = this.#network.transit(this.settings);
    const arrivesMs = transitMs === null ? null : sentMs + transitMs;
    const packet: Mutable<FlowPacket> = {
      sequence,
      sentMs,
      arrivesMs,
      fate: arrivesMs === null ? 'lost' : 'travelling',
      heardMs: null,
    };
    this.#packets.push(packet);
    if (arrivesMs === null) {
      this.#counts.lost++;
      return;
    }
    this.#underWay.push(packet);
    this.#underWay.sort((a, b) => a.arrivesMs! - b.arrivesMs!);
  }

  #arrive(packet: Mutable<FlowPacket>): void {
    const { sequence } = packet;
    if (sequence < this.#highest) this.#counts.reordered++;
    this.#highest = Math.max(this.#highest, sequence);
    const frame = sequence * PACKET_FRAMES;
    const outcome = this.#buffer.insert(sequence, frame, PACKET_FRAMES, this.#payload, this.#nowMs);
    packet.fate = outcome === 'stored' ? 'waiting' : 'late';
    if (outcome !== 'stored') this.#counts.late++;
  }

  /** One quantum of the player: it asks what to play until there is enough. */
  #play(): void {
    const now = this.#nowMs;
    this.#nextQuantumMs = now + QUANTUM_MS;
    this.#decodedMs = Math.max(this.#decodedMs, now);
    while (this.#decodedMs < now + QUANTUM_MS) this.#decide(now);
  }

  #decide(now: number): void {
    const decision = this.#decision;
    const action = decision.decide(now, this.#decodedMs - now);
    if (action === 'wait') {
      this.#sound('silence', decision.frames, -1);
      return;
    }
    if (action === 'conceal') {
      this.#counts.concealedMs += decision.frames / FRAMES_PER_MS;
      this.#sound('concealed', decision.frames, -1);
      return;
    }
    const sequence = this.#buffer.sequenceOf(decision.slot);
    const covered = decision.take();
    let frames = PACKET_FRAMES - covered;
    if (action === 'accelerate' || action === 'decelerate') {
      const most = Math.min(decision.scaleFrames, frames / 2);
      const removed = action === 'accelerate' ? most : -most;
      decision.scaled(removed);
      frames -= removed;
    }
    const packet = this.#packets.find((one) => one.sequence === sequence);
    if (packet !== undefined) {
      packet.fate = 'played';
      packet.heardMs = this.#decodedMs;
    }
    this.#counts.playedMs += frames / FRAMES_PER_MS;
    this.#sound('played', frames, sequence);
  }

  #sound(kind: FlowSound['kind'], frames: number, sequence: number): void {
    const fromMs = this.#decodedMs;
    const toMs = fromMs + frames / FRAMES_PER_MS;
    this.#decodedMs = toMs;
    const last = this.#sounds.at(-1);
    if (last !== undefined && last.kind === kind && last.sequence === sequence) {
      this.#sounds[this.#sounds.length - 1] = { ...last, toMs };
    } else this.#sounds.push({ kind, fromMs, toMs, sequence });
  }
}
