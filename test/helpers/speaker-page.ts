import { vi } from 'vitest';

/** What happened, in order: `'gain → destination'`. */
export type Log = string[];

class FakeNode {
  readonly name: string;
  readonly log: Log;
  constructor(name: string, log: Log) {
    this.name = name;
    this.log = log;
  }
  connect(target: FakeNode): FakeNode {
    this.log.push(`${this.name} → ${target.name}`);
    return target;
  }
  disconnect(target?: FakeNode): void {
    this.log.push(`${this.name} ✕ ${target?.name ?? 'all'}`);
  }
}

class FakeGain extends FakeNode {
  readonly targets: [value: number, time: number, constant: number][] = [];
  readonly gain = {
    value: 1,
    setTargetAtTime: (...target: [number, number, number]): void => void this.targets.push(target),
  };
}

class FakeDestination extends FakeNode {
  readonly track = { kind: 'audio', stop: (): void => void this.log.push('track stopped') };
  readonly stream = {
    getTracks: (): readonly unknown[] => [this.track],
    getAudioTracks: (): readonly unknown[] => [this.track],
  };
}

/** A live context in Node. It runs when it is allowed to. */
export class FakeAudioContext extends EventTarget {
  readonly sampleRate = 48_000;
  readonly currentTime = 3;
  readonly baseLatency: number = 0.005;
  readonly outputLatency: number | undefined = 0.02;
  readonly log: Log = [];
  readonly destination = new FakeNode('destination', this.log);
  state: string;
  sinkId: unknown = '';
  /** Whether `resume()` works: what a gesture changes. */
  allowed: boolean;
  /** What the next `setSinkId` fails with. */
  failure: Error | undefined;
  gain: FakeGain | undefined;
  playbackStats: unknown;
  #waiting: (() => void)[] = [];

  constructor(options: { readonly state?: string; readonly allowed?: boolean } = {}) {
    super();
    this.state = options.state ?? 'running';
    this.allowed = options.allowed ?? true;
  }

  changeState(state: string): void {
    this.state = state;
    this.dispatchEvent(new Event('statechange'));
  }

  async resume(): Promise<void> {
    this.log.push('resume');
    if (this.state === 'running') return;
    // Pending until it is allowed, as engines do it.
    if (!this.allowed) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.changeState('running');
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  async close(): Promise<void> {
    this.changeState('closed');
  }

  async setSinkId(sink: unknown): Promise<void> {
    this.log.push(`context sink ${JSON.stringify(sink)}`);
    const { failure } = this;
    this.failure = undefined;
    if (failure !== undefined) throw failure;
    const { state } = this;
    // Web Audio §1.2.4, setSinkId: a running context is suspended meanwhile.
    if (state === 'running') this.changeState('suspended');
    await Promise.resolve();
    this.sinkId = sink;
    if (state === 'running') this.changeState('running');
  }

  createGain(): FakeGain {
    this.gain = new FakeGain('gain', this.log);
    return this.gain;
  }

  createMediaStreamDestination(): FakeDestination {
    return new FakeDestination('stream', this.log);
  }

  createBuffer(): object {
    return {};
  }

  createBufferSource(): object {
    const source = new FakeNode('primer', this.log) as FakeNode & { start(): void };
    source.start = (): void => void this.log.push('primed');
    return source;
  }
}

/** An `<audio>` element in Node. */
export class FakeAudio extends EventTarget {
  static made: FakeAudio[] = [];
  /** Whether `play()` works. */
  static allowed = true;
  srcObject: unknown = null;
  sinkId = '';
  paused = true;

  constructor() {
    super();
    FakeAudio.made.push(this);
  }

  async play(): Promise<void> {
    if (!FakeAudio.allowed) throw new DOMException('not allowed', 'NotAllowedError');
    this.paused = false;
  }

  pause(): void {
    if (this.paused) return;
    this.paused = true;
    this.dispatchEvent(new Event('pause'));
  }

  async setSinkId(sink: string): Promise<void> {
    if (FakeAudio.sinkFailure !== undefined) throw FakeAudio.sinkFailure;
    this.sinkId = sink;
  }

  static sinkFailure: Error | undefined;
}

/** The page's outputs. */
class FakeMediaDevices extends EventTarget {
  outputs: { readonly deviceId: string; readonly label: string }[] = [
    { deviceId: 'default', label: 'Default' },
    { deviceId: 'desk', label: 'Desk speaker' },
    { deviceId: 'head', label: 'Headphones' },
  ];
  selectAudioOutput: ((options: object) => Promise<object>) | undefined;

  async enumerateDevices(): Promise<object[]> {
    return [
      { kind: 'audioinput', deviceId: 'mic', label: 'Microphone', groupId: 'g' },
      ...this.outputs.map((each) => ({ kind: 'audiooutput', groupId: 'g', ...each })),
    ];
  }

  changeTo(...outputs: string[]): void {
    this.outputs = outputs.map((deviceId) => ({ deviceId, label: deviceId }));
    this.dispatchEvent(new Event('devicechange'));
  }
}

/** As much of a page as a speaker needs. `vi.unstubAllGlobals()` takes it away. */
export interface SpeakerPage {
  readonly devices: FakeMediaDevices;
  readonly activation: { isActive: boolean };
  /** Listeners that wait for gestures. */
  readonly listening: () => number;
  gesture(type: string): void;
}

export function stubSpeakerPage(): SpeakerPage {
  FakeAudio.made = [];
  FakeAudio.allowed = true;
  FakeAudio.sinkFailure = undefined;
  const devices = new FakeMediaDevices();
  const activation = { isActive: true };
  const window = new EventTarget();
  let listening = 0;
  vi.stubGlobal('navigator', { mediaDevices: devices, userActivation: activation });
  vi.stubGlobal('Audio', FakeAudio);
  vi.stubGlobal(
    'addEventListener',
    (...args: Parameters<EventTarget['addEventListener']>): void => {
      listening++;
      window.addEventListener(...args);
    },
  );
  vi.stubGlobal(
    'removeEventListener',
    (...args: Parameters<EventTarget['removeEventListener']>): void => {
      listening--;
      window.removeEventListener(...args);
    },
  );
  return {
    devices,
    activation,
    listening: () => listening,
    gesture: (type) => void window.dispatchEvent(new Event(type)),
  };
}
