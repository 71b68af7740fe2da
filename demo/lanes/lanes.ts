import { missingCalls } from './lane-calls.ts';
import type { LaneId } from './lane-ids.ts';
import type { LaneKind } from './lane.ts';
import { openPacketLane } from './packet-lane.ts';
import { missingRecorder, openRecorderLane } from './recorder-lane.ts';
import { missingWebTransport } from './missing-web-transport.ts';
import { openWebrtcLane } from './webrtc-lane.ts';

/** Shapes of marks, in a box of 10 by 10. Colours are after Okabe & Ito (2008). */
const SQUARE = 'M1.5 1.5h7v7h-7z';
const CIRCLE = 'M5 1a4 4 0 1 1 0 8a4 4 0 1 1 0-8z';
const DIAMOND = 'M5 .5L9.5 5L5 9.5L.5 5z';
const TRIANGLE = 'M5 1L9.3 8.8H.7z';
const PENTAGON = 'M5 .8L9.4 4L7.7 9.2H2.3L.6 4z';
const FULL: readonly number[] = [];
const LONG: readonly number[] = [8, 4];
const SHORT: readonly number[] = [3, 3];
const MIXED: readonly number[] = [8, 3, 2, 3];
const DOTS: readonly number[] = [1.5, 3];

const BROWSERS_OWN = 'The browser does it, and does not report how long it takes.';
const NO_RECEIVER = 'The browser’s media element plays it, and does not report it.';

const RECORDER_LACKS = {
  copies_per_packet: 'A file in pieces repeats nothing.',
  packets_late: NO_RECEIVER,
  packets_recovered: NO_RECEIVER,
  concealed_ratio: NO_RECEIVER,
  r_factor:
    'It needs the share of concealed audio, which the browser’s media element does not report.',
  time_scaled_ratio: NO_RECEIVER,
  playout_delay_ms: NO_RECEIVER,
  playout_target_ms: NO_RECEIVER,
};

const WEBRTC_LACKS = {
  packets_dropped: 'WebRTC does not report what it does not send.',
  copies_per_packet: 'WebRTC does not report how many copies its packets carry.',
  encode_ms_per_s: BROWSERS_OWN,
  decode_ms_per_s: BROWSERS_OWN,
};

const SOCKET = 'a WebSocket server';
const LIBOPUS = 'libopus in the page';
const CALL = ['a signalling server', 'a TURN server'];

/** Every lane of the lab. A new one is one more line here and in `LANE_IDS`. */
export const LANES: Readonly<Record<LaneId, LaneKind>> = {
  'pcm-json-ws': {
    label: 'PCM, Base64 JSON',
    inWords: 'PCM as Base64 JSON over WebSocket',
    mark: { colour: '--lane-pcm', shape: SQUARE, hollow: true, dash: LONG },
    path: ['PCM s16', 'Base64 JSON', 'WebSocket'],
    note: 'Samples as text: the simplest way, and what many speech services take.',
    family: 'pcm',
    parts: [SOCKET],
    firewall: 'tls',
    lacks: {},
    missing: () => null,
    build: (parts) =>
      openPacketLane(parts, { format: 's16', framing: 'base64-json', transport: 'websocket' }),
  },
  'pcm-binary-ws': {
    label: 'PCM, binary',
    inWords: 'binary PCM over WebSocket',
    mark: { colour: '--lane-pcm', shape: SQUARE, hollow: false, dash: FULL },
    path: ['PCM s16', 'binary', 'WebSocket'],
    note: 'Samples as bytes: a quarter less than as text.',
    family: 'pcm',
    parts: [SOCKET],
    firewall: 'tls',
    lacks: {},
    missing: () => null,
    build: (parts) =>
      openPacketLane(parts, { format: 's16', framing: 'binary', transport: 'websocket' }),
  },
  'opus-json-ws': {
    label: 'Opus, Base64 JSON',
    inWords: 'Opus as Base64 JSON over WebSocket',
    mark: { colour: '--lane-opus', shape: CIRCLE, hollow: true, dash: LONG },
    path: ['Opus', 'Base64 JSON', 'WebSocket'],
    note: 'Coded, as text: most of each message is not audio.',
    family: 'opus',
    parts: [SOCKET, LIBOPUS],
    firewall: 'tls',
    lacks: {},
    missing: () => null,
    build: (parts) =>
      openPacketLane(parts, { format: 'opus', framing: 'base64-json', transport: 'websocket' }),
  },
  'opus-binary-ws': {
    label: 'Opus, binary',
    inWords: 'Opus over WebSocket',
    mark: { colour: '--lane-opus', shape: CIRCLE, hollow: false, dash: FULL },
    path: ['Opus', 'binary', 'WebSocket'],
    note: 'Coded, as bytes. Nothing is lost, but a packet that TCP repeats is late, and so are all behind it.',
    family: 'opus',
    parts: [SOCKET, LIBOPUS],
    firewall: 'tls',
    lacks: {},
    missing: () => null,
    build: (parts) =>
      openPacketLane(parts, { format: 'opus', framing: 'binary', transport: 'websocket' }),
  },
  'opus-rtp-dc': {
    label: 'Opus, data channel',
    inWords: 'Opus over a data channel',
    mark: { colour: '--lane-opus', shape: DIAMOND, hollow: true, dash: SHORT },
    path: ['Opus + FEC', 'RTP', 'data channel'],
    note: 'Coded, in RTP, over a data channel that repeats nothing: a lost packet delays no other. Once the receiver reports losses, Opus FEC replaces some, at the same bitrate.',
    family: 'opus',
    parts: [...CALL, LIBOPUS, 'reports of losses'],
    firewall: 'turn',
    lacks: {},
    missing: missingCalls,
    build: (parts) =>
      openPacketLane(parts, { format: 'opus', framing: 'rtp', transport: 'data-channel' }),
  },
  'opus-rtp-dc-red': {
    label: 'Opus, data channel, copies',
    inWords: 'Opus with copies over a data channel',
    mark: { colour: '--lane-opus', shape: DIAMOND, hollow: false, dash: MIXED },
    path: ['Opus', 'RTP + RED', 'data channel'],
    note: 'The same, with copies of earlier packets: a lost packet arrives again, at the cost of bitrate. The receiver’s reports decide how many.',
    family: 'opus',
    parts: [...CALL, LIBOPUS, 'reports of losses'],
    firewall: 'turn',
    lacks: {},
    missing: missingCalls,
    build: (parts) =>
      openPacketLane(parts, {
        format: 'opus',
        framing: 'rtp',
        transport: 'data-channel',
        redundant: true,
      }),
  },
  'opus-rtp-wt': {
    label: 'Opus, WebTransport',
    inWords: 'Opus over WebTransport datagrams',
    mark: { colour: '--lane-opus', shape: PENTAGON, hollow: false, dash: DOTS },
    path: ['Opus + FEC', 'RTP', 'WebTransport'],
    note: 'Opus in RTP, one packet per QUIC datagram, to a server like a WebSocket. A lost packet delays no other. QUIC’s congestion control decides when it leaves.',
    family: 'opus',
    parts: ['a WebTransport server', LIBOPUS, 'reports of losses'],
    firewall: 'udp',
    lacks: {},
    missing: missingWebTransport,
    build: (parts) =>
      openPacketLane(parts, { format: 'opus', framing: 'rtp', transport: 'webtransport' }),
  },
  'recorder-json-ws': {
    label: 'MediaRecorder',
    inWords: 'MediaRecorder over WebSocket',
    mark: { colour: '--lane-recorder', shape: SQUARE, hollow: false, dash: SHORT },
    path: ['MediaRecorder', 'Base64 JSON', 'WebSocket'],
    note: 'The browser’s own file in pieces of about 100 ms, played by Media Source Extensions as it grows.',
    family: 'recorder',
    parts: [SOCKET, 'a Media Source player'],
    firewall: 'tls',
    lacks: RECORDER_LACKS,
    missing: missingRecorder,
    build: openRecorderLane,
  },
  webrtc: {
    label: 'WebRTC',
    inWords: 'WebRTC',
    mark: { colour: '--lane-webrtc', shape: TRIANGLE, hollow: false, dash: FULL },
    path: ['WebRTC', 'Opus', 'SRTP'],
    note: 'The browser’s own path from track to track: its Opus, its jitter buffer, its concealment.',
    family: 'webrtc',
    parts: CALL,
    firewall: 'turn',
    lacks: WEBRTC_LACKS,
    missing: missingCalls,
    build: (parts) => openWebrtcLane(parts, { redundancy: false }),
  },
  'webrtc-red': {
    label: 'WebRTC, RED',
    inWords: 'WebRTC with RED',
    mark: { colour: '--lane-webrtc', shape: TRIANGLE, hollow: true, dash: LONG },
    path: ['WebRTC', 'Opus + RED', 'SRTP'],
    note: 'The same, with a copy of the previous packet in each packet.',
    family: 'webrtc',
    parts: [...CALL, 'an offer with RED'],
    firewall: 'turn',
    lacks: {
      ...WEBRTC_LACKS,
      packets_late: 'The browser counts copies that were not needed among the late packets.',
    },
    missing: missingCalls,
    build: (parts) => openWebrtcLane(parts, { redundancy: true }),
  },
};
