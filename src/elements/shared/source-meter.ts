import type { ReactiveController, ReactiveControllerHost } from 'lit';
import type { MeterName, MeterReading } from '../../core/metering/meter-table.ts';
import { Meter } from '../../web/meter.ts';
import type { MicwireError } from '../../core/errors.ts';
import { isMeter, nodeOf } from './element-source.ts';
import type { MeterSource, RunningMeter } from './element-source.ts';
import { fire } from './fire.ts';

/** The host of a {@link SourceMeter}. */
type Host = ReactiveControllerHost & HTMLElement;

/**
 * Meters whatever source its element has: reads a `Meter` that the app made, or makes one of its own, and closes it when the
 * source changes or the element leaves the document. Of sources that change quickly, the last one counts.
 */
export class SourceMeter<Name extends MeterName> implements ReactiveController {
  readonly #host: Host;
  readonly #meters: readonly Name[];
  #source: MeterSource | null = null;
  #channels = 0;
  /** The meter that is read. */
  #meter: RunningMeter | null = null;
  /** The same, where the element made it. */
  #own: Meter<Name> | null = null;
  #reading: MeterReading<Name> | null = null;
  /** Counts what was followed: a meter that is ready late belongs to an earlier one. */
  #turn = 0;

  constructor(host: Host, meters: readonly Name[]) {
    this.#host = host;
    this.#meters = meters;
    host.addController(this);
  }

  /** The meter that is read; null until it is ready. */
  get meter(): RunningMeter | null {
    return this.#meter;
  }

  /** Whether audio passes: false while there is no source, or its context is suspended. */
  get running(): boolean {
    return this.#meter !== null && this.#meter.node.context.state === 'running';
  }

  /** The latest reading, the same object each time; null while there is none. Allocates nothing. */
  read(): MeterReading<Name> | null {
    const reading = this.#reading;
    return reading !== null && this.#meter!.read(reading as never) ? reading : null;
  }

  /** Follows another source from now on, as long as the host is in the document; null for none. */
  follow(source: MeterSource | null, channels: number): void {
    if (source === this.#source && channels === this.#channels) return;
    this.#drop();
    this.#source = source;
    this.#channels = channels;
    if (this.#host.isConnected) this.#open();
  }

  hostConnected(): void {
    if (this.#meter === null) this.#open();
  }

  hostDisconnected(): void {
    // An element that is moved is in the document again by then, and keeps what it has measured.
    queueMicrotask(() => {
      if (!this.#host.isConnected) this.#drop();
    });
  }

  #open(): void {
    const source = this.#source;
    if (source === null) return;
    if (isMeter(source)) this.#take(source);
    else void this.#make(source, ++this.#turn);
  }

  async #make(source: Exclude<MeterSource, RunningMeter>, turn: number): Promise<void> {
    try {
      const meter = await Meter.create(nodeOf(source).context, {
        source,
        channels: this.#channels,
        meters: this.#meters,
      });
      if (turn !== this.#turn) return void meter.close();
      this.#own = meter;
      meter.addEventListener('error', this.#onError);
      this.#take(meter);
    } catch (error) {
      if (turn === this.#turn) fire(this.#host, 'error', error);
    }
  }

  #take(meter: RunningMeter): void {
    this.#meter = meter;
    // The names were checked when the source was set.
    this.#reading = meter.createReading() as MeterReading<Name>;
    this.#host.requestUpdate();
  }

  #drop(): void {
    this.#turn++;
    this.#own?.removeEventListener('error', this.#onError);
    void this.#own?.close();
    this.#own = null;
    this.#meter = null;
    this.#reading = null;
    this.#host.requestUpdate();
  }

  readonly #onError = ({ detail }: CustomEvent<MicwireError>): void => {
    fire(this.#host, 'error', detail);
  };
}
