import type { Row } from '../measure.ts';
import { median } from '../measure.ts';
import type { VoiceLog } from '../../test/helpers/voice-servers.ts';
import type { LiveResult } from './drive.ts';
import { readNumbers } from './numbered.ts';
import type { CaseName, CaseReport } from './page.ts';
import type { LivePlan } from './schedule.ts';

/** What became of the frames, by their identity. */
export interface Verdict {
  /** What must not be. */
  readonly faults: readonly string[];
  readonly rows: readonly Row[];
  /** What each loss of a connection has cost, a line for each service that acknowledges nothing. */
  readonly losses: readonly string[];
}

const RATE = 24_000;
const inMs = (frames: number): number => (frames / RATE) * 1000;

/** Judges a run. @param browser name and version */
export function judge(plan: LivePlan, result: LiveResult, browser: string): Verdict {
  const faults: string[] = [];
  const rows: Row[] = [];
  const losses: string[] = [];
  const title = `${browser}, ${plan.seconds} s, ${plan.kills} kills, outage of ${plan.outageMs / 1000} s, 5 % loss, seed ${plan.seed}`;
  const row = (subject: string, metric: string, value: number, unit: string): void => {
    rows.push({ case: title, subject, metric, value, unit });
  };
  if (result.linkFaults > 0) faults.push(`The link has failed ${result.linkFaults} times.`);

  const own = result.reports.micwire;
  const account = accountOf(result, own);
  faults.push(...account.faults);
  const { stats } = own;
  row('micwire', 'kills', plan.kills, '');
  row('micwire', 'connections', stats.connections, '');
  row('micwire', 'captured', stats.capturedFrames, 'frames');
  row('micwire', "in the server's file", account.frames, 'frames');
  row('micwire', 'in gaps', account.gapFrames, 'frames');
  row('micwire', 'unaccounted for', account.missing, 'frames');
  row('micwire', 'twice in the file', account.doubled, 'frames');
  row('micwire', 'wrong samples', account.wrong, 'frames');
  row('micwire', 'replayed', stats.replayedFrames, 'frames');
  row('micwire', 'came to the door again', result.door.repeatedFrames, 'frames');
  row('micwire', 'duplicates at the door', result.door.duplicateFrames, 'frames');
  row('micwire', 'longest outage', longest(own, 'outage'), 'ms');
  row('micwire', 'longest catch-up', longest(own, 'catch-up'), 'ms');
  row('micwire', 'longest silence at the door', result.door.longestSilenceMs, 'ms');
  if (account.missing !== 0) faults.push(`${account.missing} frames are unaccounted for.`);
  if (account.doubled !== 0) faults.push(`${account.doubled} frames are in the file twice.`);
  if (account.wrong !== 0) faults.push(`${account.wrong} samples are wrong.`);

  for (const [name, log] of Object.entries(result.logs)) {
    const report = result.reports[name as CaseName];
    const heard = heardOf(log);
    faults.push(...heard.faults.map((fault) => `${name}: ${fault}`));
    const { capturedFrames, connections } = report.stats;
    const gapFrames = report.gaps.reduce((sum, gap) => sum + gap.frames, 0);
    const lost = heard.losses.map(({ lostFrames }) => lostFrames);
    const doubled = heard.losses.map(({ doubledFrames }) => doubledFrames);
    const costs = heard.losses.map(
      ({ lostFrames, doubledFrames }) =>
        `${inMs(lostFrames).toFixed(0)} and ${inMs(doubledFrames).toFixed(0)}`,
    );
    losses.push(`${name}: ms lost and doubled: ${costs.join(', ')}`);
    const sum = (values: readonly number[]): number => values.reduce((all, one) => all + one, 0);
    row(name, 'connections', connections, '');
    row(name, 'lost connections', lost.length, '');
    row(name, 'in gaps', gapFrames, 'frames');
    row(name, 'lost at the end', capturedFrames - heard.end, 'frames');
    if (lost.length > 0) {
      row(name, 'lost, median', inMs(median(lost)), 'ms');
      row(name, 'lost, most', inMs(Math.max(...lost)), 'ms');
      row(name, 'lost, in all', inMs(sum(lost)), 'ms');
      row(name, 'doubled, median', inMs(median(doubled)), 'ms');
      row(name, 'doubled, most', inMs(Math.max(...doubled)), 'ms');
      row(name, 'doubled, in all', inMs(sum(doubled)), 'ms');
    }
    row(name, 'longest outage', longest(report, 'outage'), 'ms');
  }
  return { faults, rows, losses };
}

/** The server's file beside what was captured. */
function accountOf(
  { records }: LiveResult,
  { stats, gaps }: CaseReport,
): {
  readonly faults: readonly string[];
  readonly frames: number;
  readonly gapFrames: number;
  readonly missing: number;
  readonly doubled: number;
  readonly wrong: number;
} {
  const faults: string[] = [];
  let next = 0;
  let frames = 0;
  let doubled = 0;
  let wrong = 0;
  /** What a frame's number in the signal is less than its number in the session. */
  let lead = -1;
  const holes: { readonly frame: number; readonly frames: number }[] = [];
  for (const record of records) {
    frames += record.frames;
    if (record.frame < next) doubled += next - record.frame;
    if (record.frame > next) holes.push({ frame: next, frames: record.frame - next });
    next = Math.max(next, record.frame + record.frames);
    const read = readNumbers(record.bytes);
    wrong += read.wrong;
    if (read.first < 0) {
      if (lead >= 0) wrong += read.silence;
      continue;
    }
    const here = record.frame + read.silence - read.first;
    if (lead < 0) lead = here;
    else if (lead !== here || read.silence > 0) wrong += record.frames;
  }
  if (lead < 0) faults.push('The signal did not reach the server.');
  if (next < stats.capturedFrames) {
    holes.push({ frame: next, frames: stats.capturedFrames - next });
  }
  const gapFrames = gaps.reduce((sum, gap) => sum + gap.frames, 0);
  const isTold = (frame: number): boolean =>
    gaps.some((gap) => frame >= gap.frame && frame < gap.frame + gap.frames);
  for (const hole of holes) {
    for (let frame = hole.frame; frame < hole.frame + hole.frames; frame++) {
      if (isTold(frame)) continue;
      faults.push(`Frame ${frame} is neither in the file nor in a gap.`);
      break;
    }
  }
  const missing = stats.capturedFrames - (frames - doubled) - gapFrames;
  return { faults, frames, gapFrames, missing, doubled, wrong };
}

/** What a service without acknowledgements has heard. */
function heardOf(log: VoiceLog): {
  readonly faults: readonly string[];
  /** For each connection after the first: what it does not have that the ones before do not have either, and what it has again. */
  readonly losses: readonly { readonly lostFrames: number; readonly doubledFrames: number }[];
  /** The end of the last audio, counted like the frames of the session. */
  readonly end: number;
} {
  const faults: string[] = [];
  const losses: { lostFrames: number; doubledFrames: number }[] = [];
  let silence = 0;
  let connection = -1;
  /** The ends of this connection's audio, and of all. */
  let next = -1;
  let end = 0;
  const inOrder = log.audio.toSorted((a, b) => a.connection - b.connection);
  for (const { connection: number, base64 } of inOrder) {
    const read = readNumbers(Buffer.from(base64, 'base64'));
    if (connection <= 0 && end === 0) silence += read.silence;
    if (read.wrong > 0) faults.push(`${read.wrong} samples are wrong.`);
    if (read.first < 0) continue;
    if (number !== connection) {
      if (connection >= 0) {
        losses.push({
          lostFrames: Math.max(0, read.first - end),
          doubledFrames: Math.max(0, end - read.first),
        });
      }
      connection = number;
    } else if (read.first !== next) {
      faults.push(`On connection ${number}, ${read.first} follows ${next}.`);
    }
    next = read.first + read.frames;
    end = Math.max(end, next);
  }
  return { faults, losses, end: silence + end };
}

/** Longest time without a connection, or with audio from before, ms. */
function longest({ states }: CaseReport, what: 'outage' | 'catch-up'): number {
  let most = 0;
  let since = -1;
  for (const { state, atMs } of states) {
    const isOn =
      what === 'catch-up' ? state === 'replaying' : state === 'waiting' || state === 'connecting';
    if (isOn && since < 0) since = atMs;
    if (!isOn && since >= 0) {
      most = Math.max(most, atMs - since);
      since = -1;
    }
  }
  return most;
}
