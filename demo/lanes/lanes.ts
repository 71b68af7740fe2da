import { missingCalls } from './lane-calls.ts';
import type { LaneId } from './lane-ids.ts';
import type { LaneKind } from './lane.ts';
import { openPacketLane } from './packet-lane.ts';
import { missingRecorder, openRecorderLane } from './recorder-lane.ts';
import { openWebrtcLane } from './webrtc-lane.ts';

const BROWSERS_OWN = 'The browser does it, and does not tell how long it takes.';
const NO_RECEIVER = 'The browser’s media element plays it, and does not tell.';

const RECORDER_LACKS = {
  copies_per_packet: 'A file in pieces repeats nothing.',
  packets_late: NO_RECEIVER,
  packets_recovered: NO_RECEIVER,
  concealed_ratio: NO_RECEIVER,
  time_scaled_ratio: NO_RECEIVER,
  playout_delay_ms: NO_RECEIVER,
  playout_target_ms: NO_RECEIVER,
};

const WEBRTC_LACKS = {
  packets_dropped: 'WebRTC does not tell what it does not send.',
  copies_per_packet: 'WebRTC does not tell how many copies its packets carry.',
  encode_ms_per_s: BROWSERS_OWN,
  decode_ms_per_s: BROWSERS_OWN,
};

/** Every lane of the lab. A new one is one more line here and in `LANE_IDS`. */
export const LANES: Readonly<Record<LaneId, LaneKind>> = {
  'pcm-json-ws': {
    label: 'PCM, Base64 JSON',
    path: ['PCM s16', 'Base64 JSON', 'WebSocket'],
    note: 'Samples as they are, as text: the plainest way, and what many speech services take.',
    family: 'pcm',
    lacks: {},
    missing: () => null,
    build: (parts) =>
      openPacketLane(parts, { format: 's16', framing: 'base64-json', transport: 'websocket' }),
  },
  'pcm-binary-ws': {
    label: 'PCM, binary',
    path: ['PCM s16', 'binary', 'WebSocket'],
    note: 'Samples as they are, in bytes: a quarter less than as text.',
    family: 'pcm',
    lacks: {},
    missing: () => null,
    build: (parts) =>
      openPacketLane(parts, { format: 's16', framing: 'binary', transport: 'websocket' }),
  },
  'opus-json-ws': {
    label: 'Opus, Base64 JSON',
    path: ['Opus', 'Base64 JSON', 'WebSocket'],
    note: 'Coded, as text: most of each message is what stands around the sound.',
    family: 'opus',
    lacks: {},
    missing: () => null,
    build: (parts) =>
      openPacketLane(parts, { format: 'opus', framing: 'base64-json', transport: 'websocket' }),
  },
  'opus-binary-ws': {
    label: 'Opus, binary',
    path: ['Opus', 'binary', 'WebSocket'],
    note: 'Coded, in bytes. Nothing is lost; what is repeated by TCP comes late, and all behind it too.',
    family: 'opus',
    lacks: {},
    missing: () => null,
    build: (parts) =>
      openPacketLane(parts, { format: 'opus', framing: 'binary', transport: 'websocket' }),
  },
  'opus-rtp-dc': {
    label: 'Opus, data channel',
    path: ['Opus', 'RTP', 'data channel'],
    note: 'Coded, in RTP, over a data channel that repeats nothing: a lost packet delays no other, and is concealed.',
    family: 'opus',
    lacks: {},
    missing: missingCalls,
    build: (parts) =>
      openPacketLane(parts, { format: 'opus', framing: 'rtp', transport: 'data-channel' }),
  },
  'opus-rtp-dc-red': {
    label: 'Opus, data channel, copies',
    path: ['Opus', 'RTP + RED', 'data channel'],
    note: 'The same, with copies of earlier packets: what is lost comes once more, at the price of bitrate. How many, the receiver’s reports decide.',
    family: 'opus',
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
  'recorder-json-ws': {
    label: 'MediaRecorder',
    path: ['MediaRecorder', 'Base64 JSON', 'WebSocket'],
    note: 'The browser’s own file in pieces of about 100 ms, played by Media Source Extensions as it grows.',
    family: 'recorder',
    lacks: RECORDER_LACKS,
    missing: missingRecorder,
    build: openRecorderLane,
  },
  webrtc: {
    label: 'WebRTC',
    path: ['WebRTC', 'Opus', 'SRTP'],
    note: 'The browser’s own path from track to track: its Opus, its jitter buffer, its concealment.',
    family: 'webrtc',
    lacks: WEBRTC_LACKS,
    missing: missingCalls,
    build: (parts) => openWebrtcLane(parts, { redundancy: false }),
  },
  'webrtc-red': {
    label: 'WebRTC, RED',
    path: ['WebRTC', 'Opus + RED', 'SRTP'],
    note: 'The same, each packet with a copy of the one before.',
    family: 'webrtc',
    lacks: {
      ...WEBRTC_LACKS,
      packets_late: 'The browser counts copies that were not needed among the late packets.',
    },
    missing: missingCalls,
    build: (parts) => openWebrtcLane(parts, { redundancy: true }),
  },
};
