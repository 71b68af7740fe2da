import { beforeAll, describe, expect, test, vi } from 'vitest';
import * as browser from 'vitest/browser';
import '../../src/web/opus-inline.ts';
import type { WorkletFile } from '../../src/web/worklet-file.ts';
import { loadWorklet } from '../../src/web/worklet-loader.ts';
import { WORKLET_FILES } from '../helpers/worklet-files.ts';
import { unpack } from '../helpers/packing.ts';
import {
  NODE_PARITY_NAMES,
  PARITY_NAMES,
  openParityCase,
  parityResult,
  renderStandIn,
  sharedMemory,
} from '../helpers/parity.ts';
import type { ParityCase, ParityResult } from '../helpers/parity.ts';
import type { NodeOptions } from '../../src/testing/index.ts';
import { eventually } from '../helpers/eventually.ts';

interface NodeResult {
  readonly options: string;
  readonly result: ParityResult;
}
// The types of `vitest/browser` come with the vendor providers, which this project does without.
const { commands } = browser as unknown as {
  readonly commands: { renderInNode(): Promise<Record<string, NodeResult>> };
};

const fileOf = ({ kase }: ParityCase): WorkletFile =>
  WORKLET_FILES.find(({ name }) => name === kase.worklet)!;

/** Undefined where the engine has no such quantum. */
async function openContext(parity: ParityCase): Promise<OfflineAudioContext | undefined> {
  const { frames, sampleRate, quantum, options } = parity;
  const context = new OfflineAudioContext({
    numberOfChannels: options.outputChannelCount![0]!,
    length: frames,
    sampleRate,
    // Chromium 156 has it; the DOM library of TypeScript 7.0 does not.
    ...{ renderSizeHint: quantum },
  });
  const given = (context as { readonly renderQuantumSize?: number }).renderQuantumSize ?? 128;
  if (given !== quantum) return undefined;
  await loadWorklet(context, fileOf(parity));
  return context;
}

/** @param expected how many messages the other rendering gave: the last may come long after the audio */
async function renderInContext(
  context: OfflineAudioContext,
  parity: ParityCase,
  expected: number,
): Promise<ParityResult> {
  const { kase, input, options, sampleRate, frames } = parity;
  const node = new AudioWorkletNode(context, kase.processor, options as AudioWorkletNodeOptions);
  const messages: unknown[] = [];
  node.port.onmessage = ({ data }): void => void messages.push(data);
  node.connect(context.destination);
  for (const message of parity.messages) node.port.postMessage(message);
  if (input.length > 0) {
    const buffer = new AudioBuffer({ numberOfChannels: input.length, length: frames, sampleRate });
    input.forEach((channel, index) => buffer.copyToChannel(channel, index));
    const source = new AudioBufferSourceNode(context, { buffer });
    source.connect(node);
    source.start();
  }
  // What brings audio is answered with its buffer, and comes last: then all messages are there before the first quantum.
  const count = (list: readonly unknown[], type: string): number =>
    list.filter((message) => (message as { readonly type?: unknown }).type === type).length;
  const others = ['mark', 'pause', 'resume'].map((type) => count(parity.messages, type));
  const writes = others.reduce((left, found) => left - found, parity.messages.length);
  await eventually(() => expect(count(messages, 'buffer')).toBe(writes));
  const rendered = await context.startRendering();
  const outputs = Array.from({ length: rendered.numberOfChannels }, (_, channel) =>
    rendered.getChannelData(channel),
  );
  // When they do not come, the comparison tells which.
  const all = () => messages.length >= expected;
  await vi.waitUntil(all, { timeout: 5000 }).catch(() => undefined);
  // More than expected would be wrong, too.
  let seen = -1;
  const settled = (): boolean => seen === (seen = messages.length);
  await vi.waitUntil(settled, { interval: 50, timeout: 5000 });
  return parityResult(parity, outputs, messages);
}

/** WebKitGTK 2.50 copies shared memory in structuredClone, by which the stand-in hands options over; to a worklet it shares. */
function clonesShare(): boolean {
  const memory = new SharedArrayBuffer(1);
  new Uint8Array(structuredClone(memory))[0] = 1;
  return new Uint8Array(memory)[0] === 1;
}

describe('micwire/testing renders the same as an OfflineAudioContext, bit for bit', () => {
  test.for(PARITY_NAMES)('%s', async (name, { skip }) => {
    const parity = openParityCase(name);
    const context = await openContext(parity);
    if (!context) return skip('The engine has no such quantum.');
    const shares = sharedMemory(parity.options).length > 0;
    if (shares && !clonesShare()) return skip('The engine copies shared memory.');
    const script = (await fileOf(parity).inline()).default;
    const standIn = await renderStandIn(openParityCase(name), script);
    const native = await renderInContext(context, parity, standIn.messages.length);
    expect(native.outputs.length).toBeGreaterThan(0);
    expect(standIn).toEqual(native);
  });
});

describe.runIf(navigator.userAgent.includes('Chrome'))('the same from Node to Chromium', () => {
  let inNode: Record<string, NodeResult>;
  beforeAll(async () => {
    inNode = await commands.renderInNode();
  }, 120_000);

  test.each(NODE_PARITY_NAMES)('%s', async (name) => {
    const { options, result } = inNode[name]!;
    const parity = openParityCase(name, unpack(options) as NodeOptions);
    const context = await openContext(parity);
    const { levels, ...exact } = await renderInContext(context!, parity, result.messages.length);
    const { levels: expected, ...rest } = result;
    expect(exact).toEqual(rest);
    expect(levels.length).toBe(expected.length);
    // Math.log10 is the engine's own: versions of V8 differ in its last bit.
    levels.forEach((level, index) => {
      if (level !== expected[index]) expect(Number(level)).toBeCloseTo(Number(expected[index]), 11);
    });
  });
});
