import type { Clause } from './clauses.ts';
import { MEDIA_CAPTURE, MEDIA_RECORDER, WEBRTC, WEB_AUDIO } from './clauses.ts';

/** A consumer of a track. */
export type ConsumerId = 'element' | 'node' | 'connection' | 'recorder' | 'clone';

/**
 * How the track is:
 * - `'live'`: media flows;
 * - `'disabled'`: `enabled` is false;
 * - `'removed'`: it is live, but no longer in its stream;
 * - `'ended'`: after `stop()`.
 */
export type TrackCondition = 'live' | 'disabled' | 'removed' | 'ended';

/** What a standard says that a consumer gets. */
export interface TrackRule {
  readonly text: string;
  readonly clause: Clause;
}

const clause = (label: string, url: string): Clause => ({ label, url });
const MEDIA_FLOW = clause('Media Capture: media flow', `${MEDIA_CAPTURE}#track-enabled`);
const LIFE_CYCLE = clause('Media Capture: life-cycle', `${MEDIA_CAPTURE}#track-ended`);
const ELEMENTS = clause(
  'Media Capture: MediaStreams in media elements',
  `${MEDIA_CAPTURE}#mediastreams-in-media-elements`,
);
const SOURCE_NODE = clause(
  'Web Audio: MediaStreamAudioSourceNode',
  `${WEB_AUDIO}#MediaStreamAudioSourceNode`,
);
const SENDER = clause('WebRTC: RTCRtpSender', `${WEBRTC}#rtcrtpsender-interface`);
const RECORDER = clause(
  'MediaStream Recording: start',
  `${MEDIA_RECORDER}#dom-mediarecorder-start`,
);
const CLONE = clause('Media Capture: clone()', `${MEDIA_CAPTURE}#dom-mediastreamtrack-clone`);
const silence = (more: string): TrackRule => ({
  text: `Silence: the track gives “zero-information-content”. ${more}`,
  clause: MEDIA_FLOW,
});

/** What each consumer gets in each condition of the track, by the standards. */
export const TRACK_RULES: Readonly<
  Record<ConsumerId, Readonly<Record<TrackCondition, TrackRule>>>
> = {
  element: {
    live: { text: 'Plays what comes now, and buffers nothing.', clause: ELEMENTS },
    disabled: silence('The element plays on, and its currentTime grows.'),
    removed: {
      text: 'A stream without live tracks is inactive, and the element has ended.',
      clause: ELEMENTS,
    },
    ended: {
      text: 'A stream whose tracks have all ended is inactive, and the element has ended.',
      clause: ELEMENTS,
    },
  },
  node: {
    live: { text: 'Gives the graph what comes now, in quanta.', clause: SOURCE_NODE },
    disabled: silence('The node continues, with zeros.'),
    removed: {
      text: 'The audio continues: the node took the track when it was made, and ignores what happens to the stream.',
      clause: SOURCE_NODE,
    },
    ended: { text: 'Silence, for good. The node is of no further use.', clause: SOURCE_NODE },
  },
  connection: {
    live: { text: 'Encodes what comes now, and sends it as packets.', clause: SENDER },
    disabled: silence('Packets of silence are sent, so that the other side notices nothing else.'),
    removed: {
      text: 'The audio continues: a sender has the track, not the stream. removeTrack(sender) is another method, of the connection.',
      clause: SENDER,
    },
    ended: {
      text: 'Silence, or no packets at all. The sender keeps its place; replaceTrack() gives it another track.',
      clause: SENDER,
    },
  },
  recorder: {
    live: { text: 'Encodes what comes now into a file.', clause: RECORDER },
    disabled: silence('The recorder records the silence, so the file keeps its time.'),
    removed: {
      text: 'The recorder stops with an InvalidModificationError: the tracks of a recording may not change.',
      clause: RECORDER,
    },
    ended: {
      text: 'When all tracks have ended the recorder gives its last bytes, and stops.',
      clause: RECORDER,
    },
  },
  clone: {
    live: { text: 'A track of its own from the same source.', clause: CLONE },
    disabled: {
      text: 'The audio continues: a clone has its own enabled.',
      clause: CLONE,
    },
    removed: { text: 'The audio continues: the clone was never in that stream.', clause: CLONE },
    ended: {
      text: 'The audio continues. The device stays in use until every track of it has been stopped.',
      clause: LIFE_CYCLE,
    },
  },
};
