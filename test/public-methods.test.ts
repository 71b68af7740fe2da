/** Wrong arguments of the methods of what a page or a Worker holds. Constructors and functions: public-arguments.test.ts. */
import { afterEach, expect, it, vi } from 'vitest';
import { createWorkletScope } from '../src/testing/index.ts';
import {
  Capture,
  DataChannelTransport,
  LoopbackTransport,
  Receiver,
  Recorder,
  WebSocketTransport,
} from '../src/web/index.ts';
import { openPlayoutPort, openReceiverPort, receiveCapture } from '../src/worker/index.ts';
import { TestContext, TestNode, TestTrack, openPage } from './helpers/capture-rig.ts';
import { FakeDataChannel } from './helpers/fake-data-channel.ts';
import { FakeContext, openNodePage } from './helpers/node-page.ts';
import { PlayoutPage } from './helpers/playout-page.ts';
import { callWrongly } from './helpers/wrong-arguments.ts';

const STREAM = { sampleRate: 48_000, channels: 1 };
const closers: (() => void)[] = [];
afterEach(() => {
  vi.unstubAllGlobals();
  for (const close of closers.splice(0)) close();
});

/** Stands for a Worker that is sent something. */
class SentTo {
  data: unknown;
  postMessage(message: unknown): void {
    this.data = message;
  }
  get asWorker(): Worker {
    return this as unknown as Worker;
  }
}

async function openCapture(): Promise<Capture> {
  closers.push(await openPage());
  return Capture.create(new TestContext().asContext, new TestTrack().asTrack);
}

async function openPlayout(): Promise<PlayoutPage> {
  const page = await PlayoutPage.open(STREAM);
  closers.push(() => page.close());
  return page;
}

async function openReceiver(): Promise<Receiver> {
  const scope = createWorkletScope({ sampleRate: 48_000 });
  closers.push(() => scope.close());
  await scope.addModule(() => import('../worklets/receive.ts'));
  const context = new FakeContext(48_000);
  const page = await openNodePage(scope, context, [], (base) => Receiver.create(base, STREAM));
  return page.held;
}

const OPENED: Readonly<Record<string, () => Promise<object>>> = {
  Capture: openCapture,
  Recorder: async () => {
    closers.push(await openPage());
    const context = new TestContext().asContext;
    return Recorder.create(context, new TestTrack().asTrack, { container: 'wav' });
  },
  Playout: async () => (await openPlayout()).playout,
  Receiver: openReceiver,
  ReceivedCapture: async () => {
    const sent = new SentTo();
    const piped = (await openCapture()).pipeToWorker(sent.asWorker);
    await TestNode.made.at(-1)!.render(1);
    await piped;
    return receiveCapture(sent)!;
  },
  PlayoutPort: async () => {
    const sent = new SentTo();
    (await openPlayout()).playout.pipeFromWorker(sent.asWorker);
    return openPlayoutPort(sent)!;
  },
  ReceiverPort: async () => {
    const sent = new SentTo();
    (await openReceiver()).pipeFromWorker(sent.asWorker);
    return openReceiverPort(sent)!;
  },
  LoopbackTransport: async () => LoopbackTransport.create(),
  WebSocketTransport: async () => {
    const socket = { bufferedAmount: 0, send() {}, close() {} } as never;
    return WebSocketTransport.create('ws://localhost', { createSocket: () => socket });
  },
  DataChannelTransport: async () => DataChannelTransport.create(new FakeDataChannel() as never),
};

/** Protected: only the classes of transports themselves call them. */
const PROTECTED = new Set(['start', 'begin', 'transmit', 'deliver']);

it.each(Object.entries(OPENED))('of %s never end in a message of the engine', async (_, open) => {
  const { told, ofTheEngine } = await callWrongly(await open(), (name) => PROTECTED.has(name));
  expect(told.length).toBeGreaterThan(0);
  expect(ofTheEngine).toEqual([]);
});
