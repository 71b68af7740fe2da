import type { LiveReading, SoundReading } from './measure-messages.ts';
import type { SoundAnalyser } from './sound-analyser.ts';

/** The time that live figures cover. */
export const LIVE_SECONDS = 5;

/** What is known of a lane over the windows that begin in [from, to). */
export function readingOf(
  analyser: SoundAnalyser,
  lane: number,
  from: number,
  to: number,
): SoundReading {
  return {
    figures: analyser.figures(lane, from, to),
    firstSoundMs: analyser.firstSoundMs(lane),
    firstSoundFrame: analyser.firstSoundFrame(lane),
    soughtMs: analyser.soughtMs(lane),
  };
}

/** What is known of all lanes now. For a lane that has just opened, the time before does not count. */
export function liveReading(
  analyser: SoundAnalyser,
  laneCount: number,
  droppedMs: (from: number) => number,
): LiveReading {
  const untilFrame = analyser.analysedUntil;
  const from = untilFrame - LIVE_SECONDS * analyser.sampleRate;
  return {
    lanes: Array.from({ length: laneCount }, (_, lane) =>
      readingOf(analyser, lane, Math.max(from, analyser.firstSoundFrame(lane) ?? 0), Infinity),
    ),
    untilFrame,
    sourceMs: analyser.sourceMs(from, untilFrame),
    droppedMs: droppedMs(from),
  };
}
