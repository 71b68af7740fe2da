import { AudioContext as MockContext, registrar } from 'standardized-audio-context-mock';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { MeterCommand, MeterEvent, MeterProcessorOptions } from '../src/core/messages.ts';
import { SnapshotWriter } from '../src/core/snapshot.ts';
import { Meter } from '../src/web/index.ts';

/** What the mock lacks: a worklet node, here one that records what it is given. */
class RecordingNode {
  static made: RecordingNode[] = [];
  readonly commands: MeterCommand[] = [];
  readonly connected: unknown[] = [];
  disconnects = 0;
  portClosed = false;
  readonly port = {
    onmessage: null as ((event: { data: MeterEvent }) => void) | null,
    postMessage: (command: MeterCommand): void => void this.commands.push(command),
    close: (): void => void (this.portClosed = true),
  };
  readonly context: unknown;
  readonly name: string;
  readonly options: AudioWorkletNodeOptions & { processorOptions: MeterProcessorOptions };

  constructor(context: unknown, name: string, options: RecordingNode['options']) {
    this.context = context;
    this.name = name;
    this.options = options;
    RecordingNode.made.push(this);
  }
  connect(target: unknown): void {
    this.connected.push(target);
  }
  disconnect(): void {
    this.disconnects++;
  }
}

let context: BaseAudioContext;
beforeEach(() => {
  RecordingNode.made = [];
  vi.stubGlobal('AudioWorkletNode', RecordingNode);
  context = new MockContext() as unknown as BaseAudioContext;
  const audioWorklet = { addModule: (): Promise<void> => Promise.resolve() };
  Object.defineProperty(context, 'audioWorklet', { value: audioWorklet, configurable: true });
});
afterEach(() => {
  registrar.reset(context as unknown as MockContext);
  vi.unstubAllGlobals();
});

function made(): RecordingNode {
  expect(RecordingNode.made.length).toBe(1);
  return RecordingNode.made[0]!;
}

test('a meter is one node with one input that keeps its channels, connected to the destination', async () => {
  const meter = await Meter.create(context, { execution: 'typescript', channels: 6 });
  const node = made();
  expect(meter.node).toBe(node);
  expect(node.context).toBe(context);
  expect(node.name).toBe('micwire-meter');
  expect(node.options).toMatchObject({
    numberOfInputs: 1,
    numberOfOutputs: 1,
    outputChannelCount: [1],
    channelCount: 6,
    channelCountMode: 'clamped-max',
  });
  expect(node.connected).toEqual([context.destination]);
  const source = context.createGain();
  source.connect(meter.node);
  expect(registrar.getAudioNodes(context as never, 'GainNode')).toEqual([source]);
});

test('create loads the worklet from the URL given, and passes the kernel unless disabled', async () => {
  const addModule = vi.fn(() => Promise.resolve());
  Object.defineProperty(context, 'audioWorklet', { value: { addModule } });
  await Meter.create(context, { workletUrl: 'https://example.org/meter.js' });
  expect(addModule.mock.calls).toEqual([['https://example.org/meter.js']]);
  expect(made().options.processorOptions.wasm).toBeInstanceOf(WebAssembly.Module);
  await Meter.create(context, { execution: 'typescript' });
  expect(RecordingNode.made[1]!.options.processorOptions.wasm).toBeUndefined();
});

test('without isolation it asks for posts and reads the latest', async () => {
  const meter = await Meter.create(context, { execution: 'typescript' });
  const node = made();
  expect(node.options.processorOptions).toEqual({
    channels: 2,
    meters: ['peak', 'rms'],
    settings: {},
    wasm: undefined,
    snapshot: null,
  });
  const reading = meter.createReading();
  expect([...reading.peakDbfs]).toEqual([-Infinity, -Infinity]);
  expect(meter.read(reading)).toBe(false);
  for (const value of [1, 2]) {
    const values = new Float64Array(reading.values.length).fill(value);
    node.port.onmessage!({ data: { type: 'reading', frame: value, values } });
  }
  expect(meter.read(reading)).toBe(true);
  expect([...reading.rmsDbfs]).toEqual([2, 2]);
});

test('with isolation it shares memory of the right size and reads from it', async () => {
  vi.stubGlobal('crossOriginIsolated', true);
  const meter = await Meter.create(context, {
    execution: 'typescript',
    channels: 1,
    meters: ['peak'],
  });
  const { snapshot } = made().options.processorOptions;
  const reading = meter.createReading();
  expect(meter.read(reading)).toBe(false);
  new SnapshotWriter(snapshot!).publish(Float64Array.from(reading.values.keys()));
  expect(meter.read(reading)).toBe(true);
  expect([...reading.values]).toEqual([...reading.values.keys()]);
});

test('reset and close are sent to the processor; after close nothing else is', async () => {
  const meter = await Meter.create(context, { execution: 'typescript' });
  const node = made();
  meter.reset();
  void meter.close();
  void meter.close();
  expect(node.commands).toEqual([{ type: 'reset' }, { type: 'close' }]);
  expect(node.disconnects).toBe(1);
  expect(() => meter.reset()).toThrow('The meter is closed');
  node.port.onmessage!({ data: { type: 'closed', frame: 0 } });
  expect(node.portClosed).toBe(true);
});

test('wrong options are refused before a node is made', async () => {
  await expect(Meter.create(context, { channels: 0 })).rejects.toThrow(RangeError);
  await expect(Meter.create(context, { meters: ['vu-meter' as 'rms'] })).rejects.toThrow(TypeError);
  expect(RecordingNode.made).toEqual([]);
});
