import type { LaneId } from './lane-ids.ts';
import type { Copies, LaneSettings } from './lane-settings.ts';
import { LANE_SAMPLE_RATE } from './lane-settings.ts';

/** How an app does what a lane does. */
export interface LaneUse {
  /** TypeScript that runs as it is, in a page of `npm start`: the server's `/echo` sends back what it gets. */
  readonly code: string;
  /** Path of the guide to it, in the repository. */
  readonly guide: string;
}

/** The code of a lane with these settings: from the microphone to the loudspeaker, both ends in one page. */
export function laneUse(id: LaneId, settings: LaneSettings): LaneUse {
  return USES[id](settings);
}

const USES: Readonly<Record<LaneId, (settings: LaneSettings) => LaneUse>> = {
  'pcm-json-ws': (settings) => overWebSocket('s16', 'base64JsonFraming', settings),
  'pcm-binary-ws': (settings) => overWebSocket('s16', 'binaryFraming', settings),
  'opus-json-ws': (settings) => overWebSocket('opus', 'base64JsonFraming', settings),
  'opus-binary-ws': (settings) => overWebSocket('opus', 'binaryFraming', settings),
  'opus-rtp-dc': (settings) => overDataChannel(0, settings),
  'opus-rtp-dc-red': (settings) => overDataChannel(settings.copies, settings),
  'opus-rtp-wt': overWebTransport,
  'recorder-json-ws': byMediaRecorder,
  webrtc: (settings) => overWebrtc(false, settings),
  'webrtc-red': (settings) => overWebrtc(true, settings),
};

const START = `\
const context = new AudioContext();
const microphone = await navigator.mediaDevices.getUserMedia({ audio: true });`;

function overWebSocket(
  format: 's16' | 'opus',
  framing: 'base64JsonFraming' | 'binaryFraming',
  settings: LaneSettings,
): LaneUse {
  const code = `\
import { Capture, Receiver, WebSocketTransport, ${framing} } from 'micwire';

${START}
const capture = await Capture.create(context, microphone, ${captureOptions(format, settings)});
const receiver = await Receiver.create(context, ${receiverOptions(format, settings)});
receiver.connect(context.destination);
const transport = WebSocketTransport.create('/echo'); // your server
void receiver.pipeFrom(transport, ${framing});
void capture.pipeTo(transport, ${framing});
`;
  return { code, guide: 'docs/transports.md' };
}

function overDataChannel(copies: Copies, settings: LaneSettings): LaneUse {
  const framing =
    copies === 0
      ? 'rtpFraming'
      : `{
  createEncoder: (stream) => Object.assign(rtpFraming.createEncoder(stream), ${redundancyOf(copies)}),
}`;
  const code = `\
import { Call, Capture, DataChannelTransport, Receiver, memorySignalling, rtpFraming } from 'micwire';

${START}
const [here, there] = memorySignalling(); // in two pages: WebSocketSignalling
const [caller, callee] = [here, there].map((end) => Call.create(end, { receive: false }));
const sending = DataChannelTransport.create(caller!.createDataChannel());
const receiving = DataChannelTransport.create(callee!.createDataChannel());
await Promise.all([caller!.connect(), callee!.connect()]);
const capture = await Capture.create(context, microphone, ${captureOptions('opus', settings, copies === 0)});
const receiver = await Receiver.create(context, ${receiverOptions('opus', settings)});
receiver.connect(context.destination);
void receiver.pipeFrom(receiving, rtpFraming);
void capture.pipeTo(sending, ${framing});
`;
  return { code, guide: 'docs/rtp.md' };
}

function overWebTransport(settings: LaneSettings): LaneUse {
  const code = `\
import { Capture, Receiver, WebTransportTransport, rtpFraming } from 'micwire';

${START}
const { address, port, certificateHash } = await (await fetch('/webtransport')).json(); // your server
const value = Uint8Array.from(certificateHash.match(/../g), (pair: string) => Number.parseInt(pair, 16));
const transport = WebTransportTransport.create(\`https://\${address}:\${port}/echo\`, {
  serverCertificateHashes: [{ algorithm: 'sha-256', value }],
});
const capture = await Capture.create(context, microphone, ${captureOptions('opus', settings, true)});
const receiver = await Receiver.create(context, ${receiverOptions('opus', settings)});
receiver.connect(context.destination);
void receiver.pipeFrom(transport, rtpFraming);
void capture.pipeTo(transport, rtpFraming);
`;
  return { code, guide: 'docs/webtransport.md' };
}

/** Its strength follows the receiver's reports: the lab has `AdaptiveRedundancy` for that. */
const FEC = `
  fec: true, expectedLossPercent: 5, // or AdaptiveRedundancy, as the lab does`;

/** Copies that adapt need the receiver's reports: the lab has `AdaptiveRedundancy` for that. */
function redundancyOf(copies: Copies): string {
  return copies === 'adaptive'
    ? '{\n    redundancy: 1, // or AdaptiveRedundancy, as the lab does\n  }'
    : `{ redundancy: ${copies} }`;
}

function byMediaRecorder({ bitrate }: LaneSettings): LaneUse {
  const code = `\
import { MediaChunks, WebSocketTransport } from 'micwire';

// Sends bytes. The lane of the lab sends them as Base64 in JSON, a third more.
const microphone = await navigator.mediaDevices.getUserMedia({ audio: true });
const chunks = MediaChunks.create(microphone, { chunkDurationMs: 100, bitrate: ${bitrate} });
const audio = document.body.appendChild(new Audio());
const media = new MediaSource();
audio.src = URL.createObjectURL(media);
await new Promise((resolve) => media.addEventListener('sourceopen', resolve));
const buffer = media.addSourceBuffer(chunks.type);
const pieces: Uint8Array<ArrayBuffer>[] = [];
const append = () => buffer.updating || pieces.length === 0 || buffer.appendBuffer(pieces.shift()!);
buffer.addEventListener('updateend', append);
const transport = WebSocketTransport.create('/echo', { holdMs: 5000 }); // your server
transport.addEventListener('message', ({ data }) => {
  if (typeof data !== 'string') pieces.push(new Uint8Array(data));
  append();
  void audio.play();
});
for await (const { bytes } of chunks) transport.send(bytes);
`;
  return { code, guide: 'docs/recording.md' };
}

function overWebrtc(redundancy: boolean, { bitrate, chunkDurationMs }: LaneSettings): LaneUse {
  const red = redundancy ? ', redundancy: true' : '';
  const code = `\
import { Call, memorySignalling } from 'micwire';

${START}
const [here, there] = memorySignalling(); // in two pages: WebSocketSignalling
const opus = { bitrate: ${bitrate}, ptimeMs: ${chunkDurationMs} } as const;
const track = microphone.getAudioTracks()[0]!;
const caller = Call.create(here, { track, receive: false, opus${red} });
const callee = Call.create(there${redundancy ? ', { redundancy: true }' : ''});
await Promise.all([caller.connect(), callee.connect()]);
callee.createSource(context).connect(context.destination);
`;
  return { code, guide: 'docs/webrtc.md' };
}

function captureOptions(
  format: 's16' | 'opus',
  { bitrate, chunkDurationMs, complexity }: LaneSettings,
  fec = false,
): string {
  const common = `format: '${format}', sampleRate: ${LANE_SAMPLE_RATE}`;
  return format === 's16'
    ? `{
  ${common}, chunkDurationMs: ${chunkDurationMs},
}`
    : `{
  ${common}, packetDurationMs: ${chunkDurationMs},
  bitrate: ${bitrate}, complexity: ${complexity}, encodeIn: 'worker',${fec ? FEC : ''}
}`;
}

function receiverOptions(format: 's16' | 'opus', { latencyCost }: LaneSettings): string {
  return `{ format: '${format}', sampleRate: ${LANE_SAMPLE_RATE}, latencyCost: ${latencyCost} }`;
}
