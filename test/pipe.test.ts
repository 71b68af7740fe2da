import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { CaptureOptions } from '../src/web/capture-options.ts';
import { Capture } from '../src/web/capture.ts';
import { LoopbackTransport } from '../src/web/transport/loopback.ts';
import { WebSocketTransport } from '../src/web/transport/websocket.ts';
import type { WebSocketLike } from '../src/core/socket.ts';
import { DataChannelTransport } from '../src/web/transport/data-channel.ts';
import { binaryFraming } from '../src/core/framing/binary.ts';
import { base64JsonFraming } from '../src/core/framing/base64-json.ts';
import { rtpFraming } from '../src/core/framing/rtp.ts';
import type { Framing } from '../src/core/framing/framing.ts';
import type { Packet } from '../src/core/framing/packet.ts';
import type { Transport, TransportMessage } from '../src/web/transport/transport.ts';
import { receiveCapture } from '../src/worker/receive-capture.ts';
import { TestContext, TestNode, TestTrack, openPage } from './helpers/capture-rig.ts';
import { FakeDataChannel } from './helpers/fake-data-channel.ts';
import { PlayoutPage } from './helpers/playout-page.ts';
import { seededRandom } from './helpers/random.ts';

/** A socket that opens, delivers and closes when the test says so. */
class TestSocket implements WebSocketLike {
  binaryType = '';
  bufferedAmount = 0;
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: never) => void) | null = null;
  onclose: ((event: never) => void) | null = null;
  onerror: ((event: never) => void) | null = null;
  readonly sent: TransportMessage[] = [];
  send(data: string | Uint8Array): void {
    this.sent.push(data);
  }
  close(): void {}
  open(): void {
    this.onopen?.({} as never);
  }
  cut(): void {
    this.onclose?.({ code: 1006, reason: '' } as never);
  }
}

/** The frames that messages carry, and that none comes twice or out of order. */
function framesIn(framing: Framing, messages: readonly TransportMessage[]): Packet[] {
  const decoder = framing.createDecoder(STREAM);
  const packets = messages.flatMap((message) => [...decoder.decode(message)]);
  let next = 0;
  for (const packet of packets) {
    expect(packet.frame).toBeGreaterThanOrEqual(next);
    next = packet.frame + packet.frames;
  }
  return packets;
}
const framesOf = (packets: readonly Packet[]): number =>
  packets.reduce((sum, { frames }) => sum + frames, 0);
const STREAM = { format: 's16', sampleRate: 48_000, channels: 1 } as const;

let context: TestContext;
let closePage: () => void;
const unhandled = vi.fn();
beforeEach(async () => {
  closePage = await openPage();
  context = new TestContext();
  unhandled.mockClear();
  process.on('unhandledRejection', unhandled);
});
afterEach(() => {
  process.off('unhandledRejection', unhandled);
  vi.unstubAllGlobals();
  closePage();
  expect(unhandled).not.toHaveBeenCalled();
});

async function open(options: CaptureOptions = {}): Promise<{ capture: Capture; node: TestNode }> {
  const capture = await Capture.create(context.asContext, new TestTrack().asTrack, options);
  return { capture, node: TestNode.made.at(-1)! };
}

async function end(capture: Capture, node: TestNode): Promise<void> {
  const closing = capture.close();
  await node.render(1);
  await closing;
}

/** All that went out over it. */
function arrivals(transport: Transport): TransportMessage[] {
  const messages: TransportMessage[] = [];
  transport.addEventListener('message', ({ data }) => messages.push(data));
  return messages;
}

describe('capture.pipeTo', () => {
  it.each([
    ['binary', binaryFraming],
    ['base64-json', base64JsonFraming],
    ['rtp', rtpFraming],
  ] satisfies [string, Framing][])(
    'sends every chunk in %s, across a pause, and resolves when the capture ends',
    async (_, framing) => {
      const { capture, node } = await open();
      const transport = LoopbackTransport.create();
      const messages = arrivals(transport);
      const piped = capture.pipeTo(transport, framing);
      await node.render(30, 0.1);
      const pausing = capture.pause();
      await node.render(1);
      await pausing;
      await node.render(10, 0.9);
      await capture.resume();
      await node.render(30, 0.2);
      await end(capture, node);
      const result = await piped;
      const {
        capturedFrames: captured,
        deliveredFrames: delivered,
        droppedFrames: dropped,
      } = capture.stats;
      expect(result).toEqual({
        endedBy: 'capture',
        sentChunks: transport.stats.sentMessages,
        sentFrames: captured,
        droppedFrames: 0,
      });
      expect([delivered, dropped]).toEqual([captured, 0]);
      await expect.poll(() => messages.length).toBe(result.sentChunks);
      expect(framesOf(framesIn(framing, messages))).toBe(captured);
      await transport.close();
    },
  );

  it('waits for the first connection, and then sends the audio captured meanwhile', async () => {
    const socket = new TestSocket();
    const transport = WebSocketTransport.create('ws://lab.test', { createSocket: () => socket });
    const { capture, node } = await open();
    const piped = capture.pipeTo(transport, binaryFraming);
    await node.render(30);
    expect(socket.sent).toEqual([]);
    socket.open();
    await expect.poll(() => socket.sent.length).toBeGreaterThan(0);
    await end(capture, node);
    expect((await piped).sentFrames).toBe(capture.stats.capturedFrames);
    expect(framesIn(binaryFraming, socket.sent)[0]).toMatchObject({ frame: 0, dropped: 0 });
    expect(transport.stats.droppedMessages).toBe(0);
    await transport.close();
  });

  it('continues on the connection that follows a lost one, and accounts for every frame', async () => {
    const sockets: TestSocket[] = [];
    const transport = WebSocketTransport.create('ws://lab.test', {
      firstDelayMs: 1,
      createSocket: () => {
        sockets.push(new TestSocket());
        return sockets.at(-1)!;
      },
    });
    const told: string[] = [];
    transport.addEventListener('error', ({ detail }) => told.push(detail.code));
    // Holds five chunks: the cut below is longer.
    const { capture, node } = await open({ bufferDurationMs: 100 });
    const piped = capture.pipeTo(transport, binaryFraming);
    const random = seededRandom(7);
    for (let round = 0; round < 5; round++) {
      await expect.poll(() => sockets.length).toBe(round + 1);
      sockets[round]!.open();
      await node.render(Math.ceil(random() * 40));
      sockets[round]!.cut();
      await node.render(Math.ceil(random() * 120));
    }
    await expect.poll(() => sockets.length).toBe(6);
    sockets[5]!.open();
    await node.render(20);
    await end(capture, node);
    const { endedBy, sentFrames, droppedFrames } = await piped;
    expect(endedBy).toBe('capture');
    expect(told).toEqual(['transport', 'transport', 'transport', 'transport', 'transport']);
    const {
      capturedFrames: captured,
      deliveredFrames: delivered,
      droppedFrames: dropped,
      queuedFrames: queued,
    } = capture.stats;
    expect(queued).toBe(0);
    expect(dropped).toBeGreaterThan(0);
    expect(delivered).toBe(sentFrames + droppedFrames);
    expect(captured).toBe(delivered + dropped);
    const packets = framesIn(
      binaryFraming,
      sockets.flatMap(({ sent }) => sent),
    );
    expect(framesOf(packets)).toBe(sentFrames);
    // The other end is told of each frame that was dropped.
    expect(packets.reduce((sum, packet) => sum + packet.dropped, 0)).toBe(dropped);
    await transport.close();
  });

  it('holds chunks back while the transport is congested', async () => {
    const channel = new FakeDataChannel();
    const transport = DataChannelTransport.create(channel, { highWaterBytes: 4000 });
    await expect.poll(() => transport.state).toBe('open');
    const { capture, node } = await open();
    const piped = capture.pipeTo(transport, binaryFraming);
    await node.render(200);
    await end(capture, node);
    const { sentFrames, droppedFrames } = await piped;
    expect(sentFrames + droppedFrames).toBe(capture.stats.deliveredFrames);
    expect(droppedFrames).toBe(0);
    expect(sentFrames).toBe(capture.stats.capturedFrames);
    await transport.close();
  });

  it('ends with the transport, and the capture can be piped again', async () => {
    const { capture, node } = await open();
    const first = LoopbackTransport.create();
    const piped = capture.pipeTo(first, binaryFraming);
    await expect.poll(() => first.state).toBe('open');
    await node.render(30);
    await first.close();
    const one = await piped;
    expect(one.endedBy).toBe('transport');
    const second = LoopbackTransport.create();
    const more = capture.pipeTo(second, binaryFraming);
    await node.render(30);
    await end(capture, node);
    const two = await more;
    const {
      capturedFrames: captured,
      deliveredFrames: delivered,
      droppedFrames: dropped,
    } = capture.stats;
    expect(one.sentFrames + one.droppedFrames + two.sentFrames).toBe(delivered);
    expect(delivered + dropped).toBe(captured);
    expect(two.endedBy).toBe('capture');
    await second.close();
    const closed = await (await open()).capture.pipeTo(second, binaryFraming);
    expect(closed).toEqual({
      endedBy: 'transport',
      sentChunks: 0,
      sentFrames: 0,
      droppedFrames: 0,
    });
  });

  it('ends by its signal, initially or midway', async () => {
    const { capture, node } = await open();
    const transport = LoopbackTransport.create();
    const aborted = await capture.pipeTo(transport, binaryFraming, { signal: AbortSignal.abort() });
    expect(aborted.endedBy).toBe('signal');
    const controller = new AbortController();
    const piped = capture.pipeTo(transport, binaryFraming, { signal: controller.signal });
    await node.render(30);
    await expect.poll(() => transport.stats.sentMessages).toBeGreaterThan(0);
    controller.abort();
    expect((await piped).endedBy).toBe('signal');
    expect(transport.state).toBe('open');
    expect(capture.state).toBe('running');
    await end(capture, node);
    await transport.close();
  });

  it('refuses a wrong transport, option or framing, and a second reader', async () => {
    const { capture } = await open();
    const transport = LoopbackTransport.create();
    await expect(capture.pipeTo(null as never, binaryFraming)).rejects.toThrow(/Transport/);
    await expect(capture.pipeTo(transport, binaryFraming, { signals: 1 } as never)).rejects.toThrow(
      /Did you mean 'signal'/,
    );
    await expect(capture.pipeTo(transport, undefined as never)).rejects.toThrow(/framing must/);
    void capture.pipeTo(transport, binaryFraming);
    await expect(capture.pipeTo(transport, binaryFraming)).rejects.toThrow(/already being read/);
    await transport.close();
  });
});

describe('the pipe of a capture in a Worker', () => {
  it('sends every chunk, including those that waited', async () => {
    const { capture, node } = await open();
    await node.render(30);
    let handover: unknown;
    const worker = { postMessage: (message: unknown) => void (handover = message) };
    const handing = capture.pipeToWorker(worker as unknown as Worker);
    await node.render(1);
    await handing;
    const received = receiveCapture({ data: handover })!;
    const transport = LoopbackTransport.create();
    const messages = arrivals(transport);
    const piped = received.pipeTo(transport, binaryFraming);
    await node.render(30);
    await end(capture, node);
    const { endedBy, sentFrames } = await piped;
    expect(endedBy).toBe('capture');
    expect(sentFrames).toBe(received.stats.capturedFrames);
    await expect.poll(() => framesOf(framesIn(binaryFraming, messages))).toBe(sentFrames);
    await transport.close();
  });
});

describe('playout.pipeFrom', () => {
  it('plays the audio of a piped capture, sample for sample, and counts messages of other framings', async () => {
    const { capture, node } = await open();
    const transport = LoopbackTransport.create();
    const page = await PlayoutPage.open({ sampleRate: 48_000, targetDelayMs: 0 });
    const played = page.playout.pipeFrom(transport, binaryFraming);
    const messages = arrivals(transport);
    const piped = capture.pipeTo(transport, binaryFraming);
    await node.render(30, 0.25);
    await end(capture, node);
    const { sentFrames, sentChunks } = await piped;
    transport.send('not of this framing');
    await expect.poll(() => messages.length).toBe(sentChunks + 1);
    const heard = page.render(sentFrames);
    expect(heard.filter((sample) => sample === 0.25).length).toBeGreaterThan(sentFrames - 256);
    expect(page.playout.stats.lostFrames).toBe(0);
    const closing = page.playout.close();
    expect(await played).toEqual({
      endedBy: 'receiver',
      messages: sentChunks + 1,
      badMessages: 1,
    });
    page.scope.deliver();
    page.render(128);
    await closing;
    page.close();
    await transport.close();
  });
});
