import { Meter } from 'micwire';
import type { MeterReading } from 'micwire';
import type { ReactiveController, ReactiveControllerHost } from 'lit';
import { LoudnessHistory } from '../loudness/loudness-history.ts';

const METERS = ['truePeak', 'loudness', 'ppm', 'vu'] as const;
/** What a monitor reads. */
export type LoudnessLevels = MeterReading<(typeof METERS)[number]>;

/** Channels that are metered: what the lab's sources have, at most. */
const MONITOR_CHANNELS = 2;

/** Owns the meter of one node, and its history. The element that holds it draws. */
export class LoudnessMonitor implements ReactiveController {
  readonly history: LoudnessHistory = new LoudnessHistory();
  readonly #host: ReactiveControllerHost;
  #node: AudioNode | null = null;
  #meter: Meter<(typeof METERS)[number]> | null = null;
  #levels: LoudnessLevels | null = null;
  /** Whether the measurement of I and LRA is halted. */
  paused = false;

  constructor(host: ReactiveControllerHost) {
    this.#host = host;
    host.addController(this);
  }

  hostDisconnected(): void {
    this.follow(null);
  }

  /** Meters another node from now on; null for none. */
  follow(node: AudioNode | null): void {
    if (node === this.#node) return;
    this.#drop();
    this.#node = node;
    if (node !== null) void this.#open(node);
  }

  /** The levels now; null while nothing is metered. The object is the same every time. */
  read(): LoudnessLevels | null {
    const meter = this.#meter;
    const levels = this.#levels;
    const node = this.#node;
    if (meter === null || levels === null || node === null || !meter.read(levels)) return null;
    const { momentaryLufs, shortTermLufs, frame } = levels;
    this.history.add(frame / node.context.sampleRate, momentaryLufs, shortTermLufs);
    return levels;
  }

  /** Starts or halts the measurement. */
  toggle(): void {
    this.paused = !this.paused;
    if (this.paused) void this.#meter?.pause();
    else void this.#meter?.resume();
    this.#host.requestUpdate();
  }

  /** Restarts all readings. */
  reset(): void {
    this.#meter?.reset();
    this.history.clear();
    this.#host.requestUpdate();
  }

  async #open(node: AudioNode): Promise<void> {
    const meter = await Meter.create(node.context, {
      channels: MONITOR_CHANNELS,
      meters: METERS,
    }).catch(() => null);
    if (meter === null) return;
    if (node !== this.#node) return meter.close();
    this.#meter = meter;
    this.#levels = meter.createReading();
    if (this.paused) void meter.pause();
    node.connect(meter.node);
    this.#host.requestUpdate();
  }

  #drop(): void {
    const node = this.#node;
    const meter = this.#meter;
    this.#node = null;
    this.#meter = null;
    this.#levels = null;
    this.history.clear();
    if (node === null || meter === null) return;
    // The node may already be gone from the graph, with its owner.
    try {
      node.disconnect(meter.node);
    } catch {}
    void meter.close();
  }
}
