/** Hz of the loudest part of what a node gives now; 0 for silence. */
export function loudestHz(analyser: AnalyserNode): number {
  const levels = new Float32Array(analyser.frequencyBinCount);
  analyser.getFloatFrequencyData(levels);
  let loudest = 0;
  for (let i = 1; i < levels.length; i++) if (levels[i]! > levels[loudest]!) loudest = i;
  return levels[loudest]! < -80 ? 0 : (loudest * analyser.context.sampleRate) / analyser.fftSize;
}
