/** The rates that Web Audio guarantees for a buffer begin at 8000 Hz; engines take 3000–768000 Hz (Web Audio §1.4, `sampleRate`). */
export const MIN_SAMPLE_RATE = 3000;
export const MAX_SAMPLE_RATE = 768_000;
/** Web Audio §1.1, `numberOfChannels`: at least 32 are supported. */
export const MAX_CHANNELS = 32;
