import { booleanOf } from '../../core/arguments.ts';
import type { MicwireError } from '../../core/errors.ts';
import { checkObject, checkOptions } from '../../core/option-names.ts';
import type { OptionNames } from '../../core/option-names.ts';
import type { HeardItem, ServiceEvent } from '../../core/services/service.ts';
import { checkConnection, CONNECTION_NAMES } from '../../core/session/connection-options.ts';
import type { SessionConnectionOptions } from '../../core/session/connection-options.ts';
import type { HeardCaption, PlayedReply } from '../../core/session/replies.ts';
import type { SessionGap } from '../../core/session/session-messages.ts';
import type { AbortOptions } from '../abort.ts';
import type { CaptureSource } from '../capture-source.ts';
import type { Speaker } from '../speaker/speaker.ts';
import type { WorkerUrl } from '../worker-loader.ts';
import type { WorkletUrl } from '../worklet-loader.ts';

/** Options of every session, whether its connection is on the page or in a Worker. */
export interface CommonSessionOptions extends AbortOptions {
  readonly context: AudioContext;
  /** The audio for the service: a `Microphone`, a track, a stream or a node; null to listen only. */
  readonly microphone: CaptureSource | null;
  /** The node or speaker that plays replies. @default the context's destination */
  readonly output?: AudioNode | Speaker | undefined;
  /**
   * Mutes the user while a reply is heard, for devices whose echo is not cancelled. The user then cannot interrupt by voice.
   * @default false
   */
  readonly halfDuplex?: boolean | undefined;
  /** How long a reply's audio waits before it plays, in ms, 0–10000: see `PlayoutOptions`. @default 60 */
  readonly targetDelayMs?: number | undefined;
  /** Your own copies of the worklets' files, by name: see `loadWorklet`. */
  readonly workletUrl?: WorkletUrl | undefined;
  /** Opus: your own copy of `libopus.wasm`, see `loadOpusModule`. */
  readonly opusUrl?: string | URL | undefined;
  /** Opus: your own copy of `worker/opus.js`. */
  readonly workerUrl?: WorkerUrl | undefined;
}

/** Options of {@link Session.open} for a connection on the page. */
export interface SessionOptions extends CommonSessionOptions, SessionConnectionOptions {
  readonly worker?: undefined;
}

/** Options of {@link Session.open} for a connection in a Worker. */
export interface WorkerSessionOptions extends CommonSessionOptions {
  /** The Worker, which calls `serveSession(event, { service, url, token })` of `micwire/worker` in its `onmessage`. */
  readonly worker: Worker;
}

const COMMON_NAMES: OptionNames<CommonSessionOptions> = {
  context: 1,
  microphone: 1,
  output: 1,
  halfDuplex: 1,
  targetDelayMs: 1,
  workletUrl: 1,
  opusUrl: 1,
  workerUrl: 1,
  signal: 1,
};

/** Text of recognized or generated speech: the `detail` of a `transcript` event. */
export type SessionTranscript = Omit<
  Extract<ServiceEvent, { readonly type: 'transcript' }>,
  'type'
>;

/** Events of a `Session`. */
export interface SessionEventMap {
  /** `session.state` has changed. */
  readonly statechange: Event;
  /**
   * A message of the service, in `detail`: an object from JSON, text or bytes. Not dispatched for messages that only carry audio.
   */
  readonly message: CustomEvent<unknown>;
  /**
   * Text of the user's or the agent's speech, in `detail`, as soon as it is recognized or generated; the agent's text arrives
   * before its audio is heard.
   */
  readonly transcript: CustomEvent<SessionTranscript>;
  /** Text whose audio begins to be heard now, in `detail`. Dispatched for services that say which text belongs to which audio. */
  readonly caption: CustomEvent<HeardCaption>;
  /** The service hears the user speak (`detail` is true), or no longer does (false). */
  readonly speech: CustomEvent<boolean>;
  /** Audio of the user was lost to the service; `detail` says which. */
  readonly gap: CustomEvent<SessionGap>;
  /** A reply was interrupted by the service or the app; `detail` says how far it was heard. */
  readonly interrupted: CustomEvent<HeardItem>;
  /** A mark, or the end of an item, was heard. */
  readonly played: CustomEvent<PlayedReply>;
  /**
   * A failure, in `detail`. The session recovers by itself unless `state` is `'closed'`.
   */
  readonly error: CustomEvent<MicwireError>;
}

/** The `detail` of a session's event. */
export type SessionEventDetail<Type extends keyof SessionEventMap> =
  SessionEventMap[Type] extends CustomEvent<infer Detail> ? Detail : never;

/** @throws TypeError or RangeError for an invalid option */
export function checkSessionOptions(options: SessionOptions | WorkerSessionOptions): void {
  checkObject('Session.open: options must be an object', options);
  const { context, microphone, output, worker } = options;
  if (worker === undefined) {
    checkOptions('Session', options, { ...COMMON_NAMES, ...CONNECTION_NAMES, worker: 1 });
    checkConnection('Session', options);
  } else {
    checkOptions('Session in a Worker', options, { ...COMMON_NAMES, worker: 1 });
    checkObject('worker must be a Worker', worker, 'postMessage');
  }
  checkObject('context must be an AudioContext', context, 'sampleRate', 'state');
  if ('startRendering' in context) {
    throw new TypeError('Session.open takes an AudioContext, got an OfflineAudioContext.');
  }
  if (microphone === undefined) {
    throw new TypeError('microphone must be a source of audio, or null to listen only.');
  }
  if (output !== undefined) {
    checkObject('output must be an AudioNode or a Speaker', output);
    checkObject('output must be an AudioNode or a Speaker', outputNode(output), 'connect');
  }
  const { halfDuplex } = options;
  if (halfDuplex !== undefined) booleanOf('halfDuplex', halfDuplex);
}

/** Returns the node of an output. */
export function outputNode(output: AudioNode | Speaker): AudioNode {
  return 'node' in output ? output.node : output;
}
