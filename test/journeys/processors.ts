import { CaptureEngine } from '../../src/core/capture/capture-engine.ts';
import { ChunkWriter } from '../../src/core/capture/chunk-writer.ts';
import { pcmCodec } from '../../src/core/codec/pcm-codec.ts';
import { isSampled } from '../../src/core/format/stream-format.ts';
import type {
  CaptureCommand,
  MessagePortLike,
  CaptureProcessorOptions,
  PlayoutCommand,
  PlayoutProcessorOptions,
  ProcessorName,
  ReceiveCommand,
  ReceiveProcessorOptions,
} from '../../src/core/messages.ts';
import { PlayoutEngine } from '../../src/core/playout/playout-engine.ts';
import { ReceiveEngine } from '../../src/core/receive/receive-engine.ts';
import { createWorkletScope } from '../../src/testing/index.ts';
import type { ScopeNode, WorkletScope } from '../../src/testing/index.ts';
import type { Journey } from './schedule.ts';

/** Where a processor posts what it has to say. */
type Post = (message: unknown) => void;

/** The capture's processor, as its scope sees it. Frames are the context's. */
export interface CaptureProcessor {
  obey(command: CaptureCommand, frame: number): void;
  process(input: readonly Float32Array[], frames: number, frame: number): void;
}

/** A processor that plays. */
export interface PlayingProcessor<Command> {
  obey(command: Command, frame: number): void;
  /** @returns false when it has ended */
  render(output: readonly Float32Array[], frame: number): boolean;
}

/** Makes the processors of a journey. */
export interface Processors {
  /** Whether a context can skip frames, as one that is overloaded does. */
  readonly canSkip: boolean;
  capture(options: CaptureProcessorOptions, rate: number, post: Post): CaptureProcessor;
  receive(
    options: ReceiveProcessorOptions,
    rate: number,
    post: Post,
  ): PlayingProcessor<ReceiveCommand>;
  playout(
    options: PlayoutProcessorOptions,
    rate: number,
    post: Post,
  ): PlayingProcessor<PlayoutCommand>;
  close(): void;
}

/** Calls the engines directly, which is what the worklets do. */
const ENGINES: Processors = {
  canSkip: true,
  capture: (options, rate, post) =>
    new CaptureEngine(
      options,
      rate,
      portOf(post),
      (sink, chunkDurationMs) => new ChunkWriter({ ...options, chunkDurationMs, sink }),
    ),
  receive(options, rate, post) {
    if (!isSampled(options)) throw new TypeError('Journeys carry samples.');
    return new ReceiveEngine(options, pcmCodec.createDecoder(options), rate, portOf(post));
  },
  playout: (options, rate, post) => new PlayoutEngine(options, rate, { postMessage: post }),
  close() {},
};

/**
 * The engines; or, for a journey that says so, the worklets themselves in stand-in scopes. Messages are then structured clones, and
 * what is transferred is detached.
 */
export async function openProcessors({ world, actions }: Journey): Promise<Processors> {
  if (!world.worklets) return ENGINES;
  const { senderRate, listenerRate } = world;
  // A page that is loaded again has another context.
  const senders = 1 + actions.filter(({ kind }) => kind === 'restart').length;
  const scopes: WorkletScope[] = [];
  const open = async (rate: number, module: () => Promise<unknown>): Promise<WorkletScope> => {
    const scope = createWorkletScope({ sampleRate: rate });
    scopes.push(scope);
    await scope.addModule(module);
    return scope;
  };
  const capturing: WorkletScope[] = [];
  for (let i = 0; i < senders; i++) {
    capturing.push(await open(senderRate, () => import('../../worklets/capture.ts')));
  }
  const playing = await open(listenerRate, () =>
    world.listener === 'receiver'
      ? import('../../worklets/receive.ts')
      : import('../../worklets/playout.ts'),
  );
  return {
    canSkip: false,
    capture: (options, _rate, post) =>
      new WorkletProcessor(capturing.shift()!, 'micwire-capture', options, 1, post),
    receive: (options, _rate, post) =>
      new WorkletProcessor(playing, 'micwire-receive', options, options.outputChannels, post),
    playout: (options, _rate, post) =>
      new WorkletProcessor(playing, 'micwire-playout', options, options.outputChannels, post),
    close: () => scopes.forEach((scope) => scope.close()),
  };
}

/** A worklet in a scope of its own, driven as an engine is. */
class WorkletProcessor {
  readonly #scope: WorkletScope;
  readonly #node: ScopeNode;

  constructor(
    scope: WorkletScope,
    name: ProcessorName,
    processorOptions: object,
    outputChannels: number,
    post: Post,
  ) {
    this.#scope = scope;
    this.#node = scope.createNode(name, {
      numberOfInputs: name === 'micwire-capture' ? 1 : 0,
      numberOfOutputs: 1,
      outputChannelCount: [outputChannels],
      processorOptions,
    });
    this.#node.port.onmessage = ({ data }) => post(data);
  }

  obey(command: CaptureCommand | ReceiveCommand | PlayoutCommand): void {
    this.#node.port.postMessage(command, transferOf(command));
    this.#scope.deliver();
  }

  process(input: readonly Float32Array[], frames: number, frame: number): void {
    this.#enter(frames, frame);
    this.#node.setInput(0, input);
    this.#scope.render();
    this.#scope.deliver();
  }

  render(output: readonly Float32Array[], frame: number): boolean {
    this.#enter(output[0]!.length, frame);
    this.#scope.render();
    output.forEach((samples, channel) => samples.set(this.#node.outputs[0]![channel]!));
    this.#scope.deliver();
    return this.#node.alive;
  }

  #enter(frames: number, frame: number): void {
    const scope = this.#scope;
    if (scope.quantum !== frames) scope.quantum = frames;
    if (scope.currentFrame !== frame) {
      throw new RangeError(`The scope is at frame ${scope.currentFrame}, the journey at ${frame}.`);
    }
  }
}

/** What goes with a command rather than being copied. */
function transferOf(command: CaptureCommand | ReceiveCommand | PlayoutCommand): ArrayBuffer[] {
  switch (command.type) {
    case 'recycle':
      return [command.header.buffer as ArrayBuffer];
    case 'packet':
    case 'write':
      return [command.bytes.buffer as ArrayBuffer];
    case 'grow':
      return [command.storage];
    default:
      return [];
  }
}

function portOf(postMessage: Post): MessagePortLike {
  return { postMessage, addEventListener: () => {}, start: () => {}, close: () => {} };
}
