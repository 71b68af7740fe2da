import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { withLivePage } from '../bench/live-page.mjs';
import { NumberedSignalReader, SIGNAL_PERIOD_SECONDS } from './helpers/numbered-signal.ts';
import { ServeProcess } from './helpers/serve-process.ts';
import { wavSamples } from './helpers/wav-samples.ts';

const SAMPLE_RATE = 16_000;
const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** What the page tells at its end. */
interface Told {
  readonly captured: number;
  readonly acknowledged: number;
  readonly dropped: number;
  readonly connections: number;
  readonly gaps: number;
}

it('a page talks to micwire serve, which is killed meanwhile: its file has every frame', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'micwire-serve-page-'));
  const server = await ServeProcess.start('--folder', folder, '--origin', '*');
  try {
    const told = await withLivePage({ page: 'test/fixtures/blank.html' }, async (evaluate) => {
      await evaluate(`
        const { Session } = await import('/src/web/index.ts');
        const { micwire } = await import('/src/core/services/micwire.ts');
        const { numberedSignal } = await import('/test/helpers/numbered-signal.ts');
        const context = new AudioContext({ sampleRate: 48000 });
        const signal = numberedSignal(0, 48000);
        const buffer = new AudioBuffer({ length: signal.length, sampleRate: 48000 });
        buffer.copyToChannel(signal, 0);
        const source = new AudioBufferSourceNode(context, { buffer, loop: true });
        const gaps = [];
        const input = { format: 'f32', sampleRate: ${SAMPLE_RATE}, channels: 1 };
        const session = await Session.open({
          context,
          microphone: source,
          service: micwire({ input, output: null }),
          url: '${server.url}',
        });
        session.addEventListener('gap', ({ detail }) => gaps.push(detail));
        source.start();
        globalThis.finish = async () => {
          await session.close({ drainMs: 20000 });
          const { capturedFrames, acknowledgedFrames, droppedFrames, connections } = session.stats;
          return {
            captured: capturedFrames,
            acknowledged: acknowledgedFrames,
            dropped: droppedFrames,
            connections,
            gaps: gaps.length,
          };
        };
      `);
      for (let i = 0; i < 3; i++) {
        await wait(2000);
        await server.end('SIGKILL');
        await wait(500);
        await server.start();
      }
      await wait(2000);
      return (await evaluate('return finish();')) as Told;
    });
    expect(told).toMatchObject({ acknowledged: told.captured, dropped: 0, gaps: 0 });
    expect(told.connections).toBeGreaterThan(1);
    expect(await server.end('SIGTERM')).toBe(0);
    const [name] = server.lines.flatMap(
      (line) => /^(.+\.wav): .+ nothing missing$/.exec(line)?.[1] ?? [],
    );
    const { samples } = wavSamples(new Uint8Array(readFileSync(name!)).buffer);
    expect(samples.length).toBe(told.captured);
    const reader = new NumberedSignalReader(SAMPLE_RATE);
    const step = reader.windowFrames;
    let [read, unknown] = [0, 0];
    let first: number | undefined;
    for (let at = 0; at + step <= samples.length; at += step) {
      const { source, seconds } = reader.read(samples, at);
      if (source !== 0) {
        // Before the signal begins.
        if (first !== undefined) unknown++;
        continue;
      }
      read++;
      const start = seconds - at / SAMPLE_RATE;
      first ??= start;
      const late = start - first;
      const turn = Math.round(late / SIGNAL_PERIOD_SECONDS) * SIGNAL_PERIOD_SECONDS;
      expect(Math.abs(late - turn), `frame ${at}`).toBeLessThan(1e-4);
    }
    expect(unknown).toBe(0);
    expect(read * step).toBeGreaterThan(7 * SAMPLE_RATE);
  } finally {
    await server.end();
    rmSync(folder, { recursive: true, force: true });
  }
}, 120_000);
