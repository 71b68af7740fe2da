import { expect, test } from 'vitest';
import { assemblyai } from '../../src/core/services/assemblyai.ts';
import { deepgramFlux } from '../../src/core/services/deepgram-flux.ts';
import { deepgramListen } from '../../src/core/services/deepgram-listen.ts';
import type { Service, WireMessage } from '../../src/core/services/service.ts';
import { soniox } from '../../src/core/services/soniox.ts';
import { speechmatics } from '../../src/core/services/speechmatics.ts';
import { vosk } from '../../src/core/services/vosk.ts';
import { whisperlive } from '../../src/core/services/whisperlive.ts';
import { SessionLife } from '../../src/core/session/session-life.ts';
import type { SessionEvent } from '../../src/core/session/session-messages.ts';
import { seededRandom } from '../helpers/random.ts';
import { FAKE_RECOGNIZERS, Recognition, SAMPLE_RATE } from './fake-recognizers.ts';
import type { FakeConnection } from './fake-recognizers.ts';

/** Recognizers that forget what they heard when a connection is lost. */
const SERVICES: readonly Service[] = [
  deepgramListen(),
  deepgramFlux(),
  assemblyai(),
  speechmatics(),
  soniox(),
  whisperlive({ format: 's16' }),
  vosk(),
];

const SEEDS = 6;
const STEP_MS = 10;
const SPEECH_MS = 30_000;

/** What is said: the number of the word at each frame, 0 in pauses. */
function speech(random: () => number): {
  readonly samples: Int16Array;
  readonly words: Map<number, number>;
} {
  const samples = new Int16Array((SPEECH_MS * SAMPLE_RATE) / 1000);
  const words = new Map<number, number>();
  const between = (least: number, most: number): number =>
    Math.floor((least + random() * (most - least)) * SAMPLE_RATE);
  let at = between(0, 1);
  while (at < samples.length - 3 * SAMPLE_RATE) {
    for (let left = 1 + Math.floor(random() * 6); left > 0; left--) {
      const length = between(0.15, 0.4);
      const word = words.size + 1;
      samples.fill(word, at, at + length);
      words.set(word, length);
      at += length + (random() < 0.3 ? 0 : between(0, 0.2));
    }
    at += between(0.6, 2.5);
  }
  return { samples, words };
}

/** Runs a session over connections that are lost again and again. @returns the final text, and how often they were lost */
function run(service: Service, seed: number): { readonly text: string; readonly losses: number } {
  const random = seededRandom(seed);
  const { samples, words } = speech(random);
  const life = new SessionLife(service, { random, session: 'session-1', firstDelayMs: 100 });
  const due: { atMs: number; attempt: number; happens: () => void }[] = [];
  const texts: string[] = [];
  let nowMs = 0;
  let server: FakeConnection | null = null;
  let attempt = 0;
  let delayMs = 0;
  let losses = 0;
  let isClosed = false;

  /** Something happens later, unless the connection is lost before. */
  function later(ms: number, happens: () => void): void {
    due.push({ atMs: nowMs + ms, attempt, happens });
  }

  function answer(messages: readonly object[]): void {
    const of = attempt;
    for (const message of messages) {
      later(delayMs, () => tell({ type: 'message', attempt: of, data: JSON.stringify(message) }));
    }
  }

  function send(message: WireMessage): void {
    const of = attempt;
    const connection = server!;
    later(delayMs, () => {
      answer(connection.receive(message));
      const isEnd =
        message === '' || /CloseStream|Terminate|EndOfStream|"eof"/.test(String(message));
      if (!isEnd) return;
      later(delayMs, () => tell({ type: 'closed', attempt: of, code: 1000, reason: '' }));
    });
  }

  function lose(): void {
    const of = attempt;
    due.splice(0, due.length);
    server = null;
    losses++;
    tell({ type: 'closed', attempt: of, code: 1006, reason: '' });
  }

  function tell(event: SessionEvent): void {
    for (const action of life.handle(event, nowMs, 0)) {
      switch (action.type) {
        case 'address': {
          attempt = action.attempt;
          const address = service.address('wss://service.example', undefined);
          later(0, () => tell({ type: 'address', attempt: action.attempt, address }));
          break;
        }
        case 'connect': {
          delayMs = 20 + Math.floor(random() * 150);
          const connection = FAKE_RECOGNIZERS[service.id]!(new Recognition(words));
          later(50 + random() * 1500, () => {
            server = connection;
            tell({ type: 'opened', attempt: action.attempt });
            answer(connection.hello);
          });
          break;
        }
        case 'send':
          send(action.message);
          break;
        case 'disconnect':
          due.splice(0, due.length);
          server = null;
          break;
        case 'service':
          if (action.event.type === 'transcript' && action.event.final)
            texts.push(action.event.text);
          break;
        case 'error':
          throw new Error(`seed ${seed}: ${action.error.message}`, { cause: action.error });
        case 'gap':
          throw new Error(
            `seed ${seed}: ${action.gap.frames} frames are lost (${action.gap.cause})`,
          );
        case 'closed':
          isClosed = true;
      }
    }
  }

  tell({ type: 'start' });
  const chunk = (service.chunkDurationMs * SAMPLE_RATE) / 1000;
  let frame = 0;
  for (; !isClosed && nowMs < 300_000; nowMs += STEP_MS) {
    for (let next = due.findIndex(({ atMs }) => atMs <= nowMs); next >= 0;) {
      const [{ happens, attempt: of }] = due.splice(next, 1) as [(typeof due)[number]];
      if (of === attempt) happens();
      next = due.findIndex(({ atMs }) => atMs <= nowMs);
    }
    if (life.dueMs <= nowMs) tell({ type: 'tick' });
    const captured = (nowMs * SAMPLE_RATE) / 1000;
    while (frame < samples.length && frame + chunk <= captured) {
      const bytes = new Uint8Array(samples.slice(frame, frame + chunk).buffer);
      tell({ type: 'audio', audio: { frame, frames: chunk, bytes, base64: '', dropped: 0 } });
      frame += chunk;
      if (frame >= samples.length) tell({ type: 'close', drainMs: 60_000 });
    }
    if (server !== null && frame < samples.length && random() < STEP_MS / 3000) lose();
  }
  expect(isClosed, `seed ${seed}: the session has closed`).toBe(true);
  return { text: texts.join(' ').trim().replace(/\s+/g, ' '), losses };
}

test.each(SERVICES.map((service) => [service.id, service] as const))(
  '%s writes every word once, however often the connection is lost',
  (_, service) => {
    let losses = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { words } = speech(seededRandom(seed));
      const expected = [...words.keys()].map((word) => `w${word}`).join(' ');
      const got = run(service, seed);
      losses += got.losses;
      if (got.text !== expected) expect({ seed, text: got.text }).toEqual({ seed, text: expected });
    }
    expect(losses).toBeGreaterThan(SEEDS * 2);
  },
);
