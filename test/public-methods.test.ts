/** Wrong arguments of the methods of what a page or a Worker holds. Constructors and functions: public-arguments.test.ts. */
import { setImmediate } from 'node:timers/promises';
import { afterEach, expect, it, vi } from 'vitest';
import { describe } from '../src/core/arguments.ts';
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

/** Messages of engines, which do not say which argument is meant. */
const ENGINE =
  /Cannot (read|set|convert|destructure)|Cannot use 'in'|is not (a function|iterable|defined)|undefined \(reading|null \(/;

/** Protected: only the classes of transports themselves call them. */
const PROTECTED = new Set(['start', 'begin', 'transmit', 'deliver']);

type Method = (...given: unknown[]) => unknown;

/** Those of its classes, what ends it last. */
function methodsOf(object: object): [string, Method][] {
  const methods: [string, Method][] = [];
  let prototype: object = Object.getPrototypeOf(object);
  while (prototype !== EventTarget.prototype && prototype !== Object.prototype) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
      const isHidden = name === 'constructor' || PROTECTED.has(name);
      if (typeof value === 'function' && !isHidden) methods.push([name, value]);
    }
    prototype = Object.getPrototypeOf(prototype);
  }
  const isEnd = (name: string): number => (name === 'close' || name === 'stop' ? 1 : 0);
  return methods.toSorted(([one], [other]) => isEnd(one) - isEnd(other));
}

it.each(Object.entries(OPENED))('of %s never end in a message of the engine', async (_, open) => {
  const object = await open();
  const told: string[] = [];
  for (const [name, method] of methodsOf(object)) {
    for (const wrong of [null, undefined, 5, 'x', {}]) {
      const fail = (error: unknown): void => {
        told.push(`${name}(${describe(wrong)}): ${String(error)}`);
      };
      try {
        const result = Reflect.apply(method, object, [wrong, wrong, wrong]);
        // Some wait for the audio thread, which is not here.
        void Promise.resolve(result).catch(fail);
      } catch (error) {
        fail(error);
      }
      await setImmediate();
    }
  }
  expect(told.length).toBeGreaterThan(0);
  expect(told.filter((text) => ENGINE.test(text))).toEqual([]);
});
