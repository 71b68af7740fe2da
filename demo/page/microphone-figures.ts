import type { EchoEstimate, MicrophoneGap, MicrophoneStats, PlaybackStats } from 'micwire';
import { count, decibels, milliseconds } from './format.ts';

/** What the figures of a microphone are read from. */
interface MicrophoneReading {
  readonly stats: MicrophoneStats;
  /** Of the track in use; null while there is none. */
  readonly settings: MediaTrackSettings | null;
  readonly lastGap: MicrophoneGap | null;
  readonly echo: EchoEstimate | null;
  /** Of the output beside the microphone; null where the engine has none. */
  readonly playback: PlaybackStats | null;
}

/** One figure of a microphone. The page shows its definition. */
export interface MicrophoneFigure {
  /** Short, as the page shows it. */
  readonly label: string;
  readonly unit: string;
  /** What it is, in full sentences. */
  readonly definition: string;
  /** Where it is from: names of the library and of the engine. */
  readonly from: string;
  /** As text without the unit; null where it is not known. */
  readonly text: (reading: MicrophoneReading) => string | null;
}

/** Everything that the lab shows of a microphone, in the order of the page. */
export const MICROPHONE_FIGURES = {
  last_gap_ms: {
    label: 'Last gap',
    unit: 'ms',
    definition:
      'How long audio was missing when the device was last switched or lost, from the last sample of the one to the ' +
      'first of the other, counted in frames on the audio thread. 0 means that nothing was missing. Captures count the ' +
      'same frames as dropped.',
    from: 'microphone.use(), the gap event',
    text: ({ lastGap }) => lastGap && milliseconds(lastGap.durationMs),
  },
  echo_loss_db: {
    label: 'Echo return loss',
    unit: 'dB',
    definition:
      'How much quieter a probe came back into the microphone than it was played, after the browser’s echo canceller ' +
      'where there is one. Higher is better; with ≥ the probe was not heard well enough to tell. Measured when you press ' +
      '“Measure echo”.',
    from: 'microphone.measureEcho(), returnLossDb',
    text: ({ echo }) => echo && `${echo.isLowerBound ? '≥ ' : ''}${decibels(echo.returnLossDb)}`,
  },
  echo_delay_ms: {
    label: 'Echo delay',
    unit: 'ms',
    definition:
      'From the speaker’s node to the first sound of the probe in the microphone: the delay of the output, the room and ' +
      'the input together. A dash: the probe was not heard.',
    from: 'microphone.measureEcho(), delayMs',
    text: ({ echo }) => echo && known(echo.delayMs),
  },
  gaps: {
    label: 'Gaps',
    unit: '',
    definition:
      'How often audio was missing: at switches that were not seamless, at losses, and at “Mute, light off”.',
    from: 'microphone.stats.gaps',
    text: ({ stats }) => count(stats.gaps),
  },
  present_frames: {
    label: 'Present',
    unit: 'frames',
    definition:
      'Frames of the device’s audio, or of the silence in its place while it is muted, since the microphone was opened. ' +
      'Present and missing frames together are all frames of that time.',
    from: 'microphone.stats.presentFrames',
    text: ({ stats }) => count(stats.presentFrames),
  },
  missing_frames: {
    label: 'Missing',
    unit: 'frames',
    definition: 'Frames for which there was no device. Captures count them as dropped.',
    from: 'microphone.stats.missingFrames',
    text: ({ stats }) => count(stats.missingFrames),
  },
  muted_frames: {
    label: 'Muted',
    unit: 'frames',
    definition: 'Of the present frames, those that “Mute” replaced by silence.',
    from: 'microphone.stats.mutedFrames',
    text: ({ stats }) => count(stats.mutedFrames),
  },
  lost_frames: {
    label: 'Lost in the system',
    unit: 'frames',
    definition:
      'Frames that the device delivered and the page never got: the engine’s totalFrames minus its deliveredFrames, of ' +
      'all tracks since the microphone was opened, at the device’s rate. A dash: the engine does not report it.',
    from: 'microphone.stats.lostFrames, MediaStreamTrack.stats',
    text: ({ stats }) => (stats.lostFrames === null ? null : count(stats.lostFrames)),
  },
  track_latency_ms: {
    label: 'Track latency',
    unit: 'ms',
    definition:
      'How old audio is when the engine hands it to the page, as the engine reports it: the average since the track was opened. ' +
      'A dash: the engine does not report it.',
    from: 'microphone.stats.track.averageLatency, MediaStreamTrack.stats',
    text: ({ stats }) => known(stats.track?.['averageLatency']),
  },
  device_rate_hz: {
    label: 'Device rate',
    unit: 'Hz',
    definition:
      'Sample rate of the track, as the engine reports it. Where it differs from the context’s, the engine resamples.',
    from: 'microphone.settings.sampleRate',
    text: ({ settings }) =>
      settings?.sampleRate === undefined ? null : count(settings.sampleRate),
  },
  underrun_ms: {
    label: 'Output underruns',
    unit: 'ms',
    definition:
      'How long the loudspeaker had nothing to play because audio came too late, since the context was created, as the ' +
      'engine reports it. A dash: the engine does not report it.',
    from: 'speaker.stats.underrunDuration, AudioContext.playbackStats',
    text: ({ playback }) => playback && known(playback.underrunDuration * 1000),
  },
} as const satisfies Readonly<Record<string, MicrophoneFigure>>;

/** Name of a figure of a microphone. */
export type MicrophoneFigureId = keyof typeof MICROPHONE_FIGURES;

/** Those that have a place of their own beside the controls. */
const BESIDE: readonly MicrophoneFigureId[] = ['last_gap_ms', 'echo_loss_db', 'echo_delay_ms'];

/** The others. */
export const DETAIL_FIGURES: readonly MicrophoneFigureId[] = (
  Object.keys(MICROPHONE_FIGURES) as MicrophoneFigureId[]
).filter((id) => !BESIDE.includes(id));

function known(ms: number | null | undefined): string | null {
  return ms === undefined || ms === null || !Number.isFinite(ms) ? null : milliseconds(ms);
}
