import type { TemplateResult } from 'lit';
import { html } from 'lit';
import type { Clause } from './clauses.ts';
import { MEDIA_CAPTURE, MEDIA_RECORDER, WEBRTC, WEB_AUDIO, rfc } from './clauses.ts';
import type { LearnVoice } from './learn-voice.ts';

/** A file of the project, which the lab shows. */
export interface SourceFile {
  /** From the project's root. */
  readonly path: string;
  /** Loads its text. */
  readonly load: () => Promise<{ readonly default: string }>;
}

/** One page of the guided tour. */
export interface LearnPage {
  /** In its address: `#learn/ID`. */
  readonly id: string;
  readonly title: string;
  /** One sentence: what the page shows. */
  readonly about: string;
  /** Loads its element, when the page is opened. */
  readonly load: () => Promise<unknown>;
  readonly content: (voice: LearnVoice) => TemplateResult;
  /** Whether the page needs the visitor's audio. */
  readonly needsVoice: boolean;
  /** Whether it needs the lab's server. */
  readonly needsServer?: true;
  /** Files of the project that do it. */
  readonly files: readonly SourceFile[];
  readonly clauses: readonly Clause[];
}

const file = (path: string, load: SourceFile['load']): SourceFile => ({ path, load });

/** The pages in their order. */
export const LEARN_PAGES: readonly [LearnPage, ...LearnPage[]] = [
  {
    id: 'pcm',
    title: 'PCM',
    about: 'A voice becomes numbers, the numbers become bytes, and the bytes become text.',
    load: () => import('./learn-pcm.ts'),
    content: (voice) => html`<lab-learn-pcm .voice=${voice}></lab-learn-pcm>`,
    needsVoice: true,
    files: [
      file(
        'src/core/format/sample-format.ts',
        () => import('../../src/core/format/sample-format.ts?raw'),
      ),
      file('src/core/format/g711.ts', () => import('../../src/core/format/g711.ts?raw')),
      file('src/core/base64/base64.ts', () => import('../../src/core/base64/base64.ts?raw')),
      file(
        'src/core/codec/opus-packet.ts',
        () => import('../../src/core/codec/opus-packet.ts?raw'),
      ),
      file(
        'src/core/container/webm-opus.ts',
        () => import('../../src/core/container/webm-opus.ts?raw'),
      ),
      file('demo/learn/quantiser.ts', () => import('./quantiser.ts?raw')),
    ],
    clauses: [
      { label: 'ITU-T G.711', url: 'https://www.itu.int/rec/T-REC-G.711' },
      rfc(4648, '4'),
      rfc(6716, '3.1'),
      rfc(8794, '4'),
    ],
  },
  {
    id: 'worklet',
    title: 'The AudioWorklet',
    about:
      'Audio is rendered in quanta of some 3 ms, on a thread of its own, and each must be ready in time.',
    load: () => import('./learn-worklet.ts'),
    content: (voice) => html`<lab-learn-worklet .voice=${voice}></lab-learn-worklet>`,
    needsVoice: true,
    files: [
      file('worklets/capture.ts', () => import('../../worklets/capture.ts?raw')),
      file(
        'src/core/capture/capture-engine.ts',
        () => import('../../src/core/capture/capture-engine.ts?raw'),
      ),
      file(
        'src/core/capture/chunk-writer.ts',
        () => import('../../src/core/capture/chunk-writer.ts?raw'),
      ),
      file('demo/worklet/quantum-probe.ts', () => import('../worklet/quantum-probe.ts?raw')),
      file('demo/learn/quantum-fill.ts', () => import('./quantum-fill.ts?raw')),
    ],
    clauses: [
      { label: 'Web Audio: rendering an audio graph', url: `${WEB_AUDIO}#rendering-loop` },
      { label: 'Web Audio: AudioWorklet', url: `${WEB_AUDIO}#AudioWorklet` },
    ],
  },
  {
    id: 'tracks',
    title: 'MediaStream and tracks',
    about: 'What a track is, who consumes it, and what each consumer gets when it changes.',
    load: () => import('./learn-tracks.ts'),
    content: (voice) => html`<lab-learn-tracks .voice=${voice}></lab-learn-tracks>`,
    needsVoice: true,
    files: [
      file(
        'src/web/microphone/microphone-tracks.ts',
        () => import('../../src/web/microphone/microphone-tracks.ts?raw'),
      ),
      file('src/web/capture-source.ts', () => import('../../src/web/capture-source.ts?raw')),
      file('src/web/meter.ts', () => import('../../src/web/meter.ts?raw')),
      file('src/web/webrtc/call-audio.ts', () => import('../../src/web/webrtc/call-audio.ts?raw')),
      file('src/web/media-chunks.ts', () => import('../../src/web/media-chunks.ts?raw')),
      file('demo/learn/track-consumers.ts', () => import('./track-consumers.ts?raw')),
    ],
    clauses: [
      { label: 'Media Capture: media flow', url: `${MEDIA_CAPTURE}#track-enabled` },
      { label: 'Media Capture: life-cycle', url: `${MEDIA_CAPTURE}#track-ended` },
      {
        label: 'Media Capture: the model',
        url: `${MEDIA_CAPTURE}#the-model-sources-sinks-constraints-and-settings`,
      },
      {
        label: 'WebRTC: removeTrack()',
        url: `${WEBRTC}#dom-rtcpeerconnection-removetrack`,
      },
      {
        label: 'MediaStream Recording: start()',
        url: `${MEDIA_RECORDER}#dom-mediarecorder-start`,
      },
    ],
  },
  {
    id: 'rtp',
    title: 'RTP',
    about:
      'Twelve bytes in front of the audio let a receiver put right what a network does to packets.',
    load: () => import('./learn-rtp.ts'),
    content: (voice) => html`<lab-learn-rtp .voice=${voice}></lab-learn-rtp>`,
    needsVoice: true,
    files: [
      file('src/core/rtp/rtp-packet.ts', () => import('../../src/core/rtp/rtp-packet.ts?raw')),
      file('src/core/rtp/rtp-header.ts', () => import('../../src/core/rtp/rtp-header.ts?raw')),
      file(
        'src/core/receive/jitter-buffer.ts',
        () => import('../../src/core/receive/jitter-buffer.ts?raw'),
      ),
      file(
        'src/core/receive/delay-target.ts',
        () => import('../../src/core/receive/delay-target.ts?raw'),
      ),
      file(
        'src/core/receive/receive-decision.ts',
        () => import('../../src/core/receive/receive-decision.ts?raw'),
      ),
      file('demo/learn/packet-flow.ts', () => import('./packet-flow.ts?raw')),
    ],
    clauses: [rfc(3550, '5.1'), rfc(3551, '4.1'), rfc(7587, '4')],
  },
  {
    id: 'signalling',
    title: 'Signalling',
    about:
      'Two peers find each other and swap what they need to connect, through a server between them.',
    load: () => import('./learn-signalling.ts'),
    content: (voice) => html`<lab-learn-signalling .voice=${voice}></lab-learn-signalling>`,
    needsVoice: true,
    needsServer: true,
    files: [
      file(
        'src/core/webrtc/signal-message.ts',
        () => import('../../src/core/webrtc/signal-message.ts?raw'),
      ),
      file(
        'src/core/webrtc/signalling-protocol.ts',
        () => import('../../src/core/webrtc/signalling-protocol.ts?raw'),
      ),
      file(
        'src/web/webrtc/websocket-signalling.ts',
        () => import('../../src/web/webrtc/websocket-signalling.ts?raw'),
      ),
      file('demo/server/signalling-rooms.ts', () => import('../server/signalling-rooms.ts?raw')),
      file('demo/learn/signal-tap.ts', () => import('./signal-tap.ts?raw')),
    ],
    clauses: [rfc(9429, '3'), rfc(8838, '4'), rfc(8827, '6.5'), rfc(6455, '5')],
  },
  {
    id: 'nat',
    title: 'STUN, NAT and TURN',
    about:
      'Most hosts have no address that others can reach: how two of them find a way all the same.',
    load: () => import('./learn-nat.ts'),
    content: () => html`<lab-learn-nat></lab-learn-nat>`,
    needsVoice: false,
    files: [
      file(
        'src/core/webrtc/stun/stun-message.ts',
        () => import('../../src/core/webrtc/stun/stun-message.ts?raw'),
      ),
      file(
        'src/core/webrtc/stun/stun-explained.ts',
        () => import('../../src/core/webrtc/stun/stun-explained.ts?raw'),
      ),
      file('src/core/webrtc/nat/nat.ts', () => import('../../src/core/webrtc/nat/nat.ts?raw')),
      file(
        'src/core/webrtc/nat/nat-behaviour.ts',
        () => import('../../src/core/webrtc/nat/nat-behaviour.ts?raw'),
      ),
      file('demo/learn/nat-trial.ts', () => import('./nat-trial.ts?raw')),
    ],
    clauses: [rfc(8489, '5'), rfc(4787, '4'), rfc(4787, '5'), rfc(8445, '7.2'), rfc(8656, '3')],
  },
  {
    id: 'ice',
    title: 'ICE',
    about:
      'Each side gathers addresses; pairs of them are checked, and the best that works carries the call.',
    load: () => import('./learn-ice.ts'),
    content: () => html`<lab-learn-ice></lab-learn-ice>`,
    needsVoice: false,
    needsServer: true,
    files: [
      file(
        'src/core/webrtc/ice-candidate.ts',
        () => import('../../src/core/webrtc/ice-candidate.ts?raw'),
      ),
      file(
        'src/core/webrtc/ice-report.ts',
        () => import('../../src/core/webrtc/ice-report.ts?raw'),
      ),
      file(
        'src/web/webrtc/negotiation.ts',
        () => import('../../src/web/webrtc/negotiation.ts?raw'),
      ),
      file('demo/learn/ice-candidate-parts.ts', () => import('./ice-candidate-parts.ts?raw')),
      file('demo/learn/ice-bench.ts', () => import('./ice-bench.ts?raw')),
    ],
    clauses: [
      rfc(8445, '5.1.2.1'),
      rfc(8445, '6.1.2.3'),
      rfc(8445, '7.2'),
      rfc(8445, '9'),
      rfc(8839, '5.1'),
    ],
  },
  {
    id: 'sdp',
    title: 'SDP: offer and answer',
    about: 'Two descriptions, line by line, and what the two sides agree on with them.',
    load: () => import('./learn-sdp.ts'),
    content: (voice) => html`<lab-learn-sdp .voice=${voice}></lab-learn-sdp>`,
    needsVoice: true,
    files: [
      file('src/core/webrtc/sdp.ts', () => import('../../src/core/webrtc/sdp.ts?raw')),
      file(
        'src/core/webrtc/sdp-explained.ts',
        () => import('../../src/core/webrtc/sdp-explained.ts?raw'),
      ),
      file('src/core/webrtc/opus-sdp.ts', () => import('../../src/core/webrtc/opus-sdp.ts?raw')),
      file(
        'src/web/webrtc/negotiation.ts',
        () => import('../../src/web/webrtc/negotiation.ts?raw'),
      ),
      file('demo/learn/sdp-agreement.ts', () => import('./sdp-agreement.ts?raw')),
      file('demo/learn/renegotiate.ts', () => import('./renegotiate.ts?raw')),
    ],
    clauses: [rfc(8866, '5'), rfc(3264, '6'), rfc(3264, '8'), rfc(9429, '5.2'), rfc(7587, '7')],
  },
  {
    id: 'channels',
    title: 'Data channels',
    about:
      'Messages beside the audio: reliable or not, in order or not, as each channel is configured.',
    load: () => import('./learn-channels.ts'),
    content: () => html`<lab-learn-channels></lab-learn-channels>`,
    needsVoice: false,
    needsServer: true,
    files: [
      file('src/web/webrtc/call.ts', () => import('../../src/web/webrtc/call.ts?raw')),
      file(
        'src/web/transport/data-channel.ts',
        () => import('../../src/web/transport/data-channel.ts?raw'),
      ),
      file('demo/learn/channels-bench.ts', () => import('./channels-bench.ts?raw')),
      file('demo/learn/channel-open.ts', () => import('./channel-open.ts?raw')),
      file('demo/learn/burst-log.ts', () => import('./burst-log.ts?raw')),
    ],
    clauses: [rfc(8831, '5'), rfc(8831, '6.4'), rfc(8832, '5.1'), rfc(3758, '3.5'), rfc(9260, '6')],
  },
  {
    id: 'close',
    title: 'How a call ends',
    about: 'Somebody hangs up, or vanishes: how the other side learns of it, and when.',
    load: () => import('./learn-close.ts'),
    content: () => html`<lab-learn-close></lab-learn-close>`,
    needsVoice: false,
    needsServer: true,
    files: [
      file('src/web/webrtc/call.ts', () => import('../../src/web/webrtc/call.ts?raw')),
      file(
        'src/web/webrtc/call-record.ts',
        () => import('../../src/web/webrtc/call-record.ts?raw'),
      ),
      file('demo/server/signalling-rooms.ts', () => import('../server/signalling-rooms.ts?raw')),
      file('demo/learn/close-bench.ts', () => import('./close-bench.ts?raw')),
      file('demo/learn/close-log.ts', () => import('./close-log.ts?raw')),
    ],
    clauses: [rfc(7675, '5.1'), rfc(8446, '6.1'), rfc(9260, '3.3.7'), rfc(9429, '5.2.2')],
  },
  {
    id: 'sip',
    title: 'SIP',
    about: 'How telephones set up a call, message by message, beside what WebRTC does.',
    load: () => import('./learn-sip.ts'),
    content: (voice) => html`<lab-learn-sip .voice=${voice}></lab-learn-sip>`,
    needsVoice: true,
    files: [
      file('src/core/sip/sip-message.ts', () => import('../../src/core/sip/sip-message.ts?raw')),
      file('src/core/sip/sip-ladder.ts', () => import('../../src/core/sip/sip-ladder.ts?raw')),
      file(
        'src/core/sip/sip-explained.ts',
        () => import('../../src/core/sip/sip-explained.ts?raw'),
      ),
      file(
        'src/core/webrtc/call-timeline.ts',
        () => import('../../src/core/webrtc/call-timeline.ts?raw'),
      ),
      file('src/web/sip/sip-call.ts', () => import('../../src/web/sip/sip-call.ts?raw')),
      file('demo/learn/sip-call.ts', () => import('./sip-call.ts?raw')),
    ],
    clauses: [rfc(3261, '13'), rfc(3261, '15'), rfc(3665, '3.1'), rfc(7118, '5')],
  },
  {
    id: 'tools',
    title: 'Tools',
    about:
      'Three tools that show a call from outside: Wireshark, webrtc-internals and about:webrtc.',
    load: () => import('./learn-tools.ts'),
    content: (voice) => html`<lab-learn-tools .voice=${voice}></lab-learn-tools>`,
    needsVoice: true,
    files: [
      file('src/core/rtp/pcapng.ts', () => import('../../src/core/rtp/pcapng.ts?raw')),
      file('src/core/rtp/rtcp.ts', () => import('../../src/core/rtp/rtcp.ts?raw')),
      file(
        'src/core/webrtc/stun/packet-kind.ts',
        () => import('../../src/core/webrtc/stun/packet-kind.ts?raw'),
      ),
      file('src/web/webrtc/dump.ts', () => import('../../src/web/webrtc/dump.ts?raw')),
      file('demo/learn/capture-file.ts', () => import('./capture-file.ts?raw')),
      file('demo/learn/capture-list.ts', () => import('./capture-list.ts?raw')),
    ],
    clauses: [
      {
        label: 'pcapng §4',
        url: 'https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-03.html#section-4',
      },
      rfc(7983, '7'),
      rfc(3550, '6.4'),
      { label: 'WebRTC Statistics', url: 'https://w3c.github.io/webrtc-stats/' },
    ],
  },
];

/** What an address of the view names. */
export interface LearnAddress {
  readonly page: LearnPage;
  /** The file of the project to show in place of the page; null: the page. */
  readonly file: SourceFile | null;
}

/**
 * Reads an address such as `#learn/pcm` or `#learn/pcm/src/core/format/g711.ts`. An address that names no page means the first page.
 */
export function readLearnAddress(hash: string): LearnAddress {
  const [, id, path] = /^#learn\/([\w-]+)(?:\/(.+))?$/.exec(hash) ?? [];
  const page = LEARN_PAGES.find((one) => one.id === id) ?? LEARN_PAGES[0];
  return { page, file: page.files.find((one) => one.path === path) ?? null };
}

/** The address of a page, or of one of its files. */
export function learnAddress({ id }: LearnPage, source?: SourceFile): string {
  return `#learn/${id}${source === undefined ? '' : `/${source.path}`}`;
}
