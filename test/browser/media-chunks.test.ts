import { MediaChunks, MicwireError } from 'micwire';
import { afterEach, beforeEach, expect, test as vitestTest } from 'vitest';
import { endContext } from '../helpers/end-context.ts';
import { eventually } from '../helpers/eventually.ts';
import { RECORDS } from '../helpers/records.ts';

let context: AudioContext;
let stream: MediaStream;
let rejections: unknown[];
let recorders: MediaRecorder[];
const Native = globalThis.MediaRecorder;
const onRejection = (event: PromiseRejectionEvent): void => {
  event.preventDefault();
  rejections.push(event.reason);
};

beforeEach(async () => {
  context = new AudioContext();
  await context.resume();
  const destination = new MediaStreamAudioDestinationNode(context);
  const source = new OscillatorNode(context);
  source.connect(destination);
  source.start();
  ({ stream } = destination);
  rejections = [];
  recorders = [];
  globalThis.MediaRecorder = class extends Native {
    constructor(...options: ConstructorParameters<typeof MediaRecorder>) {
      super(...options);
      recorders.push(this);
    }
  };
  addEventListener('unhandledrejection', onRejection);
});
afterEach(async () => {
  globalThis.MediaRecorder = Native;
  removeEventListener('unhandledrejection', onRejection);
  await endContext(context);
});

const test = vitestTest.skipIf(!RECORDS);

/** Long enough for what is still on its way. */
async function settle(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 500));
}

test('a cancelled reader ends the encoding, and nothing is rejected afterwards', async () => {
  const chunks = MediaChunks.create(stream);
  const reader = chunks.readable.getReader();
  expect((await reader.read()).done).toBe(false);
  await reader.cancel();
  await eventually(() => expect(recorders[0]!.state).toBe('inactive'));
  await settle();
  expect(rejections).toEqual([]);
  void chunks.close();
  void chunks.pause();
  void chunks.resume();
});

test('leaving a loop while it waits settles it, and reading can start again', async () => {
  const chunks = MediaChunks.create(stream, { chunkDurationMs: 60_000 });
  const iterator = chunks[Symbol.asyncIterator]();
  const waiting = iterator.next();
  await iterator.return!();
  expect(await waiting).toEqual({ done: true, value: undefined });
  await settle();
  void chunks.close();
  let bytes = 0;
  for await (const chunk of chunks) bytes += chunk.bytes.length;
  expect(bytes).toBeGreaterThan(0);
  expect(rejections).toEqual([]);
});

test('a recorder that fails midway fails the reading once, and ends it', async () => {
  const chunks = MediaChunks.create(stream);
  const reader = chunks.readable.getReader();
  await reader.read();
  recorders[0]!.onerror!(
    Object.assign(new Event('error'), { error: new DOMException('the encoder is gone') }) as never,
  );
  const failure = (async () => {
    while (!(await reader.read()).done);
  })();
  await expect(failure).rejects.toBeInstanceOf(MicwireError);
  await eventually(() => expect(recorders[0]!.state).toBe('inactive'));
  await settle();
  expect(rejections).toEqual([]);
});

test('reading ends when the track does', async () => {
  const chunks = MediaChunks.create(stream);
  const iterator = chunks[Symbol.asyncIterator]();
  await iterator.next();
  for (const track of stream.getTracks()) track.stop();
  await eventually(() => expect(recorders[0]!.state).toBe('inactive'));
  while (!(await iterator.next()).done);
  expect(rejections).toEqual([]);
});
