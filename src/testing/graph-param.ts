import { numberIn, oneOf } from '../core/arguments.ts';
import { domException } from './platform.ts';
import { toFloat } from './web-idl.ts';

type Automation =
  | {
      readonly type: 'set' | 'linear' | 'exponential';
      readonly time: number;
      readonly value: number;
    }
  | {
      readonly type: 'target';
      readonly time: number;
      readonly value: number;
      /** Time constant of the approach, in seconds. */
      readonly timeConstant: number;
    };

/** The largest float32 value. */
const LIMIT = 3.4028234663852886e38;

/**
 * A parameter with automation (Web Audio §1.6): set values, ramps, and exponential approaches. Times are in seconds of the graph.
 * Schedule before rendering, or between two calls of `render`, in the future.
 */
export class GraphParam {
  readonly minValue: number;
  readonly maxValue: number;
  readonly defaultValue: number;
  #automationRate: 'a-rate' | 'k-rate';
  /** Events in order of time; events at the same time in order of insertion. */
  #events: Automation[] = [];
  #value: number;

  /** @internal */
  constructor(
    defaultValue: number,
    {
      min = -LIMIT,
      max = LIMIT,
      rate = 'a-rate',
    }: { readonly min?: number; readonly max?: number; readonly rate?: 'a-rate' | 'k-rate' } = {},
  ) {
    this.minValue = min;
    this.maxValue = max;
    this.defaultValue = defaultValue;
    this.#value = defaultValue;
    this.#automationRate = rate;
  }

  /** The value before the first event. Setting it has no effect once there are events. */
  get value(): number {
    return this.#value;
  }
  set value(value: number) {
    this.#value = toFloat('value', value);
  }

  /** `'a-rate'`: a value per frame. `'k-rate'`: the value at the first frame of each quantum. */
  get automationRate(): 'a-rate' | 'k-rate' {
    return this.#automationRate;
  }
  set automationRate(rate: 'a-rate' | 'k-rate') {
    this.#automationRate = oneOf('automationRate', rate, ['a-rate', 'k-rate']);
  }

  /** Takes `value` at `startTime`. */
  setValueAtTime(value: number, startTime: number): this {
    return this.#insert({ type: 'set', value: toFloat('value', value), time: time(startTime) });
  }

  /** Changes linearly from the previous event, or from the start, to `value` at `endTime`. */
  linearRampToValueAtTime(value: number, endTime: number): this {
    return this.#insert({ type: 'linear', value: toFloat('value', value), time: time(endTime) });
  }

  /** Changes exponentially from the previous event. @throws RangeError for 0 */
  exponentialRampToValueAtTime(value: number, endTime: number): this {
    const float = toFloat('value', value);
    if (float === 0) throw new RangeError('value of an exponential ramp must not be 0.');
    return this.#insert({ type: 'exponential', value: float, time: time(endTime) });
  }

  /** Approaches `target` from `startTime` on: the distance falls by 63 % in each `timeConstant`, in seconds. */
  setTargetAtTime(target: number, startTime: number, timeConstant: number): this {
    return this.#insert({
      type: 'target',
      value: toFloat('target', target),
      time: time(startTime),
      timeConstant: numberIn('timeConstant', timeConstant, 0, LIMIT),
    });
  }

  /** Removes all events at or after `cancelTime`. */
  cancelScheduledValues(cancelTime: number): this {
    const from = time(cancelTime);
    this.#events = this.#events.filter((event) => event.time < from);
    return this;
  }

  /**
   * Returns the values of one quantum: a number if they are all the same, otherwise one value per frame.
   * @internal
   */
  valuesOf(frame: number, frames: number, sampleRate: number): number | Float32Array {
    const first = this.#at(frame / sampleRate);
    if (this.#automationRate === 'k-rate' || this.#events.length === 0) return first;
    const values = new Float32Array(frames);
    let same = true;
    for (let i = 0; i < frames; i++) {
      values[i] = this.#at((frame + i) / sampleRate);
      same &&= values[i] === values[0];
    }
    return same ? values[0]! : values;
  }

  #insert(event: Automation): this {
    let at = this.#events.length;
    while (at > 0 && this.#events[at - 1]!.time > event.time) at--;
    const before = this.#events[at - 1];
    const after = this.#events[at];
    const isRamp = (one: Automation): boolean =>
      one.type === 'linear' || one.type === 'exponential';
    const breaks = (one: Automation | undefined, next: Automation | undefined): boolean =>
      one?.type === 'target' && next !== undefined && isRamp(next);
    if (breaks(before, event) || breaks(event, after)) {
      throw domException(
        'NotSupportedError',
        'A ramp cannot follow setTargetAtTime here: browsers disagree where it starts. Set a value first.',
      );
    }
    this.#events.splice(at, 0, event);
    return this;
  }

  /** Returns the value at a time, within the nominal range. */
  #at(now: number): number {
    let value = this.#value;
    let since = 0;
    /** The approach in progress. */
    let target: Extract<Automation, { readonly type: 'target' }> | undefined;
    let next: Automation | undefined;
    for (const event of this.#events) {
      if (event.time > now) {
        next = event;
        break;
      }
      if (target) value = approach(value, target, event.time);
      target = event.type === 'target' ? event : undefined;
      if (!target) value = event.value;
      since = event.time;
    }
    if (target) value = approach(value, target, now);
    else if (next?.type === 'linear') value = linear(value, since, next, now);
    else if (next?.type === 'exponential') value = exponential(value, since, next, now);
    const float = Math.fround(value);
    return float < this.minValue ? this.minValue : float > this.maxValue ? this.maxValue : float;
  }
}

type End = Pick<Automation, 'time' | 'value'>;

function linear(from: number, since: number, { time: end, value }: End, now: number): number {
  return from + (value - from) * ((now - since) / (end - since));
}

function exponential(from: number, since: number, { time: end, value }: End, now: number): number {
  // Web Audio §1.6.3: across zero, or from zero, the value does not change until the end.
  if (from === 0 || from * value < 0) return from;
  return from * (value / from) ** ((now - since) / (end - since));
}

function approach(
  from: number,
  { value, time: start, timeConstant }: Extract<Automation, { readonly type: 'target' }>,
  now: number,
): number {
  if (timeConstant === 0) return value;
  return value + (from - value) * Math.exp(-(now - start) / timeConstant);
}

function time(seconds: number): number {
  return numberIn('time', seconds, 0, 1e9);
}
