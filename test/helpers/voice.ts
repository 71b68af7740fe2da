/** Something like a voice, by formula, so that it is the same in every engine: a gliding pitch of 16 harmonics, four syllables a second. */
export function voice(frames: number, sampleRate = 48_000, channel = 0): Float32Array {
  return Float32Array.from({ length: frames }, (_, i) => {
    const seconds = i / sampleRate;
    const phase =
      2 * Math.PI * (130 * seconds - (20 / (2 * Math.PI)) * Math.cos(2 * Math.PI * seconds));
    let value = 0;
    for (let harmonic = 1; harmonic <= 16; harmonic++) {
      value += Math.sin(harmonic * (phase + channel)) / harmonic;
    }
    return 0.2 * value * (0.55 - 0.45 * Math.cos(2 * Math.PI * 4 * seconds));
  });
}
