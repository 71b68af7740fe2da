import { LOUDNESS_CASES, judge } from '../test/helpers/loudness-cases.ts';
import type { Measurement } from '../test/helpers/loudness-cases.ts';
import { buildLibebur128, measureWithLibebur128 } from './loudness/libebur128.ts';
import { measureWithMicwire } from './loudness/micwire.ts';
import {
  loadEbur128Wasm,
  measureWithEbur128Wasm,
  measureWithNeedles,
} from './loudness/npm-peers.ts';
import type { Row } from './measure.ts';

type Measure = (channels: readonly Float32Array[], sampleRate: number) => Measurement;

const RATES = [48_000, 16_000, 24_000, 32_000, 44_100, 96_000];
const SOURCES = [...new Set(LOUDNESS_CASES.map(({ source }) => source))];
/** Peers, and the slower kernel, at the standards' own rate alone: they take minutes. */
const PEER_RATE = 48_000;

/** The cases of EBU Tech 3341 and 3342 and BS.2217-like ones, judged for micwire and its peers. */
export async function run(): Promise<Row[]> {
  const ebur128Wasm = await loadEbur128Wasm();
  const peers: Record<string, Measure> = {
    'micwire, TypeScript': (channels, rate) => measureWithMicwire(channels, rate, 'typescript'),
    '@domchristie/needles': measureWithNeedles,
    'ebur128-wasm': (channels, rate) => measureWithEbur128Wasm(ebur128Wasm, channels, rate),
    ...(buildLibebur128() ? { libebur128: measureWithLibebur128 } : {}),
  };
  return RATES.flatMap((rate) => {
    const subjects: Record<string, Measure> = {
      micwire: (channels, sampleRate) => measureWithMicwire(channels, sampleRate),
      ...(rate === PEER_RATE ? peers : {}),
    };
    return Object.entries(subjects).flatMap(([name, measure]) => rowsOf(name, measure, rate));
  });
}

function rowsOf(subject: string, measure: Measure, rate: number): Row[] {
  const cases = LOUDNESS_CASES.filter(({ highestHz }) => highestHz < rate / 2);
  const verdicts = cases.map((kase) => ({
    source: kase.source,
    ...judge(kase, measure(kase.signal(rate), rate)),
  }));
  const row = (metric: string, value: number, unit: string): Row => ({
    case: `${rate} Hz`,
    subject,
    metric,
    value,
    unit,
  });
  const passed = (of: typeof verdicts): number => of.filter((verdict) => verdict.passed).length;
  const [momentary, loudness] = [/^13-/, /./].map((names) =>
    Math.max(
      ...cases.map(({ name }, i) =>
        names.test(name) && verdicts[i]!.passed ? Math.abs(verdicts[i]!.worst) : 0,
      ),
    ),
  );
  return [
    row('passed', passed(verdicts), `of ${cases.length}`),
    row('not offered', verdicts.filter((verdict) => verdict.passed === null).length, 'cases'),
    ...SOURCES.map((source) => {
      const own = verdicts.filter((verdict) => verdict.source === source);
      return row(`passed, ${source}`, passed(own), `of ${own.length}`);
    }),
    row('largest error of max M', momentary!, 'LU'),
    row('largest error of a case passed', loudness!, 'dB'),
  ];
}
