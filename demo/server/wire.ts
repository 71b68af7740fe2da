import type { MessageSocket } from './message-socket.ts';

/** Frames from the first, up to the second, of a stream. */
export type FrameSpan = readonly [from: number, to: number];

/** Stretches of a stream that have arrived, in order and disjoint. */
export class ArrivedFrames {
  readonly #spans: [number, number][] = [];
  readonly #maxSpans: number;

  /** @param maxSpans the oldest are forgotten beyond it */
  constructor(maxSpans: number) {
    this.#maxSpans = maxSpans;
  }

  get spans(): readonly FrameSpan[] {
    return this.#spans;
  }

  /** Takes frames that follow all earlier ones. */
  add(frame: number, frames: number): void {
    const last = this.#spans.at(-1);
    if (last !== undefined && frame < last[1]) return;
    if (last !== undefined && frame === last[1]) last[1] = frame + frames;
    else this.#spans.push([frame, frame + frames]);
    if (this.#spans.length > this.#maxSpans) this.#spans.shift();
  }

  clear(): void {
    this.#spans.length = 0;
  }
}

/** What has arrived over a wire, as reported to a page. */
export interface WireRecord {
  readonly cut: boolean;
  readonly session: readonly FrameSpan[];
  readonly plain: readonly FrameSpan[];
}

/** Stretches that a page asks for at most: 256 cuts. */
const MAX_SPANS = 256;

/** A wire that a page can cut: every connection of one name. */
export class Wire {
  /** Of the session, over all its connections. */
  readonly session: ArrivedFrames = new ArrivedFrames(MAX_SPANS);
  /** Of the plain WebSocket. */
  readonly plain: ArrivedFrames = new ArrivedFrames(MAX_SPANS);
  readonly #sockets = new Set<MessageSocket>();
  #isCut = false;
  /** When it was last used, ms. */
  usedMs = 0;

  get isCut(): boolean {
    return this.#isCut;
  }

  get isInUse(): boolean {
    return this.#sockets.size > 0;
  }

  add(socket: MessageSocket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
  }

  /** Ends all connections, as a router that is switched off does, and admits no other until `mend()`. */
  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.terminate();
  }

  mend(): void {
    this.#isCut = false;
  }
}

/** Wires by name, up to a limit. */
export class Wires {
  readonly #wires = new Map<string, Wire>();
  readonly #maxWires: number;

  constructor(maxWires: number) {
    this.#maxWires = maxWires;
  }

  /** @returns undefined where there is no room: all are in use */
  open(name: string, nowMs: number): Wire | undefined {
    let wire = this.#wires.get(name);
    if (wire === undefined) {
      if (this.#wires.size >= this.#maxWires && !this.#forgetOne()) return undefined;
      wire = new Wire();
      this.#wires.set(name, wire);
    }
    wire.usedMs = nowMs;
    return wire;
  }

  find(name: string): Wire | undefined {
    return this.#wires.get(name);
  }

  close(): void {
    for (const wire of this.#wires.values()) wire.cut();
    this.#wires.clear();
  }

  #forgetOne(): boolean {
    const idle = [...this.#wires].filter(([, wire]) => !wire.isInUse);
    const oldest = idle.sort(([, a], [, b]) => a.usedMs - b.usedMs)[0];
    return oldest !== undefined && this.#wires.delete(oldest[0]);
  }
}
