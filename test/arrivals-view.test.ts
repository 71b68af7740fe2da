import { describe, expect, it } from 'vitest';
import { SPEECH_LOOP_MS, SPEECH_WORDS } from '../demo/audio/speech-words.ts';
import { lostFrames, saidWords, stretchesOf } from '../demo/page/arrivals-view.ts';
import type { Arrivals } from '../demo/page/arrivals-view.ts';

/* What the lab shows of audio that a server has received, and of audio that it has not. */

const RATE = 16_000;

function arrivals(changes: Partial<Arrivals>): Arrivals {
  return { capturedFrames: 0, spans: [], startMs: 0, ...changes };
}

describe('stretches of audio', () => {
  it('are pending after the audio that has arrived, and lost before it', () => {
    const view = stretchesOf(
      arrivals({
        capturedFrames: 1000,
        spans: [
          [0, 200],
          [500, 800],
        ],
      }),
      1000,
    );
    expect(view).toEqual([
      { from: 0, to: 0.2, state: 'arrived' },
      { from: 0.2, to: 0.5, state: 'lost' },
      { from: 0.5, to: 0.8, state: 'arrived' },
      { from: 0.8, to: 1, state: 'pending' },
    ]);
  });

  it('begin within the window, with the newest at its right end', () => {
    const view = stretchesOf(arrivals({ capturedFrames: 3000, spans: [[0, 2500]] }), 1000);
    expect(view).toEqual([
      { from: 0, to: 0.5, state: 'arrived' },
      { from: 0.5, to: 1, state: 'pending' },
    ]);
    const young = stretchesOf(arrivals({ capturedFrames: 500, spans: [[0, 500]] }), 1000);
    expect(young).toEqual([{ from: 0.5, to: 1, state: 'arrived' }]);
  });

  it('end with the audio that this page has captured, even if the server is ahead of its count', () => {
    const view = stretchesOf(arrivals({ capturedFrames: 900, spans: [[0, 1000]] }), 900);
    expect(view).toEqual([{ from: 0, to: 1, state: 'arrived' }]);
  });
});

describe('lost frames', () => {
  it('are those that later audio has overtaken', () => {
    const spans = [
      [100, 200],
      [300, 400],
    ] as const;
    expect(lostFrames(arrivals({ capturedFrames: 900, spans }))).toBe(200);
    expect(lostFrames(arrivals({ capturedFrames: 900 }))).toBe(0);
  });
});

describe('words of the speech sample', () => {
  const texts = SPEECH_WORDS.map(({ text }) => text);

  it('are those of the sample’s text, in order, within the sample', () => {
    expect(texts.join(' ')).toBe(
      'This is a voice on the wire: numbered, timed, sent, and back again.',
    );
    SPEECH_WORDS.forEach(({ startMs, endMs }, i) => {
      expect(endMs).toBeGreaterThan(startMs);
      expect(startMs).toBe(i === 0 ? 100 : SPEECH_WORDS[i - 1]!.endMs);
    });
    expect(SPEECH_WORDS.at(-1)!.endMs).toBeLessThan(SPEECH_LOOP_MS);
  });

  it('are lost during a gap of the connection, and no others', () => {
    const capturedFrames = Math.round((2 * SPEECH_LOOP_MS * RATE) / 1000);
    const frameOf = (text: string, side: 'startMs' | 'endMs'): number =>
      Math.round((SPEECH_WORDS.find((word) => word.text === text)![side] * RATE) / 1000);
    const spans = [
      [0, frameOf('numbered,', 'startMs')],
      [frameOf('timed,', 'endMs'), capturedFrames],
    ] as const;
    const said = saidWords(arrivals({ capturedFrames, spans }), RATE, 4);
    expect(said).toHaveLength(2);
    const lost = said.map((words) =>
      words.filter(({ state }) => state === 'lost').map(({ text }) => text),
    );
    expect(lost).toEqual([['numbered,', 'timed,'], []]);
  });

  it('are pending until later audio arrives', () => {
    const capturedFrames = Math.round((SPEECH_LOOP_MS * RATE) / 1000);
    const half = Math.round((SPEECH_WORDS[5]!.endMs * RATE) / 1000);
    const [words] = saidWords(arrivals({ capturedFrames, spans: [[0, half]] }), RATE, 4);
    expect(words!.map(({ state }) => state)).toEqual([
      ...Array<string>(6).fill('arrived'),
      ...Array<string>(6).fill('pending'),
    ]);
  });

  it('begin with the first that was captured whole, and include only the newest', () => {
    const startMs = SPEECH_WORDS[3]!.startMs + 1;
    const capturedFrames = Math.round((3 * SPEECH_LOOP_MS * RATE) / 1000);
    const all = saidWords(
      arrivals({ capturedFrames, spans: [[0, capturedFrames]], startMs }),
      RATE,
      9,
    );
    expect(all[0]!.map(({ text }) => text)).toEqual(texts.slice(4));
    const newest = saidWords(arrivals({ capturedFrames, startMs }), RATE, 2);
    expect(newest).toHaveLength(2);
    expect(saidWords(arrivals({ capturedFrames, startMs: null }), RATE, 2)).toEqual([]);
  });
});
