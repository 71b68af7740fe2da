import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import type { RealClock } from '../../demo/link/real-clock.ts';
import type { Link } from '../../demo/link/lane-path.ts';
import { LinkModel } from '../../demo/link/link-model.ts';
import type { LinkSettings } from '../../demo/link/settings.ts';
import { TcpModel } from '../../demo/link/tcp-model.ts';

/** Hears the bytes of a connection where they leave the link. */
export interface Tap {
  up(bytes: Buffer): void;
  down(bytes: Buffer): void;
}

/** The link that all connections pass. */
export interface ProxiedLink {
  readonly clock: RealClock;
  readonly settings: LinkSettings;
  /** While true, every packet is lost. */
  isOut: boolean;
}

/** Settings of a {@link LinkProxy}. */
export interface LinkProxyOptions {
  readonly link: ProxiedLink;
  /** Of the server on this machine. */
  readonly port: () => number;
  readonly seed: number;
  readonly tap?: () => Tap;
}

/** What fits into a segment of TCP. */
const SEGMENT_BYTES = 1448;
/** Bytes sent and not acknowledged, above which nothing further is read. */
const MAX_BUFFERED_BYTES = 65_536;

/**
 * A server of TCP whose connections reach another server over a modelled link: their bytes, beginnings and ends arrive when a
 * real connection would deliver them.
 */
export class LinkProxy {
  readonly #server: Server;
  readonly #passages = new Set<Passage>();
  #count = 0;

  static async open(options: LinkProxyOptions): Promise<LinkProxy> {
    const proxy = new LinkProxy(options);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  private constructor(options: LinkProxyOptions) {
    this.#server = createServer({ noDelay: true }, (socket) => {
      const seed = options.seed + 1000 * this.#count++;
      const passage = new Passage(socket, options, seed, () => this.#passages.delete(passage));
      this.#passages.add(passage);
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    this.#server.close();
    for (const passage of this.#passages) passage.close();
  }
}

/** What a connection carries besides bytes. */
type Parcel = Buffer | 'begin' | 'end';

/** A connection from a client to the server. */
class Passage {
  readonly #near: Socket;
  #far: Socket | null = null;
  readonly #options: LinkProxyOptions;
  readonly #up: TcpModel<Parcel>;
  readonly #down: TcpModel<Parcel>;
  readonly #tap: Tap | undefined;
  readonly #onclose: () => void;
  #isNearGone = false;
  #isFarGone = false;

  constructor(near: Socket, options: LinkProxyOptions, seed: number, onclose: () => void) {
    this.#near = near;
    this.#options = options;
    this.#onclose = onclose;
    this.#tap = options.tap?.();
    const there = lossyLink(options.link, seed);
    const back = lossyLink(options.link, seed ^ 0x5bd1e995);
    const { clock } = options.link;
    this.#up = new TcpModel({
      clock,
      forward: there,
      back,
      deliver: (parcel) => this.#arriveFar(parcel),
      onacknowledge: () => regulate(near, this.#up),
    });
    this.#down = new TcpModel({
      clock,
      forward: back,
      back: there,
      deliver: (parcel) => this.#arriveNear(parcel),
      onacknowledge: () => {
        if (this.#far !== null) regulate(this.#far, this.#down);
      },
    });
    this.#send(this.#up, 'begin');
    near.on('data', (bytes) => {
      this.#send(this.#up, bytes);
      regulate(near, this.#up);
    });
    near.on('error', () => {});
    near.on('close', () => {
      this.#isNearGone = true;
      this.#send(this.#up, 'end');
      this.#finish();
    });
  }

  close(): void {
    this.#up.close();
    this.#down.close();
    this.#near.destroy();
    this.#far?.destroy();
    this.#onclose();
  }

  #send(model: TcpModel<Parcel>, parcel: Parcel): void {
    this.#options.link.clock.catchUp();
    if (typeof parcel === 'string') {
      model.send(parcel, 1);
      return;
    }
    for (let at = 0; at < parcel.length; at += SEGMENT_BYTES) {
      const piece = parcel.subarray(at, at + SEGMENT_BYTES);
      model.send(piece, piece.length);
    }
  }

  #arriveFar(parcel: Parcel): void {
    if (parcel === 'begin') this.#connectFar();
    else if (parcel === 'end') this.#far?.end(() => this.#far?.destroy());
    else if (!this.#isFarGone) {
      this.#tap?.up(parcel);
      this.#far?.write(parcel);
    }
  }

  #connectFar(): void {
    const far = connect({ port: this.#options.port(), host: '127.0.0.1', noDelay: true });
    this.#far = far;
    far.on('data', (bytes) => {
      this.#send(this.#down, bytes);
      regulate(far, this.#down);
    });
    // Refused, or reset when the server is killed: 'close' follows.
    far.on('error', () => {});
    far.on('close', () => {
      this.#isFarGone = true;
      this.#send(this.#down, 'end');
      this.#finish();
    });
  }

  #arriveNear(parcel: Parcel): void {
    if (parcel === 'end') this.#near.end(() => this.#near.destroy());
    else if (typeof parcel !== 'string' && !this.#isNearGone) {
      this.#tap?.down(parcel);
      this.#near.write(parcel);
    }
  }

  #finish(): void {
    if (this.#isNearGone && this.#isFarGone) this.close();
  }
}

function lossyLink(link: ProxiedLink, seed: number): Link {
  const model = new LinkModel(link.settings, seed);
  return { fate: (bytes, nowMs) => (link.isOut ? -1 : model.fate(bytes, nowMs)) };
}

/** Stops reading while too much waits for the link: the pressure goes to the sender. */
function regulate(socket: Socket, { bufferedBytes }: TcpModel<Parcel>): void {
  if (bufferedBytes > MAX_BUFFERED_BYTES) socket.pause();
  else if (bufferedBytes <= MAX_BUFFERED_BYTES / 2 && socket.isPaused()) socket.resume();
}
