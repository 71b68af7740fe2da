import type { ErrorBoundary } from '../server/error-boundary.ts';
import type { Carrier, CarrierParts, PortCarriers } from './carrier.ts';
import { Lateness } from './lateness.ts';
import { LanePath } from './lane-path.ts';
import { LinkModel } from './link-model.ts';
import { PacketTape } from './packet-tape.ts';
import type { MessageSocket } from '../server/message-socket.ts';
import type { ControlReply, LaneStatistics, LinkStatistics, SpliceAddress } from './protocol.ts';
import { LinkControlError } from './protocol.ts';
import type { RealClock } from './real-clock.ts';
import type { RouterSettings } from './router-settings.ts';
import type { LinkSettings } from './settings.ts';
import { CLEAN } from './settings.ts';
import type { UdpSplice } from './udp-splice.ts';
import { WebSocketLink } from './websocket-link.ts';
import { errorText } from '../../src/core/errors.ts';

/** The limits of a session. */
export interface SessionOptions {
  readonly clock: RealClock;
  readonly boundary: ErrorBoundary;
  /** Opens splices and routers; null where there are no ports, as in a browser. */
  readonly ports: PortCarriers | null;
  /** Of lanes of all kinds. @default 32 */
  readonly maxLanes?: number;
}

/** A lane of any kind. */
interface Lane {
  readonly forward: LanePath;
  readonly back: LanePath;
  readonly carrier: Carrier;
}

/** The first seed; any will do. */
const FIRST_SEED = 1;
/** Files of calls that are kept. */
const MAX_TAPES = 8;

/**
 * One user of the engine: its link, and the lanes over it. All lanes get the same settings and the same chance; each has the
 * link to itself.
 */
export class Session {
  readonly #options: SessionOptions;
  readonly #lanes = new Map<string, Lane>();
  /** Names whose ports are being opened. */
  readonly #opening = new Set<string>();
  readonly #lateness: Lateness;
  #settings: LinkSettings = CLEAN;
  #backSettings: LinkSettings = CLEAN;
  #currentSeed = FIRST_SEED;
  /** Time 0 of the links. */
  #beginMs: number;
  #unnamed = 0;
  #isRecording = false;
  /** The packets of splices that were opened since `record`, also of those that are closed. */
  readonly #tapes = new Map<string, PacketTape>();
  #closed = false;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#beginMs = options.clock.nowMs;
    this.#lateness = new Lateness(() => options.clock.nowMs);
  }

  get seed(): number {
    return this.#currentSeed;
  }

  get laneCount(): number {
    return this.#lanes.size + this.#opening.size;
  }

  /** Sets the links of all lanes, from the next packet on. */
  configure(settings: LinkSettings, back: LinkSettings): void {
    this.#options.clock.catchUp();
    this.#settings = settings;
    this.#backSettings = back;
    for (const lane of this.#lanes.values()) {
      lane.forward.link.settings = settings;
      lane.back.link.settings = back;
    }
  }

  /** Restarts chance, the links' time and all statistics. */
  restart(seed: number): void {
    this.#options.clock.catchUp();
    this.#currentSeed = seed;
    this.#beginMs = this.#options.clock.nowMs;
    this.#lateness.reset();
    for (const { forward, back, carrier } of this.#lanes.values()) {
      const [forwardModel, backModel] = this.#models();
      forward.restart(forwardModel, this.#beginMs);
      back.restart(backModel, this.#beginMs);
      carrier.restart();
    }
  }

  /** Keeps the packets of splices that are opened from now on, and forgets those of earlier ones: see `captured`. */
  record(): void {
    this.#isRecording = true;
    this.#tapes.clear();
  }

  /** A capture file of a splice. @throws LinkControlError if there is no recording under this name */
  captured(lane: string): Uint8Array {
    const tape = this.#tapes.get(lane);
    if (tape !== undefined) return tape.file;
    throw new LinkControlError('unknown-lane', `Nothing was recorded of a splice '${lane}'.`);
  }

  #keepTape(lane: string, tape: PacketTape): void {
    this.#tapes.delete(lane);
    this.#tapes.set(lane, tape);
    // The oldest goes.
    if (this.#tapes.size > MAX_TAPES) this.#tapes.delete(this.#tapes.keys().next().value!);
  }

  /** @param name '' for one that is not taken */
  async openSplice(name: string): Promise<SpliceAddress> {
    const tape = this.#isRecording ? new PacketTape() : null;
    const { lane, carrier } = await this.#openCarrier(name, 'call', (ports, parts) =>
      ports.openSplice(parts, tape),
    );
    if (tape !== null) this.#keepTape(lane, tape);
    return { lane, address: carrier.address, ports: carrier.ports };
  }

  /**
   * Opens ports for what the peers of a call gather when ICE restarts.
   * @throws LinkControlError when there is no such splice, or no port
   */
  async renewSplice(lane: string): Promise<SpliceAddress> {
    const splice = this.#spliceOf(lane);
    try {
      await splice.renew();
    } catch (error) {
      throw noPort(error);
    }
    return { lane, address: splice.address, ports: splice.ports };
  }

  /** Closes the ports of a call: it comes back when ICE restarts. @throws LinkControlError when there is no such splice */
  cutSplice(lane: string): void {
    this.#spliceOf(lane).cut();
  }

  #spliceOf(lane: string): UdpSplice {
    const carrier = this.#lanes.get(lane)?.carrier;
    if (carrier?.kind === 'splice') return carrier as UdpSplice;
    throw new LinkControlError('unknown-lane', `There is no splice '${lane}'.`);
  }

  /**
   * Opens a link between the page and the lab's server of QUIC: the page sends to the first port.
   * @param name '' for one that is not taken
   */
  async openQuic(name: string): Promise<SpliceAddress> {
    const { lane, carrier } = await this.#openCarrier(name, 'quic', (ports, parts) =>
      ports.openQuic(parts),
    );
    return { lane, address: carrier.address, ports: carrier.ports };
  }

  /** Opens a router in front of the page. @param name '' for one that is not taken */
  async openRouter(
    name: string,
    settings: RouterSettings,
  ): Promise<Omit<Extract<ControlReply, { type: 'router' }>, 'type' | 'id'>> {
    const { lane, carrier } = await this.#openCarrier(name, 'router', (ports, parts) =>
      ports.openRouter(parts, settings),
    );
    return { lane, iceServers: carrier.iceServers };
  }

  /** Opens what has ports of its own, as a lane. @param kind begins its name where it has none */
  async #openCarrier<Opened extends Carrier>(
    name: string,
    kind: string,
    open: (ports: PortCarriers, parts: CarrierParts) => Promise<Opened>,
  ): Promise<{ lane: string; carrier: Opened }> {
    const { ports } = this.#options;
    if (ports === null) {
      throw new LinkControlError(
        'failed',
        'A browser cannot open ports. Start the lab’s own server.',
      );
    }
    const lane = name === '' ? this.#freeName(kind) : name;
    this.checkName(lane);
    this.#opening.add(lane);
    const parts = this.#parts();
    let carrier: Opened;
    try {
      carrier = await open(ports, parts);
    } catch (error) {
      throw noPort(error);
    } finally {
      this.#opening.delete(lane);
    }
    if (this.#closed) {
      carrier.close();
      throw new LinkControlError('failed', 'The session has ended.');
    }
    // A restart meanwhile did not include these.
    const [forwardModel, backModel] = this.#models();
    parts.forward.restart(forwardModel, this.#beginMs);
    parts.back.restart(backModel, this.#beginMs);
    this.#lanes.set(lane, { forward: parts.forward, back: parts.back, carrier });
    return { lane, carrier };
  }

  /** Takes a client's connection as a lane, which ends with it. @param name '' for one that is not taken */
  addSocket(name: string, socket: MessageSocket): void {
    const lane = name === '' ? this.#freeName('websocket') : name;
    const carrier = this.addCarrier(lane, (parts) => new WebSocketLink(socket, parts));
    socket.on('close', () => {
      if (this.#lanes.get(lane)?.carrier === carrier) this.#lanes.delete(lane);
    });
  }

  /** Takes what `make` makes as a lane. @throws LinkControlError as `checkName` */
  addCarrier<Made extends Carrier>(lane: string, make: (parts: CarrierParts) => Made): Made {
    this.checkName(lane);
    const parts = this.#parts();
    const carrier = make(parts);
    this.#lanes.set(lane, { forward: parts.forward, back: parts.back, carrier });
    return carrier;
  }

  /** @throws LinkControlError when the name is taken, or the limit of lanes is reached */
  checkName(lane: string): void {
    if (this.#lanes.has(lane) || this.#opening.has(lane)) {
      throw new LinkControlError('lane-exists', `There is a lane '${lane}' already.`);
    }
    const { maxLanes = 32 } = this.#options;
    if (this.laneCount >= maxLanes) {
      throw new LinkControlError('too-many-lanes', `A session has at most ${maxLanes} lanes.`);
    }
  }

  closeLane(name: string): void {
    const lane = this.#lanes.get(name);
    if (lane === undefined) {
      throw new LinkControlError('unknown-lane', `There is no lane '${name}'.`);
    }
    this.#lanes.delete(name);
    lane.carrier.close();
  }

  close(): void {
    this.#closed = true;
    for (const { carrier } of this.#lanes.values()) carrier.close();
    this.#lanes.clear();
  }

  statistics(): LinkStatistics {
    return {
      seed: this.#currentSeed,
      elapsedMs: performance.now() - this.#beginMs,
      lateness: this.#lateness.report(),
      recentLateness: this.#lateness.recent(),
      lanes: [...this.#lanes].map(([lane, { forward, back, carrier }]): LaneStatistics => {
        const { kind, tcp, refused, repeatedWireBytes = 0 } = carrier;
        const paths = { forward: forward.statistics, back: back.statistics };
        return { lane, kind, ...paths, tcp, repeatedWireBytes, refused };
      }),
    };
  }

  #parts(): CarrierParts {
    const [forward, back] = this.#models();
    const { clock, boundary } = this.#options;
    return {
      clock,
      boundary,
      lateness: this.#lateness,
      forward: new LanePath(forward, this.#beginMs),
      back: new LanePath(back, this.#beginMs),
    };
  }

  /** The same for every lane: chance has the same effect on the first packet of each. */
  #models(): [LinkModel, LinkModel] {
    return [
      new LinkModel(this.#settings, this.#currentSeed),
      // Far from any seed that is reached by counting.
      new LinkModel(this.#backSettings, this.#currentSeed ^ 0x5bd1e995),
    ];
  }

  #freeName(kind: string): string {
    let name;
    do name = `${kind}-${++this.#unnamed}`;
    while (this.#lanes.has(name) || this.#opening.has(name));
    return name;
  }
}

function noPort(error: unknown): LinkControlError {
  return new LinkControlError('failed', `No port could be opened: ${errorText(error)}`);
}
