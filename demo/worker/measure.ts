/**
 * The Worker that measures: it takes the recording of reference and lanes straight from the audio thread, and reports what the lanes do to
 * the audio.
 */
import { receiveCapture } from 'micwire/worker';
import type { ReceivedCapture } from 'micwire/worker';
import { liveReading, readingOf } from '../measure/live-reading.ts';
import type { MeasureCommand, MeasureEvent, SoundReading } from '../measure/measure-messages.ts';
import { SoundAnalyser } from '../measure/sound-analyser.ts';

declare const self: DedicatedWorkerGlobalScope;

const LIVE_INTERVAL_SECONDS = 1;
/** A chunk may begin this many frames from the end of the previous one, because its time is rounded, without being a gap. */
const ROUNDING_FRAMES = 2;

/** How many gaps are kept: enough for those of a run and of the last seconds. */
const MOST_GAPS = 10_000;

type Question = Extract<MeasureCommand, { readonly type: 'measure' }>;

let analyser: SoundAnalyser | undefined;
let laneCount = 0;
/** Of the lanes that opened before the recording began. */
const early: MeasureCommand[] = [];
const questions: Question[] = [];
/** Gaps in the recording: where each began, and its frames. */
const gaps: { readonly frame: number; readonly frames: number }[] = [];

self.onmessage = (event: MessageEvent): void => {
  const capture = receiveCapture(event);
  if (capture) void run(capture);
  else obey(event.data as MeasureCommand);
};

function obey(command: MeasureCommand): void {
  if (analyser === undefined) return void early.push(command);
  switch (command.type) {
    case 'open':
      analyser.open(command.lane, command.frame);
      break;
    case 'close':
      analyser.close(command.lane);
      break;
    case 'begin':
      analyser.begin(command.frame);
      break;
    case 'measure':
      questions.push(command);
      break;
  }
}

async function run(capture: ReceivedCapture): Promise<void> {
  const { sampleRate, channels } = capture;
  laneCount = channels - 1;
  analyser = new SoundAnalyser(sampleRate, laneCount);
  for (const command of early.splice(0)) obey(command);
  /** The difference from a chunk's own frame count to the context's. */
  let offset = NaN;
  let toldAt = 0;
  for await (const chunk of capture) {
    const frame = Math.round(chunk.contextTime * sampleRate);
    if (!(Math.abs(chunk.frame + offset - frame) <= ROUNDING_FRAMES)) offset = frame - chunk.frame;
    if (gaps.length >= MOST_GAPS) gaps.shift();
    if (chunk.dropped > 0) gaps.push({ frame: chunk.frame + offset, frames: chunk.dropped });
    const { bytes } = chunk;
    analyser.push(
      chunk.frame + offset,
      new Float32Array(bytes.buffer, bytes.byteOffset, chunk.frames * channels),
    );
    const { analysedUntil } = analyser;
    answer(analysedUntil, sampleRate);
    if (analysedUntil - toldAt < LIVE_INTERVAL_SECONDS * sampleRate) continue;
    toldAt = analysedUntil;
    const dropped = (from: number): number => droppedMs(from, Infinity, sampleRate);
    tell({ type: 'live', ...liveReading(analyser, laneCount, dropped) });
  }
}

function answer(analysedUntil: number, sampleRate: number): void {
  for (let i = 0; i < questions.length; i++) {
    const { id, from, to } = questions[i]!;
    if (analysedUntil < to) continue;
    questions.splice(i--, 1);
    const lanes = readings(from, to).map(({ figures, ...reading }, lane) => ({
      ...reading,
      figures: { ...figures, stoi: analyser!.stoi(lane, from, to) },
    }));
    tell({ type: 'measured', id, lanes, droppedMs: droppedMs(from, to, sampleRate) });
  }
}

function readings(from: number, to: number): SoundReading[] {
  return Array.from({ length: laneCount }, (_, lane) => readingOf(analyser!, lane, from, to));
}

/** What was lost of the recording in [from, to). */
function droppedMs(from: number, to: number, sampleRate: number): number {
  let dropped = 0;
  for (const gap of gaps) if (gap.frame >= from && gap.frame < to) dropped += gap.frames;
  return (dropped * 1000) / sampleRate;
}

function tell(event: MeasureEvent): void {
  self.postMessage(event);
}
