import { vi } from 'vitest';
import { createWorkletScope } from '../../src/testing/index.ts';
import type { NodeOptions, ScopeNode, WorkletScope } from '../../src/testing/index.ts';
import { Microphone } from '../../src/web/microphone/microphone.ts';
import type { MicrophoneOptions } from '../../src/web/microphone/microphone-options.ts';

const QUANTUM = 128;
/** The page's rate, unless told otherwise. */
export const PAGE_RATE = 48_000;

/** A device of the page's system. Frame `n` of its signal tells both the device and the frame: see {@link signalAt}. */
export interface PageDevice {
  readonly deviceId: string;
  readonly groupId: string;
  readonly label: string;
  /** Which signal it has, from 1. */
  readonly number: number;
}

/** Frames after which signals repeat. */
const PERIOD = 65_536;

/** Sample of a device at a frame of the context. Exact in 32 bits. */
function signalAt(device: number, frame: number): number {
  return device + (frame % PERIOD) / PERIOD / 2;
}

/** Which device a sample is of, and its frame modulo 65536; null for silence. */
export function readSignal(
  sample: number,
): { readonly device: number; readonly frame: number } | null {
  if (sample === 0) return null;
  const device = Math.floor(sample);
  return { device, frame: Math.round((sample - device) * 2 * PERIOD) };
}

/** A track of a device that is plugged in, or was. */
export class PageTrack extends EventTarget {
  readonly kind = 'audio';
  readonly device: PageDevice;
  readyState: 'live' | 'ended' = 'live';
  muted = false;

  constructor(device: PageDevice) {
    super();
    this.device = device;
  }
  get label(): string {
    return this.device.label;
  }
  getSettings(): MediaTrackSettings {
    const { deviceId, groupId } = this.device;
    return { deviceId, groupId };
  }
  stop(): void {
    this.readyState = 'ended';
  }
  end(): void {
    if (this.readyState === 'ended') return;
    this.readyState = 'ended';
    this.dispatchEvent(new Event('ended'));
  }
  setMuted(muted: boolean): void {
    this.muted = muted;
    this.dispatchEvent(new Event(muted ? 'mute' : 'unmute'));
  }
}

class PageStream {
  readonly track: PageTrack;
  constructor(track: PageTrack | readonly PageTrack[]) {
    this.track = 'length' in track ? track[0]! : track;
  }
  getAudioTracks(): PageTrack[] {
    return [this.track];
  }
  getTracks(): PageTrack[] {
    return [this.track];
  }
}

/** A node of the page's graph. */
interface Edge {
  readonly from: PageNode;
  readonly output: number;
  readonly input: number;
}

class PageNode extends EventTarget {
  readonly context: PageContext;
  readonly edges: Edge[] = [];
  readonly targets = new Set<PageNode>();

  constructor(context: PageContext) {
    super();
    this.context = context;
  }
  connect(target: PageNode, output = 0, input = 0): PageNode {
    target.edges.push({ from: this, output, input });
    this.targets.add(target);
    return target;
  }
  disconnect(only?: PageNode): void {
    for (const target of only === undefined ? [...this.targets] : [only]) {
      for (let i = target.edges.length - 1; i >= 0; i--) {
        if (target.edges[i]!.from === this) target.edges.splice(i, 1);
      }
      this.targets.delete(target);
    }
  }
  outputOf(_output: number): readonly Float32Array[] {
    return [];
  }
}

class TrackNode extends PageNode {
  readonly track: PageTrack;
  readonly #block: Float32Array;

  constructor(context: PageContext, track: PageTrack) {
    super(context);
    this.track = track;
    this.#block = new Float32Array(context.quantum);
  }
  override outputOf(): readonly Float32Array[] {
    const { track } = this;
    const { page, frame } = this.context;
    const { number } = track.device;
    const isHeard = track.readyState === 'live' && !track.muted && !page.dead(track);
    const live = isHeard && !page.silent.has(number);
    for (let i = 0; i < this.#block.length; i++) {
      this.#block[i] = live ? page.signal(number, frame + i) : 0;
    }
    return [this.#block];
  }
}

class WorkletNode extends PageNode {
  readonly scope: WorkletScope;
  readonly processor: ScopeNode;
  readonly port: unknown;
  readonly numberOfInputs: number;
  /** The context's frame at which it was made. */
  readonly bornAt: number;
  onprocessorerror: ((event: Event) => void) | null = null;

  constructor(context: PageContext, name: string, options: NodeOptions) {
    super(context);
    this.numberOfInputs = options.numberOfInputs ?? 1;
    this.bornAt = context.frame;
    this.scope = context.page.scopeOf(name);
    this.processor = this.scope.createNode(name, options);
    this.port = this.processor.port;
    context.worklets.push(this);
  }
  override outputOf(output: number): readonly Float32Array[] {
    return this.processor.outputs[output]!;
  }
  takeInputs(): void {
    for (const { from, output, input } of this.edges) {
      this.processor.setInput(input, from.outputOf(output));
    }
  }
}

class PageGain extends PageNode {
  readonly numberOfInputs = 1;
  readonly gain: { value: number; setTargetAtTime(value: number): void } = {
    value: 1,
    setTargetAtTime(value) {
      this.value = value;
    },
  };
  /** The sum of its inputs, with as many channels as the first has. */
  override outputOf(): readonly Float32Array[] {
    const inputs = this.edges.map(({ from, output }) => from.outputOf(output));
    return (inputs[0] ?? []).map((samples, channel) =>
      samples.map((_, i) => {
        let sum = 0;
        for (const input of inputs) sum += input[channel]?.[i] ?? 0;
        return sum * this.gain.value;
      }),
    );
  }
}

/** Its inputs in mono, each as a channel. */
class PageMerger extends PageNode {
  readonly #silence: Float32Array;
  readonly #inputs: number;

  constructor(context: PageContext, { numberOfInputs }: { readonly numberOfInputs: number }) {
    super(context);
    this.#silence = new Float32Array(context.quantum);
    this.#inputs = numberOfInputs;
  }
  override outputOf(): readonly Float32Array[] {
    return Array.from({ length: this.#inputs }, (_, input) => {
      const edge = this.edges.find((each) => each.input === input);
      return edge?.from.outputOf(edge.output)[0] ?? this.#silence;
    });
  }
}

class PageContext extends EventTarget {
  state = 'running';
  readonly sampleRate: number;
  readonly quantum: number;
  readonly page: MicrophonePage;
  readonly audioWorklet = { addModule: (): Promise<void> => Promise.resolve() };
  readonly worklets: WorkletNode[] = [];
  readonly destination: PageNode = new PageNode(this);
  frame = 0;

  constructor(page: MicrophonePage, { sampleRate, quantum }: Required<PageOptions>) {
    super();
    this.page = page;
    this.sampleRate = sampleRate;
    this.quantum = quantum;
  }
  get currentTime(): number {
    return this.frame / this.sampleRate;
  }
  resume(): Promise<void> {
    this.enter('running');
    return Promise.resolve();
  }
  createMediaStreamSource(stream: PageStream): TrackNode {
    return new TrackNode(this, stream.track);
  }
  enter(state: string): void {
    if (state === this.state) return;
    this.state = state;
    this.dispatchEvent(new Event('statechange'));
  }
}

/** How a page's context renders. */
export interface PageOptions {
  readonly sampleRate?: number;
  readonly quantum?: number;
}

/** A page with devices, in Node: real worklets, each in a scope of its own, a graph, and a system that gives tracks. */
export class MicrophonePage {
  readonly context: PageContext;
  readonly tracks: PageTrack[] = [];
  readonly document: EventTarget & { visibilityState?: string } = new EventTarget();
  readonly window: EventTarget = new EventTarget();
  readonly media: EventTarget = new EventTarget();
  /** The name of the error that `getUserMedia` gives; null: it works. */
  refusal: string | null = null;
  devices: PageDevice[];
  /** Numbers of the devices that deliver silence. */
  readonly silent = new Set<number>();
  /** Sample of a device at a frame of the context. */
  signal: (device: number, frame: number) => number = signalAt;
  readonly #microphones: Microphone[] = [];
  readonly #scopes = new Map<string, WorkletScope>();
  readonly #status = Object.assign(new EventTarget(), { state: 'granted' });

  private constructor(devices: readonly PageDevice[], options: Required<PageOptions>) {
    this.context = new PageContext(this, options);
    this.devices = [...devices];
    this.document.visibilityState = 'visible';
  }

  /** Puts the page in place: afterwards `vi.unstubAllGlobals()`. */
  static async open(
    devices: readonly PageDevice[] = [deviceNumber(1), deviceNumber(2)],
    { sampleRate = PAGE_RATE, quantum = QUANTUM }: PageOptions = {},
  ): Promise<MicrophonePage> {
    const page = new MicrophonePage(devices, { sampleRate, quantum });
    for (const [name, load] of Object.entries(WORKLETS)) {
      const scope = createWorkletScope({ sampleRate, quantum });
      await scope.addModule(load);
      page.#scopes.set(`micwire-${name}`, scope);
    }
    Object.assign(page.media, {
      getUserMedia: (constraints: { audio: MediaTrackConstraints }) =>
        page.#give(constraints.audio),
      enumerateDevices: () =>
        Promise.resolve(page.devices.map((device) => ({ ...device, kind: 'audioinput' }))),
    });
    vi.stubGlobal('AudioWorkletNode', WorkletNode);
    vi.stubGlobal('GainNode', PageGain);
    vi.stubGlobal('ChannelMergerNode', PageMerger);
    vi.stubGlobal('MediaStream', PageStream);
    vi.stubGlobal('MediaStreamTrack', PageTrack);
    vi.stubGlobal('matchMedia', () => ({ matches: false }));
    vi.stubGlobal('document', page.document);
    vi.stubGlobal('window', page.window);
    vi.stubGlobal('navigator', {
      mediaDevices: page.media,
      permissions: { query: () => Promise.resolve(page.#status) },
      userAgent: 'Chromium',
    });
    return page;
  }

  get asContext(): AudioContext {
    return this.context as unknown as AudioContext;
  }

  /** Opens a microphone, rendering until it is live or has failed. */
  async microphone(options: MicrophoneOptions = {}): Promise<Microphone> {
    const microphone = await this.during(Microphone.open(this.asContext, options));
    this.#microphones.push(microphone);
    return microphone;
  }

  /** Renders until a promise settles. */
  async during<Result>(promise: Promise<Result>): Promise<Result> {
    let settled = false;
    const mark = (): void => void (settled = true);
    promise.then(mark, mark);
    for (let round = 0; round < 2000 && !settled; round++) await this.render(8);
    return promise;
  }

  /** Renders so many quanta, with all messages delivered in between. */
  async render(quanta: number): Promise<void> {
    for (let i = 0; i < quanta; i++) {
      this.renderBlocked(1);
      for (const scope of this.#scopes.values()) scope.deliver();
    }
    for (const scope of this.#scopes.values()) await scope.settle();
  }

  /** Renders so many quanta while the page's own thread is blocked. */
  renderBlocked(quanta: number): void {
    for (let i = 0; i < quanta && this.context.state === 'running'; i++) {
      for (const scope of this.#scopes.values()) {
        for (const node of this.context.worklets) if (node.scope === scope) node.takeInputs();
        scope.render();
      }
      this.context.frame += this.context.quantum;
    }
  }

  scopeOf(name: string): WorkletScope {
    return this.#scopes.get(name)!;
  }

  /** Whether the device behind a track is gone. */
  dead({ device }: PageTrack): boolean {
    return !this.devices.includes(device);
  }

  /** Pulls a device out: silence at once, the events when `told`. */
  unplug(number: number): void {
    this.devices = this.devices.filter((device) => device.number !== number);
    for (const track of this.tracks) if (this.dead(track)) track.end();
    this.media.dispatchEvent(new Event('devicechange'));
  }

  plugIn(device: PageDevice): void {
    this.devices = [...this.devices, device];
    this.media.dispatchEvent(new Event('devicechange'));
  }

  setPermission(state: PermissionState): void {
    this.#status.state = state;
    this.#status.dispatchEvent(new Event('change'));
  }

  /** The tracks that are open. */
  get open(): PageTrack[] {
    return this.tracks.filter(({ readyState }) => readyState === 'live');
  }

  close(): void {
    // One that lives on would open devices of the next page.
    for (const microphone of this.#microphones) void microphone.close();
    for (const scope of this.#scopes.values()) scope.close();
    vi.unstubAllGlobals();
  }

  #give({ deviceId }: MediaTrackConstraints): Promise<PageStream> {
    const exact = (deviceId as { exact?: string } | undefined)?.exact;
    const device =
      exact === undefined || exact === 'default'
        ? this.devices[0]
        : this.devices.find((each) => each.deviceId === exact);
    const refusal = this.refusal ?? (device === undefined ? 'NotFoundError' : null);
    if (refusal !== null) return Promise.reject(new DOMException('', refusal));
    const track = new PageTrack(device!);
    this.tracks.push(track);
    return Promise.resolve(new PageStream(track));
  }
}

/** In the order in which a quantum is rendered: sources first. */
const WORKLETS = {
  playout: () => import('../../worklets/playout.ts'),
  microphone: () => import('../../worklets/microphone.ts'),
  capture: () => import('../../worklets/capture.ts'),
  meter: () => import('../../worklets/meter.ts'),
  mixer: () => import('../../worklets/mixer.ts'),
};

/** A device with that signal. */
export function deviceNumber(number: number): PageDevice {
  return {
    deviceId: `device-${number}`,
    groupId: `group-${number}`,
    label: `Microphone ${number}`,
    number,
  };
}
