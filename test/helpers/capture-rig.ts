import { AudioContext as MockContext } from 'standardized-audio-context-mock';
import { vi } from 'vitest';
import type { CaptureCommand, CaptureProcessorOptions } from '../../src/core/messages.ts';
import { createWorkletScope } from '../../src/testing/index.ts';
import type { ScopeNode, ScopePort, WorkletScope } from '../../src/testing/index.ts';

/** The mock's context, whose state a test sets. */
export class TestContext extends (MockContext as unknown as new () => EventTarget) {
  #state = 'running';
  readonly destination = {};
  /** The scope of the rig has every worklet. */
  readonly audioWorklet = { addModule: (): Promise<void> => Promise.resolve() };
  readonly sampleRate = 48000;
  resumes = 0;

  get state(): string {
    return this.#state;
  }
  get currentTime(): number {
    return TestNode.scope.currentTime;
  }
  enter(state: string): void {
    this.#state = state;
    this.dispatchEvent(new Event('statechange'));
  }
  resume(): Promise<void> {
    this.resumes++;
    this.enter('running');
    return Promise.resolve();
  }
  /** Code under test sees a context. */
  get asContext(): BaseAudioContext {
    return this as unknown as BaseAudioContext;
  }
}

/** A source that outlives its tracks, as captures see a `Microphone`. */
export class TestLivingSource extends EventTarget {
  state = 'live';
  readonly captureFeed = { output: 1, presenceOutput: 2, preRollMs: 250 };
  /** Its node's connections: target, output and input. */
  readonly connections: unknown[][] = [];
  readonly disconnections: unknown[] = [];
  readonly #listeners = new Set<unknown>();
  readonly node: AudioNode = {
    connect: (...connection: unknown[]) => void this.connections.push(connection),
    disconnect: (target: unknown) => void this.disconnections.push(target),
  } as unknown as AudioNode;

  enter(state: string): void {
    this.state = state;
    this.dispatchEvent(new Event('statechange'));
  }
  /** How many listen to its state. */
  get listeners(): number {
    return this.#listeners.size;
  }
  override addEventListener(type: string, listener: () => void): void {
    this.#listeners.add(listener);
    super.addEventListener(type, listener);
  }
  override removeEventListener(type: string, listener: () => void): void {
    this.#listeners.delete(listener);
    super.removeEventListener(type, listener);
  }
}

/** What the mock lacks: a worklet node. Behind it runs the real processor. */
export class TestNode {
  static made: TestNode[] = [];
  static scope: WorkletScope;
  readonly context: unknown;
  readonly name: string;
  readonly numberOfInputs: number;
  readonly options: AudioWorkletNodeOptions & { processorOptions: CaptureProcessorOptions };
  readonly connected: unknown[] = [];
  disconnects = 0;
  portClosed = false;
  readonly commands: CaptureCommand['type'][] = [];
  readonly processor: ScopeNode;
  readonly port: ScopePort;
  onprocessorerror: ((event: Event) => void) | null = null;

  constructor(context: unknown, name: string, options: TestNode['options']) {
    this.context = context;
    this.name = name;
    this.numberOfInputs = options.numberOfInputs ?? 1;
    this.options = options;
    this.processor = TestNode.scope.createNode(name, options as never);
    this.port = this.processor.port;
    const post = this.port.postMessage.bind(this.port) as (...all: unknown[]) => void;
    this.port.postMessage = (message: unknown, ...rest: unknown[]): void => {
      this.commands.push((message as CaptureCommand).type);
      post(message, ...rest);
    };
    const close = this.port.close.bind(this.port);
    this.port.close = (): void => {
      this.portClosed = true;
      close();
    };
    TestNode.made.push(this);
  }
  connect(target: unknown): void {
    this.connected.push(target);
  }
  disconnect(): void {
    this.disconnects++;
  }
  /** Renders so many quanta of a constant and lets both threads have their say. */
  async render(quanta: number, level = 0): Promise<void> {
    const { scope } = TestNode;
    for (let i = 0; i < quanta; i++) {
      this.processor.setInput(0, [new Float32Array(scope.quantum).fill(level)]);
      scope.render();
      scope.deliver();
    }
    await scope.settle();
  }
}

/** A track without sound, as the page sees it. */
export class TestTrack extends EventTarget {
  readonly kind: string;
  readyState = 'live';
  muted = false;
  stops = 0;

  constructor(kind = 'audio') {
    super();
    this.kind = kind;
  }
  stop(): void {
    this.stops++;
  }
  end(): void {
    this.readyState = 'ended';
    this.dispatchEvent(new Event('ended'));
  }
  mute(muted: boolean): void {
    this.muted = muted;
    this.dispatchEvent(new Event(muted ? 'mute' : 'unmute'));
  }
  get asTrack(): MediaStreamTrack {
    return this as unknown as MediaStreamTrack;
  }
}

class TestStream {
  readonly tracks: readonly TestTrack[];
  constructor(tracks: readonly TestTrack[]) {
    this.tracks = tracks;
  }
  getAudioTracks(): TestTrack[] {
    return this.tracks.filter(({ kind }) => kind === 'audio');
  }
}

/** A stream of such tracks. */
export function testStream(...tracks: TestTrack[]): MediaStream {
  return new TestStream(tracks) as unknown as MediaStream;
}

/** Puts the page's globals in place. Call `vi.unstubAllGlobals()` and the returned function at the end. */
export async function openPage(): Promise<() => void> {
  TestNode.made = [];
  TestNode.scope = createWorkletScope({ sampleRate: 48000 });
  await TestNode.scope.addModule(() => import('../../worklets/capture.ts'));
  vi.stubGlobal('AudioWorkletNode', TestNode);
  vi.stubGlobal('MediaStream', TestStream);
  return () => TestNode.scope.close();
}
