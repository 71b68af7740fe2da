import { describe, expect, it } from 'vitest';
import { pcmCodec } from '../src/core/codec/pcm-codec.ts';
import type { ReceiveCommand, ReceiveEvent } from '../src/core/messages.ts';
import { ReceiveEngine } from '../src/core/receive/receive-engine.ts';
import { REPORT, REPORT_FIELDS, RECEIVE_STATES } from '../src/core/receive/receive-report.ts';
import { planVariableResampler } from '../src/core/resampler/variable-resampler-planner.ts';
import { SnapshotReader, allocateSnapshot } from '../src/core/snapshot.ts';

/** Of the wire. */
const RATE = 8000;
/** Packets of 20 ms. */
const FRAMES = 160;
const STREAM = { format: 'f32', sampleRate: RATE, channels: 1 } as const;

type Told = ReceiveEvent & { readonly transferred: readonly unknown[] };

/** An engine, and what it told the page, event by event as it was then. Delays are 40 ms. */
function engineOf({
  contextRate = RATE,
  quantum = 40,
  outputChannels = 1,
  snapshot = null as ArrayBufferLike | null,
} = {}) {
  const portOf = () => {
    const told: Told[] = [];
    const state = { started: false, closed: false };
    let hear: (event: { data: unknown }) => void = () => undefined;
    const port = {
      postMessage: (event: unknown, transfer: readonly unknown[]) => {
        const copy = { ...(event as ReceiveEvent), transferred: [...transfer] };
        if (copy.type === 'report') Object.assign(copy, { values: copy.values.slice() });
        told.push(copy);
      },
      addEventListener: (_: string, listener: typeof hear) => void (hear = listener),
      start: () => void (state.started = true),
      close: () => void (state.closed = true),
    };
    return { told, port, state, send: (command: ReceiveCommand) => hear({ data: command }) };
  };
  const page = portOf();
  const engine = new ReceiveEngine(
    {
      ...STREAM,
      outputChannels,
      resampler: planVariableResampler({ inputRate: RATE, outputRate: contextRate }),
      limits: { minDelayMs: 40, maxDelayMs: 40, latencyCost: null },
      capacityPackets: 64,
      maxPayloadBytes: 4 * FRAMES,
      maxPacketFrames: FRAMES,
      opus: null,
      snapshot,
    },
    pcmCodec.createDecoder(STREAM),
    contextRate,
    page.port as never,
  );
  let frame = 0;
  let sequence = 0;
  const packet = (n: number): ReceiveCommand => ({
    type: 'packet',
    sequence: n,
    frame: n * FRAMES,
    frames: FRAMES,
    copy: 0,
    bytes: new Uint8Array(new Float32Array(FRAMES).fill(0.5).buffer),
  });
  const output: number[][] = Array.from({ length: outputChannels }, () => []);
  /** Packet n comes at 20 (n + 1) ms, until `packets` have come. */
  const run = (ms: number, packets = Infinity) => {
    let rendered = true;
    for (const end = frame + (ms * contextRate) / 1000; frame < end; frame += quantum) {
      for (; sequence < packets && ((sequence + 1) * contextRate) / 50 <= frame; sequence++) {
        engine.obey(packet(sequence), frame);
      }
      const block = output.map(() => new Float32Array(quantum).fill(Number.NaN));
      rendered = engine.render(block, frame);
      block.forEach((samples, c) => output[c]!.push(...samples));
    }
    return rendered;
  };
  const take = (...types: string[]) =>
    page.told.splice(0).filter(({ type }) => types.length === 0 || types.includes(type));
  const states = () =>
    take('state').map((event) => (event.type === 'state' ? [event.state, event.frame] : []));
  const reports = () =>
    take('report').map((event) => ({
      frame: event.frame,
      values: event.type === 'report' ? event.values : new Float64Array(),
    }));
  const obey = (command: ReceiveCommand) => engine.obey(command, frame);
  return { engine, run, take, states, reports, obey, packet, portOf, output };
}

describe('the state', () => {
  it('is reported with the frame after its quantum, as often as it changes', () => {
    const { run, states } = engineOf();
    run(400, 10);
    // The first packet comes at 20 ms; what waits in the resampler is part of the 40 ms.
    const [playing, concealing, ...rest] = states();
    expect([playing![0], concealing![0], rest]).toEqual(['playing', 'concealing', []]);
    expect(playing![1]).toBeGreaterThan((50 * RATE) / 1000);
    expect(playing![1]).toBeLessThanOrEqual((65 * RATE) / 1000);
    // Ten packets have been played.
    expect(
      Math.abs(Number(concealing![1]) - Number(playing![1]) - 10 * FRAMES),
    ).toBeLessThanOrEqual(80);
    run(1200, 10);
    expect(states().map(([state]) => state)).toEqual(['waiting']);
    run(200);
    expect(states().map(([state]) => state)).toContain('playing');
  });
});

describe('reports', () => {
  it('are sent fifty times a second, with the current figures', () => {
    const { run, reports } = engineOf();
    run(40, 1);
    const before = reports();
    expect(before.map(({ frame }) => frame)).toEqual([40, 200]);
    expect(before[0]!.values[REPORT.playFrame]).toBe(-1);
    expect(before[0]!.values[REPORT.state]).toBe(RECEIVE_STATES.indexOf('waiting'));
    expect(before[1]!.values.length).toBeGreaterThan(REPORT_FIELDS.length);
    run(400);
    const all = reports();
    for (let i = 2; i < all.length; i++) expect(all[i]!.frame - all[i - 1]!.frame).toBe(160);
    const { frame, values } = all.at(-1)!;
    expect(values[REPORT.contextFrame]).toBe(frame);
    expect(values[REPORT.state]).toBe(RECEIVE_STATES.indexOf('playing'));
    expect(values[REPORT.targetMs]).toBe(40);
    expect(values[REPORT.decodeErrors]).toBe(0);
    // Packet n comes at 20 (n + 1) ms and is heard 40 ms later: frame f at 60 ms and f / 8.
    const delay = frame - values[REPORT.playFrame]!;
    expect(Math.abs(delay - (60 * RATE) / 1000)).toBeLessThanOrEqual(9 * 8);
    // What waits: from what is heard now to the end of the newest packet.
    const newest = Math.floor(((frame - 40) * 1000) / RATE / 20) * FRAMES;
    expect(values[REPORT.bufferedMs]).toBeCloseTo(
      ((newest - values[REPORT.playFrame]!) * 1000) / RATE,
      6,
    );
  });

  it('are written to a snapshot instead if there is one', () => {
    const values = new Float64Array(engineValues());
    const snapshot = allocateSnapshot(values.length);
    const { run, reports } = engineOf({ snapshot });
    run(400);
    expect(reports()).toEqual([]);
    expect(new SnapshotReader(snapshot).read(values)).toBe(true);
    expect(values[REPORT.targetMs]).toBe(40);
    expect(values[REPORT.contextFrame]).toBeGreaterThan(3000);
  });
});

/** How many values a report has. */
function engineValues(): number {
  const { run, reports } = engineOf();
  run(20);
  return reports()[0]!.values.length;
}

describe('what is rendered', () => {
  it.each([
    [RATE, 40, 1],
    [2 * RATE, 128, 2],
    [RATE, 333, 1],
    [RATE / 2, 64, 1],
  ])(
    'at %i Hz in quanta of %i frames for %i channels is complete',
    (contextRate, quantum, outputChannels) => {
      const { run, output } = engineOf({ contextRate, quantum, outputChannels });
      run(400);
      for (const samples of output) {
        expect(samples.some((sample) => Number.isNaN(sample))).toBe(false);
        const from = (120 * contextRate) / 1000;
        for (const sample of samples.slice(from, from + 500)) expect(sample).toBeCloseTo(0.5, 2);
        const silent = (45 * contextRate) / 1000;
        expect(samples.slice(0, silent).every((sample) => Math.abs(sample) < 1e-6)).toBe(true);
      }
    },
  );
});

describe('commands', () => {
  it('return each buffer to its sender', () => {
    const { take, obey, packet, portOf } = engineOf();
    const first = packet(0);
    obey(first);
    const [told] = take('buffer');
    const { buffer } = (first as { readonly bytes: Uint8Array }).bytes;
    expect(told).toMatchObject({ frame: 0 });
    expect(told!.transferred).toEqual([buffer]);
    const worker = portOf();
    obey({ type: 'pipe', port: worker.port as never });
    expect(worker.state.started).toBe(true);
    worker.send(packet(1));
    expect([worker.told.map(({ type }) => type), take('buffer')]).toEqual([['buffer'], []]);
    expect(worker.told[0]!.transferred.length).toBe(1);
  });

  it('set limits, forget the stream, and close', () => {
    const { run, take, obey, packet, portOf, reports, states } = engineOf();
    const worker = portOf();
    obey({ type: 'pipe', port: worker.port as never });
    run(200);
    obey({ type: 'limits', minDelayMs: 60, maxDelayMs: 60 });
    run(40);
    expect(reports().at(-1)!.values[REPORT.targetMs]).toBe(60);
    obey({ type: 'reset' });
    run(20, 0);
    expect(states()).toMatchObject([['waiting', 1960]]);
    obey({ type: 'close' });
    expect(take()).toMatchObject([{ type: 'closed', frame: 2080, transferred: [] }]);
    expect(worker.state.closed).toBe(true);
    expect(run(20)).toBe(false);
    obey(packet(90));
    worker.send(packet(91));
    expect([take(), worker.told]).toEqual([[], []]);
  });
});
