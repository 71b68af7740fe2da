/** A word of the speech sample. */
export interface SpeechWord {
  readonly text: string;
  /** From the sample's start, ms. */
  readonly startMs: number;
  readonly endMs: number;
}

/** Length of the sample, which is looped: 122,537 frames at 22,050 Hz. */
export const SPEECH_LOOP_MS: number = (122_537 / 22_050) * 1000;

/** Silence before the first word. */
const PAD_MS = 100;

/** As espeak-ng's own word events have it (`espeakEVENT_WORD`, its option and text as in demo/assets/README.md). */
const STARTS_MS = [
  ['This', 0],
  ['is', 209],
  ['a', 334],
  ['voice', 420],
  ['on the', 755],
  ['wire:', 1008],
  ['numbered,', 1718],
  ['timed,', 2464],
  ['sent,', 3159],
  ['and', 3755],
  ['back', 3968],
  ['again.', 4236],
  ['', 4699],
] as const;

/** The words of the speech sample, in order. */
export const SPEECH_WORDS: readonly SpeechWord[] = STARTS_MS.slice(0, -1).map(
  ([text, startMs], i) => ({
    text,
    startMs: PAD_MS + startMs,
    endMs: PAD_MS + STARTS_MS[i + 1]![1],
  }),
);
