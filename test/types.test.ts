/** What compiles: held by `tsc`, which reads this file; a fault is an error of types, not of a run. */
import { expect, test } from 'vitest';
import { RtpMessageEncoder } from '../src/core/framing/rtp-message-encoder.ts';
import { LossReporter } from '../src/core/rtp/index.ts';
import { base64JsonFraming, binaryFraming, rtpFraming } from '../src/web/index.ts';
import type { MessageEncoder, Packet, PayloadFormat, SampleFormat } from '../src/web/index.ts';
import type { ReceivedCapture } from '../src/worker/index.ts';

const stream = { format: 's16', sampleRate: 8000, channels: 1 } as const;
const packet: Packet = {
  ...stream,
  sequence: 0,
  frame: 0,
  frames: 1,
  timestamp: 0,
  dropped: 0,
  payload: new Uint8Array(2),
};

test('a message of every framing has a type that WebSocket.send and RTCDataChannel.send accept', () => {
  const sent: (string | ArrayBufferView)[] = [];
  const socket: Pick<WebSocket, 'send'> = { send: (data) => sent.push(data as string) };
  const channel = {
    send: (data: string | ArrayBufferView<ArrayBuffer>) => void sent.push(data),
  };
  const peer = channel as unknown as Pick<RTCDataChannel, 'send'>;
  for (const framing of [binaryFraming, base64JsonFraming, rtpFraming]) {
    const encoder: MessageEncoder = framing.createEncoder(stream);
    socket.send(encoder.encode(packet));
    const message = encoder.encode(packet);
    if (typeof message === 'string') peer.send(message);
    else peer.send(message);
  }
  // What rtp writes are bytes of memory that is its own alone.
  const bytes: Uint8Array<ArrayBuffer> = new RtpMessageEncoder(stream).encode(packet);
  socket.send(bytes);
  const report: Uint8Array<ArrayBuffer> | null = new LossReporter(stream).receive(packet, 0);
  expect(sent).toHaveLength(7);
  expect(report).toBeNull();
});

test('a capture that arrives in a Worker may have the format Opus by its type', () => {
  type Format = ReceivedCapture['format'];
  const formats: readonly Format[] = ['opus', 's16'] satisfies readonly PayloadFormat[];
  // @ts-expect-error -- it is not always a format of samples
  const samples: SampleFormat = formats[0]!;
  expect(samples).toBe('opus');
});
