import { Call, MicwireError, WebSocketSignalling } from 'micwire';
import { mappingFromCandidates } from 'micwire/nat';
import type { CandidateVerdict, NatKind } from 'micwire/nat';
import type { Speaker } from 'micwire';
import type { ReactiveController, ReactiveControllerHost } from 'lit';
import { connectCall } from '../lanes/connect-call.ts';
import { LinkClient } from '../link/link-client.ts';
import { openSpeaker } from '../audio/open-speaker.ts';
import { problemOf } from '../audio/problem.ts';
import type { Source } from '../audio/source.ts';
import { UNPROCESSED, openStageSource } from '../audio/source.ts';
import { PingLog } from '../measure/ping-log.ts';
import type { GatheringError } from '../page/ice-errors.ts';
import { addError } from '../page/ice-errors.ts';
import { closeReason } from './close-reason.ts';
import { labIceServers, routerIceServers, urlsOf } from './ice-servers.ts';
import { MicrophoneDesk } from './microphone-desk.ts';

/** Which STUN and TURN servers a call may use. */
export type ServerChoice =
  /** None: enough on one machine and within a network. */
  | 'none'
  /** The one that the lab's own server runs. */
  | 'lab'
  /** Those that are typed in. */
  | 'own';

/** The settings of a call. */
export interface RoomCallSettings {
  /** Both sides name the same. 1 to 64 of `A–Z a–z 0–9 _ -`. */
  readonly room: string;
  readonly sound: 'microphone' | 'speech';
  readonly servers: ServerChoice;
  /** Addresses of own servers, with commas between them; for `'own'`. */
  readonly urls: string;
  readonly username: string;
  readonly credential: string;
  readonly policy: RTCIceTransportPolicy;
  readonly redundancy: boolean;
  /** A simulated router in front of this side, with its own STUN and TURN servers; both sides have one, or neither. */
  readonly router: 'none' | NatKind;
}

/** How often a message goes over the data channel and back, ms; its type, and its length. */
const PING_MS = 1000;
const PING = 0;
const PONG = 1;
const PING_BYTES = 5;

/** How long to wait for the other side, ms. */
const WAIT_MS = 600_000;

/** Calls the other peer of a room: another tab, or another machine that reaches this server. */
export class RoomCall implements ReactiveController {
  settings: RoomCallSettings;
  /** `'idle'`: no call; `'busy'`: waiting for the other side, or connecting. */
  phase: 'idle' | 'busy' | 'up' = 'idle';
  /** Why the last call failed or ended, in a sentence; else empty. */
  problem = '';
  /** The last call, even if it has ended, so that it can be shown. */
  call: Call | null = null;
  /** What this side's own candidates say about its NAT; null before there are any. */
  verdict: CandidateVerdict | null = null;
  /** Addresses of its STUN and TURN servers, and what went wrong when they were asked. */
  servers: readonly string[] = [];
  iceErrors: readonly GatheringError[] = [];
  /** What `getUserMedia` gave for it. */
  captured: readonly MediaStreamTrack[] = [];
  /** Messages that go to the other side and back over the call's data channel. */
  pings: PingLog = new PingLog();
  /** The sent and the received audio, for meters. */
  sent: AudioNode | null = null;
  heard: AudioNode | null = null;
  /** The choice of the microphone's device, and what is done with it. */
  readonly desk: MicrophoneDesk;
  readonly #host: ReactiveControllerHost;
  #context: AudioContext | null = null;
  #source: Source | null = null;
  #speaker: Speaker | null = null;
  /** The session that the router of this side belongs to. */
  #link: LinkClient | null = null;

  constructor(host: ReactiveControllerHost, room: string) {
    this.#host = host;
    this.settings = {
      room,
      sound: 'speech',
      servers: 'none',
      urls: '',
      username: '',
      credential: '',
      policy: 'all',
      redundancy: false,
      router: 'none',
    };
    host.addController(this);
    this.desk = new MicrophoneDesk(host);
  }

  hostDisconnected(): void {
    this.hangUp();
  }

  /** They count from the next call on. */
  configure(changes: Partial<RoomCallSettings>): void {
    this.settings = { ...this.settings, ...changes };
    this.#host.requestUpdate();
  }

  /** Enters the room and calls the peer that is there, or arrives. Call it from a user's gesture. */
  async start(): Promise<void> {
    this.hangUp();
    this.problem = '';
    this.#enter('busy');
    const context = new AudioContext();
    this.#context = context;
    context.resume().catch(() => {});
    try {
      const { sound, room, policy, redundancy, router } = this.settings;
      const iceServers = await this.#iceServers(context);
      const speaker = sound === 'microphone' ? await openSpeaker(context) : null;
      if (context !== this.#context) return;
      this.#speaker = speaker;
      const processing = { ...UNPROCESSED, echoCancellation: true };
      const { deviceId } = this.desk;
      const source = await openStageSource(
        context,
        { kind: sound, file: null, processing },
        { deviceId, speaker },
      );
      if (context !== this.#context) return source.close();
      this.#source = source;
      this.desk.follow(source.microphone, speaker);
      this.sent = source.node;
      const call = Call.create(
        WebSocketSignalling.create(router === 'none' ? '/signal' : '/signal?router=1', { room }),
        {
          track: trackOf(source.node, context),
          iceServers,
          iceTransportPolicy: policy,
          redundancy,
          connectTimeoutMs: WAIT_MS,
        },
      );
      this.call = call;
      this.servers = iceServers.flatMap(urlsOf);
      this.captured = [source.microphone?.track].flatMap((track) => track ?? []);
      this.#watchCandidates(call);
      this.#ping(call.createDataChannel({ label: 'ping', reliable: true }));
      call.addEventListener('statechange', () => this.#follow(call));
      call.addEventListener('step', () => this.#host.requestUpdate());
      const isOnlyByServers = router !== 'none' || policy === 'relay';
      await connectCall(call, isOnlyByServers ? this.servers : []);
      if (call !== this.call || call.remoteTrack === null) return;
      const heard = call.createSource(context);
      heard.connect(speaker?.node ?? context.destination);
      this.heard = heard;
      this.#enter('up');
    } catch (error) {
      if (context === this.#context) this.#end(wordsOf(error));
    }
  }

  hangUp(): void {
    this.#end('');
  }

  async #iceServers(context: AudioContext): Promise<RTCIceServer[]> {
    const { servers, urls, username, credential, router } = this.settings;
    if (router !== 'none') {
      const link = await LinkClient.connect(location.origin.replace(/^http/, 'ws'));
      if (context !== this.#context) {
        link.close();
        return [];
      }
      this.#link = link;
      link.onclose = () => {
        if (link === this.#link)
          this.#end('The simulated network has ended, and the call with it.');
      };
      return [...(await routerIceServers(link, 'router', router))];
    }
    if (servers === 'none') return [];
    if (servers === 'own') {
      const list = urls.split(/[\s,]+/).filter((url) => url !== '');
      return list.length === 0 ? [] : [{ urls: list, username, credential }];
    }
    return [...(await labIceServers())];
  }

  #watchCandidates(call: Call): void {
    const candidates: RTCIceCandidate[] = [];
    this.verdict = null;
    this.iceErrors = [];
    call.connection.addEventListener('icecandidateerror', ({ errorCode, errorText, url }) => {
      if (call !== this.call) return;
      this.iceErrors = addError(this.iceErrors, { code: errorCode, text: errorText, url });
      this.#host.requestUpdate();
    });
    call.connection.addEventListener('icecandidate', ({ candidate }) => {
      if (candidate === null || call !== this.call) return;
      candidates.push(candidate);
      this.verdict = mappingFromCandidates(candidates);
      this.#host.requestUpdate();
    });
  }

  /** Sends a message every second that the other side sends back, and sends back what it sends. Closes with the call. */
  #ping(channel: RTCDataChannel): void {
    const log = new PingLog();
    this.pings = log;
    channel.onmessage = ({ data }: MessageEvent<ArrayBuffer>) => {
      if (data.byteLength !== PING_BYTES) return;
      const view = new DataView(data);
      const sequence = view.getUint32(1);
      if (view.getUint8(0) === PONG) return log.returned(sequence, performance.now());
      if (channel.readyState === 'open') channel.send(pingMessage(PONG, sequence));
    };
    const timer = setInterval(() => {
      if (channel.readyState === 'closed') return clearInterval(timer);
      if (channel.readyState !== 'open') return;
      channel.send(pingMessage(PING, log.send(performance.now())));
      this.#host.requestUpdate();
    }, PING_MS);
    channel.onclose = () => clearInterval(timer);
  }

  #follow(call: Call): void {
    if (call === this.call && call.state === 'closed' && this.phase !== 'idle') {
      this.#end(closeReason(call));
    }
    this.#host.requestUpdate();
  }

  #end(problem: string): void {
    const { call } = this;
    const context = this.#context;
    const source = this.#source;
    this.#context = null;
    const speaker = this.#speaker;
    this.#source = null;
    this.#speaker = null;
    const link = this.#link;
    this.#link = null;
    this.sent = null;
    this.heard = null;
    this.phase = 'idle';
    this.problem = problem;
    void call?.close();
    this.desk.follow(null, null);
    source?.close();
    void speaker?.close();
    void context?.close();
    link?.close();
    this.#host.requestUpdate();
  }

  #enter(phase: RoomCall['phase']): void {
    this.phase = phase;
    this.#host.requestUpdate();
  }
}

function pingMessage(kind: number, sequence: number): DataView<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(PING_BYTES));
  view.setUint8(0, kind);
  view.setUint32(1, sequence);
  return view;
}

function trackOf(node: AudioNode, context: AudioContext): MediaStreamTrack {
  const destination = new MediaStreamAudioDestinationNode(context, { channelCount: 1 });
  node.connect(destination);
  return destination.stream.getAudioTracks()[0]!;
}

function wordsOf(error: unknown): string {
  if (error instanceof MicwireError || error instanceof TypeError) return error.message;
  const { title, cure } = problemOf(error);
  return `${title} ${cure}`;
}
