/** Seconds of a bar, and bars of the piece. */
const BAR = 2;
const CHORDS: readonly (readonly number[])[] = [
  [57, 60, 64, 69],
  [53, 57, 60, 65],
  [48, 55, 60, 64],
  [55, 59, 62, 67],
];
/** Notes of the melody, in eighths of a bar: A minor pentatonic. 0 rests. */
const MELODY: readonly number[] = [
  76, 0, 79, 76, 72, 74, 69, 0, 72, 74, 76, 0, 74, 72, 69, 0, 67, 69, 72, 0, 76, 79, 81, 79, 74, 0,
  71, 74, 79, 76, 74, 72,
];

/**
 * Plays a short piece into a buffer, to be looped: plucked chords, a melody, a bass and a hi-hat, up to the top of the spectrum, because
 * speech does not reach it. Generated here, so that nobody holds rights to it.
 */
export function renderMusic(sampleRate: number): Promise<AudioBuffer> {
  const seconds = BAR * CHORDS.length;
  const context = new OfflineAudioContext(1, Math.round(seconds * sampleRate), sampleRate);
  const output = new GainNode(context, { gain: 0.5 });
  output.connect(context.destination);
  const pluck = (note: number, at: number, length: number, gain: number, type: OscillatorType) => {
    const frequency = 440 * 2 ** ((note - 69) / 12);
    const oscillator = new OscillatorNode(context, { type, frequency });
    const envelope = new GainNode(context, { gain: 0 });
    envelope.gain.setValueAtTime(0, at);
    envelope.gain.linearRampToValueAtTime(gain, at + 0.005);
    envelope.gain.setTargetAtTime(0, at + 0.005, length / 3);
    oscillator.connect(envelope).connect(output);
    oscillator.start(at);
    oscillator.stop(Math.min(seconds, at + length * 2));
  };
  CHORDS.forEach((chord, bar) => {
    const start = bar * BAR;
    chord.forEach((note, voice) => {
      for (const beat of [0, 0.75, 1.25])
        pluck(note, start + beat + voice * 0.02, 0.6, 0.12, 'triangle');
    });
    for (const beat of [0, 0.5, 1, 1.5]) pluck(chord[0]! - 12, start + beat, 0.4, 0.3, 'sine');
  });
  MELODY.forEach((note, i) => {
    if (note > 0) pluck(note, (i * BAR) / 8, 0.35, 0.1, 'sawtooth');
  });
  addHats(context, output, seconds);
  return context.startRendering();
}

/** Noise above 6 kHz, a short burst each eighth. */
function addHats(context: OfflineAudioContext, output: AudioNode, seconds: number): void {
  const { sampleRate } = context;
  const noise = new AudioBuffer({ length: Math.round(sampleRate / 10), sampleRate });
  const samples = noise.getChannelData(0);
  // The same each time: a linear congruential generator (Numerical Recipes).
  let state = 1;
  for (let i = 0; i < samples.length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    samples[i] = (state / 2 ** 31 - 1) * Math.exp((-i / samples.length) * 6);
  }
  const filter = new BiquadFilterNode(context, { type: 'highpass', frequency: 6000 });
  const gain = new GainNode(context, { gain: 0.15 });
  filter.connect(gain).connect(output);
  for (let at = 0; at < seconds; at += BAR / 8) {
    const hit = new AudioBufferSourceNode(context, { buffer: noise });
    hit.connect(filter);
    hit.start(at);
  }
}
