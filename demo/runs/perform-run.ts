import type { LaneSettings } from '../lanes/lane-settings.ts';
import type { LaneId } from '../lanes/lane-ids.ts';
import { linkText } from './address.ts';
import { tablesOf, voidReason } from './results.ts';
import type {
  LinkChoice,
  Repetition,
  RunMachine,
  RunProgress,
  RunResults,
  RunSettings,
} from './run.ts';

/** What a run is performed on. */
export interface RunStage {
  /** Changes the link. */
  setLink(choice: LinkChoice): Promise<void>;
  /** Opens these lanes, one after the other, so that they do not disturb each other; resolves when each plays or has failed. */
  openLanes(lanes: readonly LaneId[], settings: LaneSettings): Promise<void>;
  closeLanes(): void;
  /** Lets time pass. Rejects when the signal is aborted. */
  wait(seconds: number, signal: AbortSignal): Promise<void>;
  /** Measures all open lanes for that long. @param seed of the link's chance */
  measure(
    lanes: readonly LaneId[],
    seconds: number,
    seed: number,
    signal: AbortSignal,
  ): Promise<Pick<Repetition, 'lanes' | 'run'>>;
  /** ISO 8601. */
  now(): string;
}

/** How a run is performed, besides its settings. */
export interface RunOptions {
  readonly machine: RunMachine;
  readonly signal: AbortSignal;
  readonly onprogress: (progress: RunProgress) => void;
}

/** About how long opening a lane and finding the last window's lag take, in seconds: for the time left. */
const OPENING_SECONDS = 0.4;
const CLOSING_SECONDS = 2.5;
const PROGRESS_STEP_SECONDS = 0.5;

/**
 * Measures all lanes at once over each link, alternating: the first repetition of every link, then the second. What the machine does
 * meanwhile affects all links alike.
 * @throws the signal's reason, when it is aborted; what the stage throws
 */
export async function performRun(
  stage: RunStage,
  settings: RunSettings,
  { machine, signal, onprogress }: RunOptions,
): Promise<RunResults> {
  const startedAt = stage.now();
  const repetitions: Repetition[] = [];
  const { lanes, links, seconds, settleSeconds } = settings;
  const total = settings.repetitions * links.length;
  const openingSeconds = OPENING_SECONDS * lanes.length;
  const each = openingSeconds + settleSeconds + seconds + CLOSING_SECONDS;
  for (let index = 0; index < settings.repetitions; index++) {
    for (const choice of links) {
      const link = linkText(choice);
      const done = repetitions.length;
      const tell = (stageName: RunProgress['stage'], share: number, passed: number): void =>
        onprogress({
          done,
          total,
          link,
          repetition: index,
          stage: stageName,
          share,
          secondsLeft: Math.max(0, (total - done) * each - passed),
        });
      const pass = async (
        stageName: RunProgress['stage'],
        length: number,
        before: number,
      ): Promise<void> => {
        for (let passed = 0; passed < length; passed += PROGRESS_STEP_SECONDS) {
          tell(stageName, passed / length, before + passed);
          await stage.wait(Math.min(PROGRESS_STEP_SECONDS, length - passed), signal);
        }
      };
      tell('opening', 0, 0);
      try {
        await stage.setLink(choice);
        await stage.openLanes(lanes, settings);
        signal.throwIfAborted();
        await pass('settling', settleSeconds, openingSeconds);
        const measured = stage.measure(lanes, seconds, settings.seed + index, signal);
        // It is awaited below; an aborted wait is reported first.
        measured.catch(() => {});
        await pass('measuring', seconds, openingSeconds + settleSeconds);
        const result = await measured;
        signal.throwIfAborted();
        repetitions.push({ link, index, ...result, voided: voidReason(result.run) });
      } finally {
        stage.closeLanes();
      }
    }
  }
  return { settings, machine, startedAt, repetitions, tables: tablesOf(settings, repetitions) };
}
