import type { Service } from '../../src/core/services/service.ts';
import { deepgramAgent } from '../../src/core/services/deepgram-agent.ts';
import { deepgramListen } from '../../src/core/services/deepgram-listen.ts';
import { micwire } from '../../src/core/services/micwire.ts';
import { openaiRealtime } from '../../src/core/services/openai-realtime.ts';
import type {
  SessionGap,
  SessionState,
  SessionStats,
} from '../../src/core/session/session-messages.ts';
import { Session } from '../../src/web/index.ts';
import { numberedSample } from './numbered.ts';

/** Sample rate of everything: nothing is resampled. */
const SAMPLE_RATE = 24_000;
/** How long the last audio may still be sent. */
const DRAIN_MS = 60_000;

/** Every session of a run by the name of its case. */
const SERVICES = {
  micwire: () => micwire({ input: { format: 's16', sampleRate: SAMPLE_RATE, channels: 1 } }),
  openai: () => openaiRealtime(),
  'openai-no-overlap': () => openaiRealtime({ overlapMs: 0 }),
  'deepgram-agent': () => deepgramAgent(),
  'deepgram-listen': () => deepgramListen({ sampleRate: SAMPLE_RATE }),
} satisfies Readonly<Record<string, () => Service>>;

/** A case's name. */
export type CaseName = keyof typeof SERVICES;

/** What a session has told of itself. */
export interface CaseReport {
  /** Each state, and when it was entered, ms of the page's clock. */
  readonly states: readonly { readonly state: SessionState; readonly atMs: number }[];
  readonly gaps: readonly SessionGap[];
  readonly errors: readonly string[];
  readonly stats: SessionStats;
}

class LiveSession {
  readonly #session: Session;
  readonly #states: { readonly state: SessionState; readonly atMs: number }[] = [];
  readonly #gaps: SessionGap[] = [];
  readonly #errors: string[] = [];

  static async open(
    context: AudioContext,
    microphone: AudioNode,
    name: CaseName,
    url: string,
  ): Promise<LiveSession> {
    const service = SERVICES[name]();
    return new LiveSession(await Session.open({ context, microphone, service, url }));
  }

  private constructor(session: Session) {
    this.#session = session;
    this.#note();
    session.addEventListener('statechange', () => this.#note());
    session.addEventListener('gap', ({ detail }) => this.#gaps.push(detail));
    session.addEventListener('error', ({ detail }) => this.#errors.push(detail.message));
  }

  async close(): Promise<CaseReport> {
    await this.#session.close({ drainMs: DRAIN_MS });
    return {
      states: this.#states,
      gaps: this.#gaps,
      errors: this.#errors,
      stats: this.#session.stats,
    };
  }

  #note(): void {
    const { state } = this.#session;
    // Several events in a row may find the same state: the latest.
    if (state !== this.#states.at(-1)?.state) this.#states.push({ state, atMs: performance.now() });
  }
}

let context: AudioContext;
const sessions = new Map<string, LiveSession>();

/** Opens a session of one numbered signal with each server. */
async function openSessions(
  urls: Readonly<Record<string, string>>,
  seconds: number,
): Promise<void> {
  context = new AudioContext({ sampleRate: SAMPLE_RATE });
  await context.resume();
  const length = seconds * SAMPLE_RATE;
  const buffer = new AudioBuffer({ length, sampleRate: SAMPLE_RATE });
  const samples = buffer.getChannelData(0);
  for (let i = 0; i < length; i++) samples[i] = numberedSample(i) / 32_768;
  const source = new AudioBufferSourceNode(context, { buffer });
  for (const [name, url] of Object.entries(urls)) {
    sessions.set(name, await LiveSession.open(context, source, name as CaseName, url));
  }
  source.start();
}

/** Sends what waits, and tells how it went. */
async function closeSessions(): Promise<Readonly<Record<string, CaseReport>>> {
  const closing = [...sessions].map(
    async ([name, session]) => [name, await session.close()] as const,
  );
  const reports = Object.fromEntries(await Promise.all(closing));
  await context.close();
  return reports;
}

Object.assign(globalThis, { openSessions, closeSessions });
