import { afterEach, describe, expect, it } from 'vitest';
import { MicwireError, PacketError } from '../src/core/errors.ts';
import { binaryFraming } from '../src/core/framing/binary.ts';
import type { Packet } from '../src/core/framing/packet.ts';
import { rtpFraming } from '../src/core/framing/rtp.ts';
import type { ReceiveFraming } from '../src/core/receive/receive-feed.ts';
import { createWorkletScope } from '../src/testing/index.ts';
import type { ScopeNode, WorkletScope } from '../src/testing/index.ts';
import { Receiver } from '../src/web/receiver.ts';
import { checkReceiverOptions } from '../src/web/receiver-options.ts';
import type { ReceiverOptions } from '../src/web/receiver-options.ts';
import { openReceiverPort } from '../src/worker/receiver-port.ts';
import { FakeContext, openNodePage } from './helpers/node-page.ts';
import type { NodePage } from './helpers/node-page.ts';
import { opusDataUrl } from './helpers/opus.ts';
import { voice } from './helpers/voice.ts';
import { eventually } from './helpers/eventually.ts';
import { seededRandom } from './helpers/random.ts';

const RATE = 48_000;
const FRAMES = 960;

/** A page's `Receiver` in Node: real processor and messages, a stand-in scope and graph. */
class ReceiverPage {
  readonly scope: WorkletScope;
  readonly context: FakeContext;
  readonly calls: string[];
  readonly receiver: Receiver;
  readonly node: ScopeNode;

  private constructor(
    scope: WorkletScope,
    context: FakeContext,
    calls: string[],
    { held, node }: NodePage<Receiver>,
  ) {
    this.scope = scope;
    this.context = context;
    this.calls = calls;
    this.receiver = held;
    this.node = node;
  }

  static async open(options: Partial<ReceiverOptions> = {}): Promise<ReceiverPage> {
    const scope = createWorkletScope({ sampleRate: RATE });
    cleanups.push(() => scope.close());
    await scope.addModule(() =>
      options.format === 'opus'
        ? import('../worklets/receive-opus.ts')
        : import('../worklets/receive.ts'),
    );
    const context = new FakeContext(RATE);
    const calls: string[] = [];
    const page = await openNodePage(scope, context, calls, (base) =>
      Receiver.create(base, { sampleRate: RATE, ...options }),
    );
    return new ReceiverPage(scope, context, calls, page);
  }

  /** Renders that many frames and delivers what both sides have posted. */
  render(frames: number): number {
    let power = 0;
    this.scope.deliver();
    for (let at = 0; at < frames; at += this.scope.quantum) {
      this.scope.render();
      for (const sample of this.node.outputs[0]![0]!) power += sample * sample;
      this.scope.deliver();
    }
    return power / frames;
  }
}

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

const signal = voice(RATE);
function packet(sequence: number, more: Partial<Packet> = {}): Packet {
  const frame = sequence * FRAMES;
  const samples = Int16Array.from({ length: FRAMES }, (_, i) => 32_767 * signal[frame + i]!);
  return {
    sequence,
    frame,
    frames: FRAMES,
    timestamp: sequence * 20_000,
    dropped: 0,
    format: 's16',
    sampleRate: RATE,
    channels: 1,
    payload: new Uint8Array(samples.buffer),
    ...more,
  };
}

/** Sends twenty packets in real time, and renders. @returns the power of what was rendered */
function play(page: ReceiverPage, insert: (sequence: number) => void): number {
  let power = 0;
  for (let sequence = 0; sequence < 20; sequence++) {
    insert(sequence);
    power = page.render(FRAMES);
  }
  return power;
}

it('reports its state, position and statistics', async () => {
  const page = await ReceiverPage.open();
  const { receiver } = page;
  const states: string[] = [];
  receiver.addEventListener('statechange', () => states.push(receiver.state));
  expect(receiver.state).toBe('waiting');
  expect(receiver.position).toEqual({ frame: -1, seconds: -1, contextTime: 0 });
  const payload = packet(3).payload;
  const before = payload.slice();
  expect(play(page, (sequence) => receiver.insert(packet(sequence)))).toBeGreaterThan(1e-3);
  receiver.insert(packet(3, { payload }));
  expect(payload).toEqual(before);
  expect(states).toEqual(['playing']);
  const { frame, seconds, contextTime } = receiver.position;
  expect(frame).toBeGreaterThan(10 * FRAMES);
  expect(seconds).toBeCloseTo(frame / RATE, 9);
  expect(contextTime).toBeCloseTo(0.4, 1);
  page.render(FRAMES);
  const { stats } = receiver;
  expect(stats.packetsReceived).toBe(21);
  expect(stats.packetsDiscarded).toBe(1);
  expect(stats.totalSamplesReceived).toBeGreaterThan(10 * FRAMES);
  expect(stats.jitterBufferEmittedCount).toBeGreaterThan(10 * FRAMES);
  page.render(10 * FRAMES);
  expect(receiver.state).toBe('concealing');
});

it('puts the packets of a message in order: the packet first, then its copies', async () => {
  const page = await ReceiverPage.open();
  play(page, (sequence) => {
    if (sequence % 4 === 2) return;
    const packets = [packet(sequence)];
    if (sequence > 0) packets.unshift(packet(sequence - 1, { redundant: true }));
    page.receiver.insert(packets);
  });
  const { stats } = page.receiver;
  expect(stats.packetsReceived).toBe(15);
  expect(stats.fecPacketsReceived).toBe(14);
  expect(stats.packetsRecovered).toBeGreaterThanOrEqual(3);
});

it('plays packets of Opus', async () => {
  const opusUrl = await opusDataUrl();
  const page = await ReceiverPage.open({ format: 'opus', opusUrl });
  // 20 ms of silence, by its table of contents alone.
  const payload = Uint8Array.of(0xf8, 0xff, 0xfe);
  play(page, (sequence) => page.receiver.insert(packet(sequence, { format: 'opus', payload })));
  expect(page.receiver.stats.jitterBufferEmittedCount).toBeGreaterThan(10 * FRAMES);
  expect(page.receiver.stats.decodeErrors).toBe(0);
  const broken = packet(0, { format: 'opus', payload: new Uint8Array(0) });
  page.receiver.insert(broken);
  expect(page.receiver.stats.decodeErrors).toBe(1);
  const stereo = packet(0, { format: 'opus', payload, channels: 2 });
  expect(() => page.receiver.insert(stereo)).toThrow(PacketError);

  const short = await ReceiverPage.open({ format: 'opus', opusUrl, maxPacketDurationMs: 10 });
  const long = packet(0, { format: 'opus', payload });
  short.receiver.insert(long);
  expect(short.receiver.stats.decodeErrors).toBe(1);
});

it('lets a Worker insert, and returns its buffers', async () => {
  const page = await ReceiverPage.open();
  let handover: unknown;
  const worker = { postMessage: (message: unknown) => void (handover = message) };
  page.receiver.pipeFromWorker(worker as unknown as Worker);
  page.scope.deliver();
  expect(openReceiverPort({ data: { type: 'other' } })).toBeUndefined();
  expect(openReceiverPort({ data: null })).toBeUndefined();
  const port = openReceiverPort({ data: handover })!;
  cleanups.push(() => port.close());
  expect(port).toMatchObject({ format: 's16', sampleRate: RATE, channels: 1 });
  for (let sequence = 0; sequence < 20; sequence++) port.insert(packet(sequence));
  await eventually(() => {
    page.render(128);
    expect(page.receiver.stats.packetsReceived).toBe(20);
  });
  expect(() => port.insert(packet(0, { channels: 2 }))).toThrow(PacketError);
  void port.close();
  expect(() => port.insert(packet(0))).toThrow(MicwireError);
});

it('changes its limits while it plays', async () => {
  const page = await ReceiverPage.open();
  const { receiver } = page;
  receiver.minDelayMs = 200;
  play(page, (sequence) => receiver.insert(packet(sequence)));
  expect(receiver.stats.targetDelayMs).toBe(200);
  expect(receiver.minDelayMs).toBe(200);
  receiver.minDelayMs = 0;
  receiver.maxDelayMs = 30;
  page.render(FRAMES);
  expect(receiver.stats.targetDelayMs).toBeLessThanOrEqual(30);
  expect(() => (receiver.minDelayMs = 31)).toThrow(RangeError);
  expect(() => (receiver.maxDelayMs = 20_000)).toThrow(RangeError);
});

it('forgets a stream', async () => {
  const page = await ReceiverPage.open();
  play(page, (sequence) => page.receiver.insert(packet(sequence)));
  page.receiver.reset();
  page.render(FRAMES);
  expect(page.receiver.state).toBe('waiting');
  expect(play(page, (sequence) => page.receiver.insert(packet(sequence)))).toBeGreaterThan(1e-3);
});

it.each([
  ['another format', { format: 'f32' }],
  ['another rate', { sampleRate: 8000 }],
  ['other channels', { channels: 2 }],
] as const)('refuses packets of %s, and inserts the others of the list', async (_, more) => {
  const page = await ReceiverPage.open();
  const { receiver } = page;
  expect(() => receiver.insert([packet(0), packet(1, more), packet(2)])).toThrow(PacketError);
  page.render(FRAMES);
  expect(receiver.stats).toMatchObject({ packetsReceived: 2, decodeErrors: 0 });
});

it.each([
  ['half a frame', { payload: new Uint8Array(3) }],
  ['nothing', { payload: new Uint8Array(0) }],
  ['too much', { payload: new Uint8Array(100_000) }],
] as const)('counts packets of %s, and inserts the others of the list', async (_, more) => {
  const page = await ReceiverPage.open();
  const { receiver } = page;
  receiver.insert([packet(0), packet(1, more), packet(2)]);
  page.render(FRAMES);
  expect(receiver.stats).toMatchObject({ packetsReceived: 2, decodeErrors: 1 });
});

describe('receive', () => {
  const encoder = binaryFraming.createEncoder();

  it('accepts messages in the types of all transports', async () => {
    const page = await ReceiverPage.open({ framing: binaryFraming });
    const { receiver } = page;
    const message = (sequence: number): Uint8Array<ArrayBuffer> =>
      Uint8Array.from(encoder.encode(packet(sequence)) as Uint8Array);
    expect(receiver.receive(message(0))).toBe(true);
    expect(receiver.receive(message(1).buffer)).toBe(true);
    expect(receiver.receive(new DataView(message(2).buffer))).toBe(true);
    page.render(FRAMES);
    expect(receiver.stats).toMatchObject({ packetsReceived: 3, badMessages: 0 });
  });

  it('never throws for a message from a network, and counts the bad ones', async () => {
    const random = seededRandom(7);
    const page = await ReceiverPage.open({ framing: binaryFraming });
    const { receiver } = page;
    let bad = 0;
    for (let i = 0; i < 2000; i++) {
      const message = Uint8Array.from(encoder.encode(packet(i)) as Uint8Array);
      const cut = message.slice(0, Math.floor(random() * message.length));
      for (let bit = 0; bit < 4; bit++) {
        cut[Math.floor(random() * cut.length)] = Math.floor(random() * 256);
      }
      if (!receiver.receive(cut)) bad++;
    }
    if (!receiver.receive('text')) bad++;
    if (
      !receiver.receive(
        encoder.encode(
          packet(0, { channels: 2, payload: new Uint8Array(FRAMES * 4) }),
        ) as Uint8Array<ArrayBuffer>,
      )
    )
      bad++;
    expect(bad).toBeGreaterThan(1000);
    expect(receiver.stats.badMessages).toBe(bad);
    expect(() => receiver.receive(1 as never)).toThrow(TypeError);
    void receiver.close();
    expect(receiver.receive(encoder.encode(packet(0)) as Uint8Array<ArrayBuffer>)).toBe(false);
  });

  it('decodes with a framing that has its own options, even in a Worker', async () => {
    const framing: ReceiveFraming = {
      createDecoder: (stream) => rtpFraming.createDecoder({ ...stream, ssrc: 5 }),
    };
    const page = await ReceiverPage.open({ framing });
    const rtp = rtpFraming.createEncoder({ format: 's16', sampleRate: RATE, channels: 1, ssrc: 5 });
    const other = rtpFraming.createEncoder({
      format: 's16',
      sampleRate: RATE,
      channels: 1,
      ssrc: 6,
    });
    expect(page.receiver.receive(rtp.encode(packet(0)) as Uint8Array<ArrayBuffer>)).toBe(true);
    expect(page.receiver.receive(other.encode(packet(0)) as Uint8Array<ArrayBuffer>)).toBe(false);
    let handover: unknown;
    const worker = { postMessage: (message: unknown) => void (handover = message) };
    page.receiver.pipeFromWorker(worker as unknown as Worker);
    page.scope.deliver();
    const port = openReceiverPort({ data: handover }, { framing: binaryFraming })!;
    cleanups.push(() => port.close());
    expect(port.receive(encoder.encode(packet(1)) as Uint8Array<ArrayBuffer>)).toBe(true);
    expect(port.receive('no message')).toBe(false);
    port.insert(packet(2, { payload: new Uint8Array(3) }));
    expect(port).toMatchObject({ badMessages: 1, decodeErrors: 1 });
  });

  it('without a framing, throws an error that names the option', async () => {
    const { receiver } = await ReceiverPage.open();
    expect(() => receiver.receive('x')).toThrow(/framing/);
  });
});

it('closes by itself with its context, and when the processor fails', async () => {
  const page = await ReceiverPage.open();
  page.context.changeState('closed');
  expect(page.receiver.state).toBe('closed');
  expect(page.calls).toEqual(['disconnect']);
  expect(() => page.receiver.insert(packet(0))).toThrow(MicwireError);
  void page.receiver.close();

  const other = await ReceiverPage.open();
  const errors: unknown[] = [];
  other.receiver.addEventListener('error', ({ detail }) => errors.push(detail.code));
  const node = other.receiver.node as unknown as { onprocessorerror: (event: Event) => void };
  node.onprocessorerror(new Event('processorerror'));
  expect(errors).toEqual(['processor-error']);
  expect(other.receiver.state).toBe('closed');
  expect(() => other.receiver.pipeFromWorker(new MessageChannel().port1)).toThrow(MicwireError);
});

it('ends its processor', async () => {
  const page = await ReceiverPage.open();
  void page.receiver.close();
  page.scope.deliver();
  page.scope.render();
  expect(page.node.alive).toBe(false);
});

it.each([
  [{ format: 'mp3' }, TypeError],
  [{ sampleRate: 100 }, RangeError],
  [{ format: 'opus', channels: 3 }, RangeError],
  [{ minDelayMs: -1 }, RangeError],
  [{ minDelayMs: 50, maxDelayMs: 40 }, RangeError],
  [{ latencyCost: 0 }, RangeError],
  [{ maxPackets: 100 }, RangeError],
  [{ maxPacketDurationMs: 1 }, RangeError],
  [{ outputChannels: 33 }, RangeError],
  [{ quality: 'best' }, TypeError],
])('refuses %o', (options, error) => {
  expect(() => checkReceiverOptions({ sampleRate: RATE, ...options } as never)).toThrow(error);
});
