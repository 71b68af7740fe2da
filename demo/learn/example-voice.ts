/** Pitch of the example, Hz: ten periods in 80 ms. */
const PITCH = 125;
/** Harmonics and their levels: an "ah", roughly. */
const HARMONICS = [0.3, 0.22, 0.12, 0.08, 0.1, 0.16, 0.12, 0.06, 0.05, 0.04];

/** A stretch of a sung vowel, for pictures before anything has sounded. Peaks at about 0.6. */
export function exampleVoice(sampleRate: number, frames: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: frames }, (_, frame) => {
    const phase = (2 * Math.PI * PITCH * frame) / sampleRate;
    return HARMONICS.reduce((sum, level, i) => sum + level * Math.sin((i + 1) * phase + i * i), 0);
  });
}
