import type { Page } from 'playwright-core';
import { beforeEach, describe, expect, it } from 'vitest';
import { useLab } from './helpers/lab-page.ts';

/*
 * Opus and recording on the page of `npm start`, in Chromium, driven by their names.
 */

const lab = useLab('lane');
const { eventually, faults, level, reading, reopen, start, status } = lab;
let page: Page;
beforeEach(() => {
  page = lab.page;
});

const choose = (label: string, value: string) =>
  page.getByLabel(label, { exact: true }).selectOption(value);

describe('Opus in the lab', { timeout: 60_000 }, () => {
  it('works by every route, and shows its bitrate beside that of samples', async () => {
    await choose('Sample format', 'opus');
    await choose('Wire rate', '48000');
    await start();
    for (const route of ['worklet', 'worker', 'auto']) {
      await choose('Encoded', route);
      await eventually(() => reading('Chunks sent')).toBeLessThan(50);
      await eventually(() => reading('Chunks sent')).toBeGreaterThan(75);
      await eventually(() => level('Output level')).toBeGreaterThan(-40);
      expect(await reading('Lost')).toBe(0);
      const readings = page.locator('lab-readings dl');
      await eventually(() => readings.textContent()).toMatch(/16-bit samples alone: 768\./);
      const measured = async () =>
        Number(/Opus: (\d+), (\d+) %/.exec((await readings.textContent()) ?? '')?.[1]);
      // Asked for 24 kbit/s of speech, which pauses.
      await eventually(measured).toBeGreaterThan(12);
      await eventually(measured).toBeLessThan(32);
    }
    const wire = page.locator('lab-wire section');
    expect(await wire.textContent()).toMatch(/B of Opus and .*One packet of Opus/s);
    expect(await page.locator('lab-delay section').textContent()).toMatch(/Resampler, Opus/);
    expect(faults).toEqual([]);
  });

  it('offers only options that fit together, and keeps the choices for samples apart', async () => {
    const options = (label: string) =>
      page.getByLabel(label, { exact: true }).locator('option').allTextContents();
    const chosen = (label: string) => page.getByLabel(label, { exact: true }).inputValue();
    await choose('Sample format', 's16');
    await choose('Wire rate', '44100');
    await choose('Chunk', '100');
    await choose('Sample format', 'opus');
    await eventually(() => chosen('Wire rate')).toBe('48000');
    expect(await chosen('Chunk')).toBe('60');
    expect((await options('Chunk')).map((text) => text.trim())).toEqual([
      '10 ms',
      '20 ms',
      '40 ms',
      '60 ms',
    ]);
    await choose('Encoded', 'worklet');
    await eventually(() => chosen('Chunk')).toBe('20');
    await choose('Sample format', 's16');
    await eventually(() => options('Chunk')).toHaveLength(7);
    expect(await page.getByLabel('Bitrate').count()).toBe(0);
    expect(faults).toEqual([]);
  });

  it('follows bitrate, FEC, DTX and packets of 60 ms while it runs', async () => {
    await choose('Sample format', 'opus');
    await choose('Encoded', 'auto');
    await page.getByLabel('Binary').check();
    await start();
    await eventually(() => reading('Chunks sent')).toBeGreaterThan(20);
    await choose('Bitrate', '96000');
    await eventually(() => reading('On the wire')).toBeGreaterThan(80);
    await choose('Bitrate', '12000');
    await page.getByLabel('Packets carry the previous one').check();
    await page.getByLabel('Silence takes next to nothing').check();
    await choose('Chunk', '60');
    await eventually(() => page.locator('lab-wire section').textContent()).toMatch(/60\.0 ms/);
    await eventually(() => reading('Chunks sent')).toBeGreaterThan(30);
    expect(await reading('On the wire')).toBeLessThan(30);
    expect(await status().textContent()).toMatch(/Running/);
    expect(faults).toEqual([]);
  });

  it('carries stereo, tuned for least delay, in packets of one size', async () => {
    await choose('Sample format', 'opus');
    await choose('Encoded', 'auto');
    await choose('Chunk', '20');
    await choose('Bitrate', '64000');
    await page.getByLabel('Packets carry the previous one').check();
    await choose('Channels', '2');
    await choose('Packets', 'constant');
    await choose('Tuned for', 'lowdelay');
    const fec = page.getByLabel('Packets carry the previous one');
    await eventually(() => fec.isDisabled()).toBe(true);
    expect(await fec.isChecked()).toBe(false);
    await start();
    await eventually(() => reading('Chunks sent')).toBeGreaterThan(20);
    // 64 kbit/s, 20 ms: 160 bytes, every time.
    const wire = page.locator('lab-wire section');
    await eventually(() => wire.textContent()).toMatch(/160 B of Opus/);
    expect(await wire.textContent()).toMatch(/2 channels/);
    await eventually(() => level('Output level')).toBeGreaterThan(-40);
    expect(faults).toEqual([]);
    await choose('Channels', '1');
    await choose('Tuned for', 'voip');
    await choose('Packets', 'variable');
  });

  it('explains why if it cannot be loaded, and samples continue', async () => {
    await reopen();
    await page.evaluate(() => {
      const refuse = () => Promise.reject(new WebAssembly.CompileError('Refused.'));
      WebAssembly.compile = refuse;
      WebAssembly.compileStreaming = refuse;
    });
    await choose('Sample format', 'opus');
    await start();
    await eventually(() => status().textContent()).toMatch(/Opus could not be loaded\..+Refused/s);
    await choose('Sample format', 's16');
    await page.getByRole('button', { name: 'Try again' }).click();
    await eventually(() => status().textContent()).toMatch(/Running/);
    expect(faults).toEqual([]);
    await reopen();
  });
});

describe('recording in the lab', { timeout: 60_000 }, () => {
  const panel = () => page.locator('lab-recorder');
  const elapsed = async (): Promise<number> =>
    Number(await panel().locator('dd .number').first().textContent());
  const record = () => page.getByRole('button', { name: 'Record', exact: true });
  /** The finished file, as the page's own decoder and its first bytes have it. */
  const finished = async () => {
    const link = panel().getByRole('link', { name: /Download/ });
    const name = await link.getAttribute('download');
    const file = await link.evaluate(async (anchor) => {
      const data = await (await fetch((anchor as HTMLAnchorElement).href)).arrayBuffer();
      const head = String.fromCharCode(...new Uint8Array(data, 0, 4));
      const context = new OfflineAudioContext(1, 1, 48_000);
      const sound = await context.decodeAudioData(data);
      const { duration, numberOfChannels } = sound;
      const peak = sound
        .getChannelData(0)
        .reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
      return { head, duration, numberOfChannels, peakDbfs: 20 * Math.log10(peak) };
    });
    return { name, ...file };
  };

  it.each([
    ['Ogg Opus', 'ogg', 'OggS'],
    ['WebM Opus', 'webm', '\x1aE\xdf\xa3'],
    ['WAV', 'wav', 'RIFF'],
  ])(
    '%s: pauses are left out, and the file plays and can be taken away',
    async (label, ending, magic) => {
      await page.getByRole('radio', { name: label }).check();
      await eventually(() => record().isDisabled()).toBe(true);
      await start();
      await eventually(() => status().textContent()).toMatch(/Running/);
      await record().click();
      await eventually(elapsed).toBeGreaterThan(0.8);
      await eventually(() => level('Recording level')).toBeGreaterThan(-40);
      await panel().getByRole('button', { name: 'Pause' }).click();
      await eventually(() => panel().locator('section').textContent()).toMatch(/Paused/);
      await panel().getByRole('button', { name: 'Resume' }).press('Enter');
      const before = await elapsed();
      await eventually(elapsed).toBeGreaterThan(before);
      await panel().getByRole('button', { name: 'Stop recording' }).click();
      await eventually(() => panel().locator('audio').count()).toBe(1);
      const file = await finished();
      expect(file.name).toMatch(new RegExp(`^micwire-[\\dT-]+\\.${ending}$`));
      expect(file.head).toBe(magic);
      // What is told is the file's own.
      expect(await elapsed()).toBeCloseTo(file.duration, 2);
      const figures = panel().locator('dl > div');
      expect(await figures.first().textContent()).toMatch(/^\s*Length/);
      expect(await figures.last().textContent()).toMatch(/^\s*True peak\s+[−\d.]+\s+dBTP/);
      const told = (await figures.last().locator('.number').textContent())!.replace('−', '-');
      expect(Math.abs(Number(told) - file.peakDbfs)).toBeLessThan(1.5);
      const player = panel().locator('audio');
      await eventually(() =>
        player.evaluate((audio) => (audio as HTMLAudioElement).readyState),
      ).toBe(4);
      expect(faults).toEqual([]);
    },
  );

  it('completes the file when the source stops, and restarts with the next', async () => {
    await start();
    await eventually(() => status().textContent()).toMatch(/Running/);
    await record().click();
    await eventually(elapsed).toBeGreaterThan(1);
    await page.getByLabel('Microphone', { exact: true }).check();
    await eventually(() => panel().locator('audio').count()).toBe(1);
    expect((await finished()).duration).toBeGreaterThan(0.9);
    await eventually(() => status().textContent()).toMatch(/Running\.\s+Fake/);
    await record().click();
    await eventually(elapsed).toBeGreaterThan(1);
    await page.getByRole('button', { name: 'Stop', exact: true }).click();
    await eventually(() => panel().locator('audio').count()).toBe(1);
    expect((await finished()).duration).toBeGreaterThan(0.9);
    expect(faults).toEqual([]);
  });

  it('explains why if it cannot record', async () => {
    await reopen();
    await start();
    await eventually(() => status().textContent()).toMatch(/Running/);
    await page.evaluate(() => {
      const refuse = () => Promise.reject(new WebAssembly.CompileError('Refused.'));
      WebAssembly.compile = refuse;
      WebAssembly.compileStreaming = refuse;
      // Where the browser's own encoder would do, libopus is not needed.
      Worker = undefined as never;
    });
    await record().click();
    await eventually(() => panel().getByRole('alert').textContent()).toMatch(/\S+ \S+/);
    await page.getByRole('radio', { name: 'WAV' }).check();
    await record().click();
    await eventually(elapsed).toBeGreaterThan(0.5);
  });
});
