/** The graph of `micwire/testing` against a real OfflineAudioContext. */
import { describe, expect, test } from 'vitest';
import { audioMatchers, createGraph } from '../../src/testing/index.ts';
import {
  GRAPH_FRAMES,
  GRAPH_PROCESSORS,
  GRAPH_RATE,
  GRAPH_SCENARIOS,
} from '../helpers/graph-scenarios.ts';
import type { GraphKit, GraphScenario } from '../helpers/graph-scenarios.ts';

async function renderNative({ build }: GraphScenario): Promise<Float32Array[]> {
  const context = new OfflineAudioContext(2, GRAPH_FRAMES, GRAPH_RATE);
  const url = URL.createObjectURL(new Blob([GRAPH_PROCESSORS], { type: 'text/javascript' }));
  await context.audioWorklet.addModule(url);
  URL.revokeObjectURL(url);
  build({
    destination: context.destination,
    gain: (gain) => new GainNode(context, { gain }),
    constant: (offset) => new ConstantSourceNode(context, { offset }),
    buffer: (channels) => {
      const buffer = new AudioBuffer({
        numberOfChannels: channels.length,
        length: channels[0]!.length,
        sampleRate: GRAPH_RATE,
      });
      channels.forEach((samples, index) =>
        buffer.copyToChannel(samples as Float32Array<ArrayBuffer>, index),
      );
      return new AudioBufferSourceNode(context, { buffer });
    },
    worklet: (name, options) =>
      new AudioWorkletNode(context, name, options) as ReturnType<GraphKit['worklet']>,
  } as GraphKit);
  const rendered = await context.startRendering();
  return [rendered.getChannelData(0), rendered.getChannelData(1)];
}

async function renderStandIn({ build }: GraphScenario): Promise<readonly Float32Array[]> {
  const graph = createGraph({ sampleRate: GRAPH_RATE, outputChannels: 2 });
  try {
    await graph.addModule(new Function(GRAPH_PROCESSORS) as () => unknown);
    build({
      destination: graph.destination,
      gain: (gain) => graph.createGain(gain),
      constant: (offset) => graph.createConstantSource(offset),
      buffer: (channels) => graph.createBufferSource(channels),
      worklet: (name, options) => graph.createWorkletNode(name, options),
    } as GraphKit);
    return (await graph.render(GRAPH_FRAMES)).channels;
  } finally {
    graph.close();
  }
}

// Firefox automates a gain of k-rate as one of a-rate, and WebKit bounds parameters otherwise.
describe.runIf(navigator.userAgent.includes('Chrome'))(
  'a graph renders the same as an OfflineAudioContext, within 1e-6',
  () => {
    test.for(GRAPH_SCENARIOS)('$name', async (scenario) => {
      const native = await renderNative(scenario);
      const standIn = await renderStandIn(scenario);
      let largest = 0;
      let frame = -1;
      for (const [channel, samples] of native.entries()) {
        for (let i = 0; i < samples.length; i++) {
          const difference = Math.abs(samples[i]! - standIn[channel]![i]!);
          if (!(difference <= largest)) [largest, frame] = [difference, i];
        }
      }
      const around = native.map((samples, channel) =>
        [...samples.slice(Math.max(0, frame - 1), frame + 2)].map(
          (sample, i) => `${sample}/${standIn[channel]![Math.max(0, frame - 1) + i]}`,
        ),
      );
      expect(largest, `frame ${frame}: ${around.join(' | ')}`).toBeLessThan(1e-6);
      expect(audioMatchers.toBeSilent(native).pass).toBe(false);
    });
  },
);
