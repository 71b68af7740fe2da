import { readFileSync } from 'node:fs';
import { FRAMINGS } from 'micwire';
import type { Framing } from 'micwire';
import { describe, expect, it } from 'vitest';
import {
  costsOf,
  exampleMessage,
  streamOf,
  wireBytesPerSecond,
} from '../demo/page/message-costs.ts';
import type { CloseUpFigures } from '../demo/lanes/close-up-lane.ts';
import { delayParts, scaleFor } from '../demo/page/readings.ts';
import { bytes, count, decibels, kilobits, milliseconds } from '../demo/page/format.ts';
import { RecentValues, RunningRate } from '../demo/lanes/running-figures.ts';
import { ChunkTape } from '../demo/scope/chunk-tape.ts';
import { layOut } from '../demo/scope/scope-layout.ts';
import { SmoothClock } from '../demo/scope/smooth-clock.ts';
import {
  CHUNK_DURATIONS,
  DEFAULT_SETTINGS,
  SAMPLE_RATES,
  choicesFor,
  withChanges,
} from '../demo/lanes/close-up-settings.ts';
import type { CloseUpStatusSubject } from '../demo/page/status.ts';
import { closeUpStatus } from '../demo/page/status.ts';
import { costOf, takeApart } from '../demo/page/wire-parts.ts';
import { seededRandom } from './helpers/random.ts';

describe('figures', () => {
  it('medians and percentiles are those of the last values, by nearest rank', () => {
    const recent = new RecentValues(100);
    expect(recent.spread()).toBeNull();
    recent.add(7);
    expect(recent.spread()).toEqual({ median: 7, p95: 7, count: 1 });
    const random = seededRandom(4);
    const values: number[] = [];
    for (let i = 0; i < 350; i++) {
      values.push(random());
      recent.add(values.at(-1)!);
    }
    const sorted = values.slice(-100).toSorted((a, b) => a - b);
    expect(recent.spread()).toEqual({ median: sorted[49], p95: sorted[94], count: 100 });
  });

  it('a rate is the growth over the last seconds, not the average since the start', () => {
    const rate = new RunningRate(2000);
    expect(rate.update(0, 0)).toBe(0);
    for (let ms = 500; ms <= 5000; ms += 500) rate.update(ms, ms);
    for (let ms = 5500; ms <= 9000; ms += 500) rate.update(ms, 5000 + (ms - 5000) * 3);
    expect(rate.update(9500, 5000 + 4500 * 3)).toBeCloseTo(3000);
  });

  it('numbers read well at every size', () => {
    expect([0, 999, 1000, 9994, 12_345, 999_499, 1e6, 123_456_789].map(bytes)).toEqual([
      '0 B',
      '999 B',
      '1.00 kB',
      '9.99 kB',
      '12.3 kB',
      '999 kB',
      '1.00 MB',
      '123 MB',
    ]);
    expect([-Infinity, -120, -23.45, -0.04, 0, 3].map(decibels)).toEqual([
      '−∞',
      '−∞',
      '−23.4',
      '0.0',
      '0.0',
      '3.0',
    ]);
    expect([-12.34, -0.04, 0, 9.96, 99.94, 99.96, 1234].map(milliseconds)).toEqual([
      '−12.3',
      '0.0',
      '0.0',
      '10.0',
      '99.9',
      '100',
      '1,234',
    ]);
    expect(count(1_234_567)).toBe('1,234,567');
    expect(kilobits(50_900)).toBe('407');
  });

  it('every part of the delay is unknown until something runs', () => {
    expect(delayParts(null, 20).map(({ ms }) => ms)).toEqual(Array(6).fill(null));
    expect([0, 50, 50.1, 9e9].map(scaleFor)).toEqual([50, 50, 100, 10_000]);
  });

  it.each([90, 61])('the parts of the delay add up to the whole of %d ms', (whole) => {
    const of = (median: number) => ({ median, p95: median, count: 5 });
    const figures = {
      totalMs: of(whole),
      handOverMs: of(7),
      resamplerMs: 2,
      encoderMs: 6.5,
      roundTripMs: of(4),
      playoutDelayMs: of(31),
    } as CloseUpFigures;
    const parts = delayParts(figures, 20);
    expect(parts.map(({ ms }) => ms)).toEqual([20, 8.5, 5, 4, 31, whole - 68.5]);
    const unknown = delayParts({ ...figures, roundTripMs: null }, 20);
    expect(unknown.at(-1)).toMatchObject({ label: 'Remainder', ms: null });
  });
});

describe('the scope', () => {
  it('marks the fate of a chunk on the tape, and drops chunks that have left it', () => {
    const tape = new ChunkTape(1);
    for (let sequence = 0; sequence < 100; sequence++) {
      tape.add({ sequence, time: sequence * 0.02, seconds: 0.02, fate: 'sent' });
    }
    tape.mark(98, 'back');
    tape.mark(99, 'dropped');
    tape.mark(0, 'back'); // long gone
    const tiles = [...tape];
    expect(tiles[0]!.time).toBeGreaterThanOrEqual(0.98);
    expect(tiles.length).toBe(51);
    expect(tiles.slice(-3).map(({ fate }) => fate)).toEqual(['sent', 'back', 'dropped']);
  });

  it('lays meters beside the waves at any width', () => {
    for (const width of [300, 336, 1100]) {
      const { inputWave, inputMeter } = layOut(width);
      expect(inputWave.x + inputWave.width).toBeLessThan(inputMeter.x);
      expect(inputMeter.x + inputMeter.width).toBeLessThanOrEqual(width);
    }
  });

  it('moves evenly while the context’s clock jitters, and follows a real jump at once', () => {
    const clock = new SmoothClock();
    const random = seededRandom(5);
    let before = clock.read(10, 0);
    for (let frame = 1; frame < 600; frame++) {
      const pageTime = frame / 60;
      const now = clock.read(10 + pageTime - random() * 0.02, pageTime);
      expect(now - before).toBeGreaterThan(0.012);
      expect(now - before).toBeLessThan(0.022);
      before = now;
    }
    expect(clock.read(0.5, 600 / 60)).toBeCloseTo(0.5);
  });
});

describe('a message, taken apart', () => {
  it.each(Object.values(FRAMINGS))(
    '$name: fields, payload and cost are those of the message',
    (framing) => {
      const sent = exampleMessage(framing, DEFAULT_SETTINGS)!;
      const parts = takeApart(sent);
      expect(parts.messageBytes).toBe(sent.message.length);
      expect(parts.payloadBytes).toBe(640);
      const fields = parts.rows.map(({ where }) => where).join(' ');
      const expected =
        framing.name === 'rtp'
          ? ['PT', 'sequence', 'timestamp']
          : ['version', 'format', 'sequence', 'frames'];
      for (const field of expected) {
        expect(fields).toContain(field);
      }
      expect(parts.rows.every(({ meaning }) => meaning !== '')).toBe(true);
      const shown = parts.payload.join('').replaceAll(' ', '');
      const whole =
        typeof sent.message === 'string'
          ? (JSON.parse(sent.message).payload as string)
          : Buffer.from(sent.message)
              .toString('hex')
              .slice(-2 * parts.payloadBytes);
      expect(whole.startsWith(shown)).toBe(true);
      expect(shown.length).toBeGreaterThan(100);
      expect(costOf(parts)).toMatch(/640 B of samples/);
    },
  );

  const pairs = (
    left: readonly number[],
    right: readonly number[],
  ): (readonly [number, number])[] => left.flatMap((a) => right.map((b) => [a, b] as const));

  it('twice the channels cost twice the samples', () => {
    const alone = (channels: number) =>
      costsOf(FRAMINGS.binary, { ...DEFAULT_SETTINGS, channels })[0];
    expect(alone(1)).toEqual({ label: 'Samples alone', value: '256 kbit/s' });
    expect(alone(2)).toEqual({ label: 'Samples alone', value: '512 kbit/s' });
  });

  it('an example exists for every choice on the page, and its cost is shown', () => {
    for (const framing of Object.values(FRAMINGS)) {
      for (const sampleRate of SAMPLE_RATES) {
        for (const [chunkDurationMs, channels] of pairs(CHUNK_DURATIONS, [1, 2])) {
          const settings = { ...DEFAULT_SETTINGS, sampleRate, chunkDurationMs, channels };
          const { packet, message } = exampleMessage(framing, settings)!;
          const decoder = framing.createDecoder(streamOf(settings));
          expect(decoder.decode(message).map(({ frames }) => frames)).toEqual([packet.frames]);
          expect(costsOf(framing, settings).map(({ value }) => value)).not.toContain('NaN');
        }
      }
    }
  });
});

describe('Opus, before it runs', () => {
  const opus = withChanges(DEFAULT_SETTINGS, { format: 'opus' });

  it('has no example, because a packet has to be encoded; its bitrate is shown beside that of samples', () => {
    expect(exampleMessage(FRAMINGS.binary, opus)).toBeNull();
    const costs = (framing: Framing) =>
      Object.fromEntries(costsOf(framing, opus).map(({ label, value }) => [label, value]));
    // 60 bytes of Opus and a header of 6, 50 times a second.
    expect(costs(FRAMINGS.binary)).toEqual({
      'As 16-bit samples alone': '256 kbit/s',
      'Opus, as asked for': '24 kbit/s',
      'Headers around it': '≈ 2 kbit/s',
      Messages: '50 a second',
      'On the wire, each way': '≈ 26 kbit/s',
    });
    const json = wireBytesPerSecond(FRAMINGS['base64-json'], opus);
    expect(json).toBeGreaterThan(2 * wireBytesPerSecond(FRAMINGS.binary, opus));
  });

  it('low delay rules out FEC, and FEC rules out nothing', () => {
    const fec = withChanges(opus, { fec: true });
    expect(fec.fec).toBe(true);
    expect(withChanges(fec, { application: 'lowdelay' }).fec).toBe(false);
    expect(withChanges(fec, { application: 'audio' }).fec).toBe(true);
  });

  it('every choice is compatible with every other that is offered beside it', () => {
    for (const encodeIn of ['auto', 'worklet', 'worker', 'webcodecs'] as const) {
      for (const sampleRate of SAMPLE_RATES) {
        for (const chunkDurationMs of CHUNK_DURATIONS) {
          const changes = { format: 'opus', encodeIn, sampleRate, chunkDurationMs } as const;
          const settings = withChanges(DEFAULT_SETTINGS, changes);
          const { sampleRates, chunkDurations } = choicesFor(settings);
          expect(sampleRates).toContain(settings.sampleRate);
          expect(chunkDurations).toContain(settings.chunkDurationMs);
          expect(settings.chunkDurationMs).toBeLessThanOrEqual(encodeIn === 'worklet' ? 20 : 60);
        }
      }
    }
  });
});

describe('the status', () => {
  const nothing = () => {};
  const subject = (changes: object): CloseUpStatusSubject =>
    ({
      phase: 'running',
      problem: null,
      stage: { kind: 'speech' },
      suspended: false,
      context: { state: 'running', sampleRate: 48_000 },
      source: { label: 'Speech sample' },
      lane: { wireStatus: { state: 'open', failedAttempts: 0 }, stalled: false, retryInMs: 0 },
      muted: false,
      start: nothing,
      resume: nothing,
      ...changes,
    }) as unknown as CloseUpStatusSubject;
  const lane = (state: string, failedAttempts = 0, retryInMs = 0) => ({
    lane: {
      wireStatus: { state, failedAttempts, reason: 'Because.' },
      stalled: false,
      retryInMs,
      retryNow: nothing,
    },
  });

  const microphone = (state: string, facts: object = {}) => ({
    source: { label: 'Fake', microphone: { state, advice: null, muted: null, ...facts } },
  });

  it.each([
    [{ phase: 'idle' }, 'idle', /Ready.*Press Start/],
    [{ phase: 'starting' }, 'busy', /Starting/],
    [{ phase: 'starting', stage: { kind: 'microphone' }, source: null }, 'busy', /asks whether/],
    [{}, 'good', /Running.*Speech sample, at 48 kHz/],
    [{ muted: true }, 'good', /output is muted/],
    [{ suspended: true, context: { state: 'suspended' } }, 'warning', /blocking the audio/],
    [{ suspended: true, context: { state: 'interrupted' } }, 'warning', /system has interrupted/],
    [microphone('muted', { muted: 'time' }), 'idle', /have muted.*stays open/],
    [microphone('lost', { advice: 'It is gone. Connect it.' }), 'warning', /gone\. Connect it/],
    [microphone('opening'), 'busy', /Waiting for the microphone/],
    [microphone('live'), 'good', /Running/],
    [lane('connecting'), 'busy', /Connecting/],
    [lane('connecting', 2), 'warning', /server is gone.*Because\. Attempt 3 is under way/],
    [lane('waiting', 2, 2100), 'warning', /server is gone.*Because\. Attempt 3 in 3 s/],
    [lane('congested'), 'warning', /network is too slow.*Because/],
  ] as const)('%j: %s', (changes, tone, words) => {
    const status = closeUpStatus(subject(changes));
    expect(status.tone).toBe(tone);
    expect(`${status.title} ${status.detail}`).toMatch(words);
  });

  it('offers the one possible action, and no resume while the system holds the audio', () => {
    const action = (changes: object) => closeUpStatus(subject(changes)).action?.label;
    const problem = { kind: 'no-device', title: 'None.', cure: 'Connect one.' };
    expect(action({ phase: 'failed', problem })).toBe('Try again');
    expect(action({ suspended: true, context: { state: 'suspended' } })).toBe('Play the audio');
    expect(action({ suspended: true, context: { state: 'interrupted' } })).toBeUndefined();
    expect(action(lane('waiting', 1, 500))).toBe('Try now');
  });
});

describe('the palette', () => {
  const css = readFileSync(new URL('../demo/styles/page.css', import.meta.url), 'utf8');
  const [light, dark] = [...css.matchAll(/:root \{(.*?)\}/gs)].map(
    ([, block]) =>
      Object.fromEntries(
        [...block!.matchAll(/--([\w-]+): #(\w{6});/g)].map(([, name, hex]) => [name!, hex!]),
      ) as Record<string, string>,
  );

  /** WCAG 2.2, relative luminance. */
  const luminance = (hex: string): number => {
    const [r, g, b] = [0, 2, 4].map((at) => {
      const value = parseInt(hex.slice(at, at + 2), 16) / 255;
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
  };
  const contrast = (one: string, other: string): number => {
    const [low, high] = [luminance(one), luminance(other)].toSorted((a, b) => a - b);
    return (high! + 0.05) / (low! + 0.05);
  };

  // WCAG 2.2, 1.4.3: 4.5 for text; 1.4.11: 3 for what must be told apart without words.
  it.each([
    ['ink', ['ground', 'panel', 'sunken', 'warn-ground', 'alert-ground'], 4.5],
    ['ink-soft', ['ground', 'panel', 'sunken'], 4.5],
    ['in', ['ground', 'panel', 'sunken', 'on-accent'], 4.5],
    ['out', ['ground'], 4.5],
    ['alert', ['ground', 'panel', 'alert-ground'], 4.5],
    ['warn', ['warn-ground'], 4.5],
    ['out', ['sunken'], 3],
    ['tape', ['sunken', 'panel'], 3],
    ['line-strong', ['panel'], 3],
    ['focus', ['ground', 'panel'], 3],
    ['lane-pcm', ['panel', 'sunken'], 3],
    ['lane-opus', ['panel', 'sunken'], 3],
    ['lane-recorder', ['panel', 'sunken'], 3],
    ['lane-webrtc', ['panel', 'sunken'], 3],
  ] as const)('%s contrasts with %j, in light and in dark', (colour, grounds, least) => {
    for (const theme of [light!, dark!]) {
      for (const ground of grounds) {
        expect(contrast(theme[colour]!, theme[ground]!)).toBeGreaterThanOrEqual(least);
      }
    }
  });
});
