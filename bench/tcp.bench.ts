/**
 * Delays of messages over TCP on a lossy link: our model (demo/link/tcp-model.ts) beside what Linux did, as far as there are
 * results of bench/tcp-truth/measure.py. Both give the quantiles of streams of 100 s, and here stand the medians over the
 * streams.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CLEAN } from '../demo/link/settings.ts';
import type { Row } from './measure.ts';
import { median } from './measure.ts';
import type { CongestionControlName } from '../demo/link/congestion-control.ts';
import { modelDelays } from './tcp-truth/model-delays.ts';
import { quantile } from './tcp-truth/quantile.ts';
import type { TruthReport } from './tcp-truth/truth-report.ts';

const RESULTS = join(process.cwd(), 'bench/tcp-truth/results');
const PERIOD_MS = 20;
const DELAY_MS = 25;
const SECONDS = 100;
/** Streams of a case, with seeds that the model was not tuned on. */
const STREAMS = 48;
const FIRST_SEED = 1001;
/** A measurement whose own packets were later than this is void. */
const MOST_LATENESS_MS = 5;

const SIZES = [
  // With what a WebSocket puts before them.
  { name: 'Opus, 80 B', bytes: 80, wireBytes: 86 },
  { name: 'PCM, 1920 B', bytes: 1920, wireBytes: 1928 },
] as const;
const LOSSES = [0.02, 0.05] as const;
const CONGESTIONS: readonly CongestionControlName[] = ['cubic', 'reno'];
const QUANTILES = [
  { metric: 'p50 delay', share: 0.5, field: 'p50Ms' },
  { metric: 'p95 delay', share: 0.95, field: 'p95Ms' },
] as const;

export async function run(): Promise<readonly Row[]> {
  const reports = await readReports();
  const rows: Row[] = [];
  for (const congestion of CONGESTIONS) {
    for (const { name, bytes, wireBytes } of SIZES) {
      for (const lossRatio of LOSSES) {
        const title = `${name} each ${PERIOD_MS} ms, ${lossRatio * 100} % loss, RTT 50 ms, ${congestion}`;
        const streams = Array.from({ length: STREAMS }, (_, index) =>
          modelDelays({
            link: { ...CLEAN, delayMs: DELAY_MS, lossRatio },
            congestion,
            bytes: wireBytes,
            periodMs: PERIOD_MS,
            messages: (SECONDS * 1000) / PERIOD_MS,
            seed: FIRST_SEED + index,
          }),
        );
        const measured = reports.flatMap(({ connections }) =>
          connections.filter(
            (connection) =>
              connection.congestion === congestion &&
              connection.bytes === bytes &&
              connection.lossRatio === lossRatio,
          ),
        );
        for (const { metric, share, field } of QUANTILES) {
          const value = median(streams.map(({ delaysMs }) => quantile(delaysMs, share)));
          rows.push({ case: title, subject: 'model', metric, value, unit: 'ms' });
          if (measured.length === 0) continue;
          const truth = median(measured.map((connection) => connection[field]));
          rows.push({ case: title, subject: 'Linux', metric, value: truth, unit: 'ms' });
        }
      }
    }
  }
  return rows;
}

/** What measure.py has written, without what is void. */
async function readReports(): Promise<readonly TruthReport[]> {
  const files = (await readdir(RESULTS).catch(() => [])).filter((file) => file.endsWith('.json'));
  const reports = await Promise.all(
    files.map(async (file) => JSON.parse(await readFile(join(RESULTS, file), 'utf8'))),
  );
  return reports.filter(
    (report: TruthReport) =>
      report.ownLatenessP99Ms <= MOST_LATENESS_MS &&
      report.delayMs === DELAY_MS &&
      report.periodMs === PERIOD_MS &&
      report.seconds === SECONDS,
  );
}
