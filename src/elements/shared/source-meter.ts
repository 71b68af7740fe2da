import type { ReactiveControllerHost } from 'lit';
import type { MicwireError } from '../../core/errors.ts';
import type { MeterName, MeterReading } from '../../core/metering/meter-table.ts';
import { Meter } from '../../web/meter.ts';
import { isMeter, nodeOf } from './element-source.ts';
import type { MeterSource, RunningMeter } from './element-source.ts';
import { fire } from './fire.ts';
import { SourceFollower } from './source-follower.ts';

/** A meter that is read. */
interface Metering<Name extends MeterName> {
  readonly meter: RunningMeter;
  /** The same meter, if the element created it. */
  readonly own: Meter<Name> | null;
  readonly reading: MeterReading<Name>;
}

/** Meters the source of an element: reads a `Meter` that the app created, or creates one. */
export class SourceMeter<Name extends MeterName> {
  readonly #host: ReactiveControllerHost & HTMLElement;
  readonly #names: readonly Name[];
  #channels = 1;
  readonly #follower: SourceFollower<MeterSource, Metering<Name>>;

  constructor(host: ReactiveControllerHost & HTMLElement, names: readonly Name[]) {
    this.#host = host;
    this.#names = names;
    this.#follower = new SourceFollower(host, {
      open: (source) => this.#open(source),
      close: ({ own }) => {
        own?.removeEventListener('error', this.#onError);
        void own?.close();
      },
    });
  }

  /** The meter that is read; null until it is ready. */
  get meter(): RunningMeter | null {
    return this.#follower.opened?.meter ?? null;
  }

  /** True while audio flows; false while there is no source, or its context is suspended. */
  get running(): boolean {
    const { opened } = this.#follower;
    return opened !== null && opened.meter.node.context.state === 'running';
  }

  /** Returns the latest reading, the same object each time; null while there is no reading. Allocates nothing. */
  read(): MeterReading<Name> | null {
    const { opened } = this.#follower;
    return opened !== null && opened.meter.read(opened.reading as never) ? opened.reading : null;
  }

  /** Meters a source from now on, with the given maximum number of channels; null to stop. */
  follow(source: MeterSource | null, channels: number): void {
    this.#channels = channels;
    this.#follower.follow(source);
  }

  async #open(source: MeterSource): Promise<Metering<Name>> {
    if (isMeter(source)) {
      // The names were checked when the source was set.
      const reading = source.createReading() as MeterReading<Name>;
      return { meter: source, own: null, reading };
    }
    const meter = await Meter.create(nodeOf(source).context, {
      source,
      channels: this.#channels,
      meters: this.#names,
    });
    meter.addEventListener('error', this.#onError);
    return { meter, own: meter, reading: meter.createReading() };
  }

  readonly #onError = ({ detail }: CustomEvent<MicwireError>): void => {
    fire(this.#host, 'error', detail);
  };
}
