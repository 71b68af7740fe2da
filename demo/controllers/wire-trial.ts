import {
  Capture,
  Playout,
  Session as VoiceSession,
  WebSocketTransport,
  binaryFraming,
} from 'micwire';
import { micwire } from 'micwire/services/micwire';
import { socketOptions } from '../lanes/link-way.ts';
import type { Arrivals } from '../page/arrivals-view.ts';
import { SPEECH_LOOP_MS } from '../audio/speech-words.ts';
import type { Source } from '../audio/source.ts';
import type { OpenStage } from './session.ts';
import { Session } from './session.ts';
import type { WireRecord } from './wire-host.ts';
import { wireHost } from './wire-host.ts';

/** Which audio is heard: what came back over the session, over the plain WebSocket, or the source itself. */
export type HeardWay = 'session' | 'plain' | 'source';

/** What both ways carry. */
export const TRIAL_RATE = 16_000;
const STREAM = { format: 's16', sampleRate: TRIAL_RATE, channels: 1 } as const;
/** How long the outbox keeps audio, ms: the page shows this limit beside it. */
export const OUTBOX_MS = 60_000;
/** The longest wait between attempts, ms: short, because the person who mends the wire is watching. */
const MAX_DELAY_MS = 2000;
/** How often the server is asked what has arrived, ms. */
const ASK_MS = 250;

/** The same audio over a session and over a WebSocket that only reconnects, on a wire that can be cut. */
export class WireTrial extends Session {
  heard: HeardWay = 'session';
  /** null while nothing runs, as is `transport`. */
  voice: VoiceSession | null = null;
  transport: WebSocketTransport | null = null;
  /** Whether the wire is cut. */
  isCut = false;
  protected readonly contextOptions: AudioContextOptions = {};
  #wire = '';
  #record: WireRecord = NOTHING;
  #capture: Capture | null = null;
  #playout: Playout | null = null;
  #gains: Readonly<Record<HeardWay, GainNode>> | null = null;
  #timer: ReturnType<typeof setInterval> | undefined;
  /** Positions of each way's frame 0 in the looped sample, ms. */
  #sessionStartMs: number | null = null;
  #plainStartMs: number | null = null;

  /** What the session has delivered to the server. */
  get sessionArrivals(): Arrivals {
    const capturedFrames = this.voice?.stats.capturedFrames ?? 0;
    return { capturedFrames, spans: this.#record.session, startMs: this.#sessionStartMs };
  }

  /** What the plain WebSocket has delivered there. */
  get plainArrivals(): Arrivals {
    const capturedFrames = this.#capture?.stats.capturedFrames ?? 0;
    return { capturedFrames, spans: this.#record.plain, startMs: this.#plainStartMs };
  }

  hear(heard: HeardWay): void {
    this.heard = heard;
    for (const [way, { gain }] of Object.entries(this.#gains ?? {})) {
      gain.value = way === heard ? 1 : 0;
    }
    this.host.requestUpdate();
  }

  /** Cuts the wire of both ways, or mends it. */
  async cut(isCut: boolean): Promise<void> {
    this.isCut = isCut;
    this.host.requestUpdate();
    await wireHost.cut(this.#wire, isCut);
  }

  protected async open(stage: OpenStage): Promise<void> {
    const { context, source, output, outdated } = stage;
    this.#wire = `wire-${crypto.getRandomValues(new Uint32Array(2)).join('-')}`;
    const gains = {
      session: new GainNode(context),
      plain: new GainNode(context),
      source: new GainNode(context),
    };
    for (const gain of Object.values(gains)) gain.connect(output);
    this.#gains = gains;
    this.hear(this.heard);
    source.node.connect(gains.source);
    await this.#openSession(stage, gains.session);
    if (outdated()) return;
    await this.#openPlain(stage, gains.plain);
    if (outdated()) return;
    this.#timer = setInterval(() => void this.#ask(), ASK_MS);
  }

  protected shut(): void {
    clearInterval(this.#timer);
    void this.voice?.close({ drainMs: 0 });
    void this.#capture?.close();
    void this.transport?.close();
    void this.#playout?.close();
    this.voice = null;
    this.transport = null;
    this.#capture = null;
    this.#playout = null;
    this.#gains = null;
    this.#record = NOTHING;
    this.#sessionStartMs = null;
    this.#plainStartMs = null;
    this.isCut = false;
  }

  async #openSession({ context, source, outdated }: OpenStage, output: AudioNode): Promise<void> {
    const way = wireHost.session(this.#wire);
    const voice = await VoiceSession.open({
      context,
      microphone: source.microphone ?? source.node,
      service: micwire({ input: STREAM, output: STREAM }),
      url: way.url,
      ...socketOptions(way),
      token: () => this.#wire,
      output,
      maxOutboxMs: OUTBOX_MS,
      maxDelayMs: MAX_DELAY_MS,
    });
    if (outdated()) return void voice.close({ drainMs: 0 });
    this.voice = voice;
    const capturedSeconds = voice.stats.capturedFrames / TRIAL_RATE;
    this.#sessionStartMs = positionMs(source, context.currentTime - capturedSeconds);
    voice.addEventListener('statechange', () => this.host.requestUpdate());
  }

  async #openPlain({ context, source, outdated }: OpenStage, output: AudioNode): Promise<void> {
    const playout = await Playout.create(context, { ...STREAM, backlog: 'catch-up' });
    if (outdated()) return void playout.close();
    this.#playout = playout;
    playout.connect(output);
    const way = wireHost.plain(this.#wire);
    const transport = WebSocketTransport.create(way.url, {
      ...socketOptions(way),
      maxDelayMs: MAX_DELAY_MS,
    });
    this.transport = transport;
    void playout.pipeFrom(transport, binaryFraming);
    const capture = await Capture.create(context, source.microphone ?? source.node, {
      sampleRate: TRIAL_RATE,
    });
    if (outdated()) return void capture.close();
    this.#capture = capture;
    const encoder = binaryFraming.createEncoder();
    // As in an app without a session: what cannot be sent now is lost.
    capture.addEventListener('chunk', ({ detail: chunk }) => {
      this.#plainStartMs ??= positionMs(source, chunk.contextTime - chunk.frame / TRIAL_RATE);
      transport.send(encoder.encode(chunk));
    });
  }

  async #ask(): Promise<void> {
    const { generation } = this;
    const record = await wireHost.record(this.#wire);
    if (record === null || generation !== this.generation) return;
    this.#record = record;
    this.host.requestUpdate();
  }
}

const NOTHING: WireRecord = { session: [], plain: [] };

/** Where the looped sample is at a time of the context, ms; null where nothing is looped. */
function positionMs({ startTime, label }: Source, contextTime: number): number | null {
  if (startTime === null || !label.startsWith('Speech')) return null;
  const ms = (contextTime - startTime) * 1000;
  return ((ms % SPEECH_LOOP_MS) + SPEECH_LOOP_MS) % SPEECH_LOOP_MS;
}
