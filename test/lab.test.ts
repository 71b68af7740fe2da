import type { Page } from 'playwright-core';
import { beforeEach, describe, expect, it } from 'vitest';
import type { CloseUp } from '../demo/lanes/close-up.ts';
import { namelessControls, placesIn, useLab } from './helpers/lab-page.ts';

/*
 * One lane, close up, on the page of `npm start`, in Chromium, driven as a user does: by its names, the mouse and the keyboard.
 */

const lab = useLab('lane');
const { eventually, faults, level, reading, reopen, start, status } = lab;
let page: Page;
beforeEach(async () => {
  page = lab.page;
  await refuseMicrophones(null);
});

interface KeptTracks {
  tracks: MediaStreamTrack[];
}

/** Has `getUserMedia` fail by that name; null: no longer, the browser's own is the prototype's. */
const refuseMicrophones = (name: string | null) =>
  page.evaluate((error) => {
    const media = navigator.mediaDevices as { getUserMedia?: unknown };
    if (error === null) delete media.getUserMedia;
    else media.getUserMedia = () => Promise.reject(new DOMException('', error));
  }, name);
/** Keeps the tracks that the page opens, for tests that end them. */
const keepTracks = () =>
  page.evaluate(() => {
    const kept = globalThis as unknown as KeptTracks;
    kept.tracks = [];
    const media = navigator.mediaDevices;
    media.getUserMedia = async (constraints) => {
      const stream = await MediaDevices.prototype.getUserMedia.call(media, constraints);
      kept.tracks.push(...stream.getTracks());
      return stream;
    };
  });
/** What the controls of the microphone say, names and their definitions left out. */
const microphoneWords = () =>
  page
    .locator('lab-microphone')
    .evaluate((host) => host.shadowRoot!.textContent.replaceAll(/\s+/g, ' '));
/** What the definition says that is open. */
const microphoneTerms = () => page.locator('lab-microphone [popover]:popover-open').textContent();
/** One of the device's own figures; −1 where it is not known. */
const figure = async (name: string) => {
  const term = page.getByRole('button', { name: `${name}: what it is`, exact: true });
  const cell = page.locator('lab-microphone dl > div').filter({ has: term });
  const text = (await cell.locator('.number').textContent()) ?? '';
  return text === '–' ? -1 : Number(text.replaceAll(',', ''));
};

describe('one lane in the lab', { timeout: 60_000 }, () => {
  it('starts silent, without a fault, every control with a name', async () => {
    expect(await status().textContent()).toMatch(/Ready/);
    expect(await namelessControls(page)).toEqual([]);
    expect(faults).toEqual([]);
  });

  it('runs by keyboard alone: audio makes the round trip and is counted', async () => {
    // Five ways to the views, then the button.
    for (let i = 0; i < 6; i++) await page.keyboard.press('Tab');
    const focused = page.locator('button:focus-visible');
    expect(await focused.textContent()).toMatch(/Start/);
    expect(await focused.evaluate((button) => getComputedStyle(button).outlineStyle)).toBe('solid');
    await page.keyboard.press('Enter');
    await eventually(() => reading('Chunks sent')).toBeGreaterThan(50);
    await eventually(() => level('Input level')).toBeGreaterThan(-40);
    await eventually(() => level('Output level')).toBeGreaterThan(-40);
    expect(await reading('On the wire')).toBeGreaterThan(300);
    expect(await reading('Round trip')).toBeGreaterThan(0);
    expect(await reading('Lost')).toBe(0);
    expect(await status().textContent()).toMatch(/Running/);
    // The next stop is the choice of source; an arrow key takes the microphone, and the session continues with it.
    await page.keyboard.press('Tab');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    await eventually(() => status().textContent()).toMatch(/Running\.\s+Fake/);
    await eventually(() => level('Output level')).toBeGreaterThan(-50);
    await page.getByRole('button', { name: 'Stop' }).press('Space');
    await eventually(() => status().textContent()).toMatch(/Ready/);
    await page.getByLabel('Speech', { exact: true }).check();
    expect(faults).toEqual([]);
  });

  it('shows the last chunk as it went, and follows every control', async () => {
    await start();
    const wire = page.locator('lab-wire section');
    await eventually(() => wire.textContent()).toMatch(/640 B of samples/);
    expect(await wire.textContent()).toMatch(/"audio"/);
    await page.getByLabel('Binary').check();
    await page.getByLabel('Sample format').selectOption('mulaw');
    await page.getByLabel('Wire rate').selectOption('8000');
    await page.getByLabel('Chunk', { exact: true }).selectOption('40');
    await eventually(() => wire.textContent()).toMatch(/3[23]\d B on the wire: 320 B of samples/);
    expect(await wire.textContent()).toMatch(/8,000 frames a second/);
    await eventually(() => reading('Chunks sent')).toBeGreaterThan(10);
    const target = page.getByLabel('Playout target');
    await target.fill('200');
    await eventually(() => reading('Playout delay')).toBeGreaterThan(130);
    await page.getByRole('button', { name: 'Hold' }).click();
    const held = await wire.locator('table').textContent();
    const sent = await reading('Chunks sent');
    await eventually(() => reading('Chunks sent')).toBeGreaterThan(sent + 20);
    expect(await wire.locator('table').textContent()).toBe(held);
    expect(faults).toEqual([]);
  });

  it('shows the delay of the audio, as the waves at both ends confirm', async () => {
    await start();
    // Enough to ride out a busy machine: every underrun makes the delay another.
    await page.getByLabel('Playout target').fill('400');
    const compare = () =>
      page.locator('lab-single').evaluate((element) => {
        const { session } = element as unknown as { session: CloseUp };
        const { lane, inputTap, outputTap, context } = session;
        const total = lane?.figures().totalMs;
        if (!total || !inputTap || !outputTap || !context || total.p95 - total.median > 3)
          return 'unsteady';
        const [sent, heard] = [inputTap.history, outputTap.history];
        const perSecond = sent.columnsPerSecond;
        const last = Math.floor(context.currentTime * perSecond) - 20;
        const size = (history: typeof sent, column: number) =>
          history.high(column) - history.low(column);
        let best = { lag: 0, correlation: 0 };
        for (let lag = 0; lag < perSecond; lag++) {
          let [product, energySent, energyHeard] = [0, 0, 0];
          for (let column = last - 4 * perSecond + lag; column < last; column++) {
            const [x, y] = [size(sent, column - lag), size(heard, column)];
            product += x * y;
            energySent += x * x;
            energyHeard += y * y;
          }
          const correlation = product / Math.sqrt(energySent * energyHeard || 1);
          if (correlation > best.correlation) best = { lag, correlation };
        }
        if (best.correlation < 0.9) return 'unsteady';
        return Math.abs((best.lag / perSecond) * 1000 - total.median);
      });
    // A column of the waves is 5.6 ms wide.
    await expect.poll(compare, { timeout: 40_000, interval: 300 }).toBeLessThan(8);
  });

  it('says that the server is gone, and continues when it is back', async () => {
    let up = true;
    let connection: { close(): Promise<void> } | undefined;
    await page.routeWebSocket(/\/link\/lane\//, (socket) => {
      if (!up) return void socket.close();
      // The route stays: Playwright takes back those of pages only.
      socket.connectToServer();
      connection = socket;
    });
    await reopen();
    await start();
    await eventually(() => reading('Chunks sent')).toBeGreaterThan(10);
    up = false;
    await connection!.close();
    await eventually(() => status().textContent()).toMatch(/The server is gone.*Attempt \d+/s);
    await eventually(() => reading('Dropped at the wire')).toBeGreaterThan(10);
    up = true;
    // The button may go while it is clicked, but only because the lab has come back by itself.
    await page
      .getByRole('button', { name: 'Try now' })
      .click({ timeout: 3000 })
      .catch(async (error: unknown) => {
        if (!/Running/.test((await status().textContent()) ?? '')) throw error;
      });
    await eventually(() => status().textContent()).toMatch(/Running/);
    const sent = await reading('Chunks sent');
    await eventually(() => reading('Chunks sent')).toBeGreaterThan(sent + 10);
    expect(faults).toEqual([]);
    await page.unrouteAll();
  });

  it('uses the simulated network, which changes while it runs', async () => {
    const stations = page.locator('lab-path ol');
    await start();
    await eventually(() => reading('Chunks sent')).toBeGreaterThan(10);
    expect(await stations.textContent()).toMatch(/WebSocket.*Network\s+Clean/s);
    await page.getByLabel('Satellite', { exact: true }).check();
    // 300 ms on the way out; nothing on the way back.
    await eventually(() => reading('Round trip')).toBeGreaterThan(300);
    expect(await stations.textContent()).toMatch(/Network\s+Satellite/);
    await eventually(() => page.locator('lab-link .lateness .number').textContent()).toMatch(/\d/);
    const sent = await reading('Chunks sent');
    await page.getByLabel('Delay, one way').fill('0');
    await eventually(() => stations.textContent()).toMatch(/Network\s+as set/);
    await eventually(() => reading('Round trip')).toBeLessThan(300);
    // The same lane: it counts on, and TCP has lost nothing.
    expect(await reading('Chunks sent')).toBeGreaterThan(sent);
    expect(await reading('Lost')).toBe(0);
    await page.getByLabel('Clean', { exact: true }).check();
    expect(faults).toEqual([]);
  });

  it('finds a new path over the network after the server was gone, and is back', async () => {
    const open = new Set<{ close(): Promise<void> }>();
    let up = true;
    await page.routeWebSocket(/\/link\/(?:control|lane)/, (socket) => {
      if (!up) return void socket.close();
      const server = socket.connectToServer();
      open.add(socket).add(server);
    });
    await reopen();
    await page.getByLabel('Satellite', { exact: true }).check();
    await start();
    await eventually(() => reading('Round trip')).toBeGreaterThan(300);
    up = false;
    for (const end of open) await end.close();
    await eventually(() => status().textContent()).toMatch(/The server is gone/);
    // The line above says it, and that it is tried again.
    expect(await page.locator('lab-link .missing').count()).toBe(0);
    up = true;
    await eventually(() => status().textContent()).toMatch(/Running/);
    await eventually(() => reading('Round trip')).toBeGreaterThan(300);
    expect(await page.locator('lab-path ol').textContent()).toMatch(/Network\s+Satellite/);
    await page.unrouteAll();
    await reopen();
    faults.length = 0;
  });

  it('runs directly without the simulated network, says so, and uses it once it is available', async () => {
    let there = false;
    await page.routeWebSocket(/\/link\/control/, (socket) => {
      if (there) socket.connectToServer();
      else void socket.close();
    });
    await reopen();
    await start();
    await eventually(() => reading('Chunks sent')).toBeGreaterThan(10);
    expect(await page.locator('lab-link .missing').textContent()).not.toBe('');
    await page.getByLabel('Satellite', { exact: true }).check();
    const sent = await reading('Chunks sent');
    await eventually(() => reading('Chunks sent')).toBeGreaterThan(sent + 10);
    expect(await reading('Round trip')).toBeLessThan(300);
    there = true;
    await page.getByLabel('Clean', { exact: true }).check();
    await page.getByLabel('Satellite', { exact: true }).check();
    await eventually(() => reading('Round trip')).toBeGreaterThan(300);
    expect(await page.locator('lab-link .missing').count()).toBe(0);
    await reopen();
    faults.length = 0;
  });

  it('explains a problem with the microphone and its cure, then uses another source', async () => {
    await page.getByLabel('Microphone', { exact: true }).check();
    for (const [name, words, button] of [
      [
        'NotAllowedError',
        /system does not let this browser use the microphone.*Allow it/s,
        'Try again',
      ],
      ['NotFoundError', /No microphone was found.*Connect one/s, 'Try again'],
      // It is tried again by itself.
      ['NotReadableError', /microphone does not start.*Close other programs/s, 'Stop'],
    ] as const) {
      await refuseMicrophones(name);
      await start();
      await eventually(() => status().textContent()).toMatch(words);
      expect(await page.getByRole('button', { name: button, exact: true }).isVisible()).toBe(true);
      await page.getByRole('button', { name: 'Stop', exact: true }).click();
    }
    await page.getByLabel('Speech', { exact: true }).check();
    await start();
    await eventually(() => status().textContent()).toMatch(/Running/);
    expect(faults).toEqual([]);
  });

  it('says when the browser holds the audio, and continues at a press', async () => {
    await start();
    await eventually(() => status().textContent()).toMatch(/Running/);
    await page.locator('lab-single').evaluate(async (element) => {
      await (
        element as unknown as { session: { context: AudioContext } }
      ).session.context.suspend();
    });
    await eventually(() => status().textContent()).toMatch(/The browser is blocking the audio/);
    await page.getByRole('button', { name: 'Play the audio' }).click();
    await eventually(() => status().textContent()).toMatch(/Running/);
    const sent = await reading('Chunks sent');
    await eventually(() => reading('Chunks sent')).toBeGreaterThan(sent);
    expect(faults).toEqual([]);
  });

  it('lists the microphones, and switches between them while the lane runs', async () => {
    await page.getByLabel('Microphone', { exact: true }).check();
    await start();
    await eventually(() => status().textContent()).toMatch(/Running\.\s+Fake Default/);
    const device = page.getByLabel('Device', { exact: true });
    const names = device.locator('option').allTextContents();
    expect((await names).map((text) => text.trim())).toEqual([
      'The system’s default',
      'Fake Audio Input 1',
      'Fake Audio Input 2',
    ]);
    await eventually(() => reading('Chunks sent')).toBeGreaterThan(20);
    const sent = await reading('Chunks sent');
    await device.selectOption('Fake Audio Input 2');
    await eventually(() => status().textContent()).toMatch(/Running\.\s+Fake Audio Input 2/);
    expect(await microphoneWords()).toMatch(/[\d.]+ ms Another device was chosen/);
    // The same lane: it counts on.
    expect(await reading('Chunks sent')).toBeGreaterThanOrEqual(sent);
    await eventually(() => level('Output level')).toBeGreaterThan(-50);
    // By keyboard, and the choice remains.
    await device.press('ArrowUp');
    await eventually(() => status().textContent()).toMatch(/Running\.\s+Fake Audio Input 1/);
    await page.getByRole('button', { name: 'Stop', exact: true }).click();
    await start();
    await eventually(() => status().textContent()).toMatch(/Running\.\s+Fake Audio Input 1/);
    expect(faults).toEqual([]);
  });

  it('mutes the microphone in both ways, and shows the device’s own figures', async () => {
    await page.getByLabel('Microphone', { exact: true }).check();
    await start();
    await eventually(() => level('Input level')).toBeGreaterThan(-50);
    await page.getByRole('radio', { name: 'Mute', exact: true }).check();
    await eventually(() => status().textContent()).toMatch(/have muted.*The device stays open/s);
    await eventually(() => level('Input level')).toBe(-60);
    const sent = await reading('Chunks sent');
    await eventually(() => reading('Chunks sent')).toBeGreaterThan(sent + 10);
    await page.getByRole('radio', { name: 'Mute, light off' }).check();
    await eventually(() => status().textContent()).toMatch(/have muted.*its light is off/s);
    await page.getByRole('radio', { name: 'On', exact: true }).check();
    await eventually(() => status().textContent()).toMatch(/Running/);
    await eventually(() => level('Input level')).toBeGreaterThan(-50);
    await eventually(microphoneWords).toMatch(/[\d.]+ ms It was muted/);
    await page.getByText('The device’s own figures').click();
    await eventually(() => figure('Muted')).toBeGreaterThan(0);
    await eventually(() => figure('Missing')).toBeGreaterThan(0);
    await eventually(() => figure('Present')).toBeGreaterThan(0);
    expect(await figure('Lost in the system')).toBeGreaterThanOrEqual(0);
    expect(await namelessControls(page)).toEqual([]);
    await page.getByRole('button', { name: 'Missing: what it is' }).click();
    await eventually(microphoneTerms).toMatch(/Frames for which there was no device/);
    await page.keyboard.press('Escape');
    expect(await microphoneWords()).toMatch(/Echo cancellation is off, as asked/);
    await page.getByLabel('Cancel echo').check();
    await eventually(microphoneWords).toMatch(/engine cancels/);
    await page.getByLabel('Cancel echo').uncheck();
    expect(faults).toEqual([]);
  });

  it('says that the microphone is gone, continues when one is there, and stops when its processor fails', async () => {
    await page.getByLabel('Microphone', { exact: true }).check();
    await keepTracks();
    await start();
    await eventually(() => status().textContent()).toMatch(/Running/);
    await refuseMicrophones('NotFoundError');
    await page.evaluate(() => {
      for (const track of (globalThis as unknown as KeptTracks).tracks) track.stop();
    });
    await eventually(() => status().textContent()).toMatch(/microphone is gone/);
    await refuseMicrophones(null);
    await page.evaluate(() => navigator.mediaDevices.dispatchEvent(new Event('devicechange')));
    await eventually(() => status().textContent()).toMatch(/Running/);
    await eventually(() => level('Output level')).toBeGreaterThan(-50);
    await eventually(microphoneWords).toMatch(/[\d.,]+ ms The device was gone/);
    // Only a processor that has failed does not come back by itself.
    await page.locator('lab-single').evaluate((element) => {
      const { session } = element as unknown as { session: CloseUp };
      // Chromium calls it for no event that a page has made.
      session.source!.microphone!.node.onprocessorerror!(new ErrorEvent('processorerror'));
    });
    await eventually(() => status().textContent()).toMatch(/processor failed/);
    expect(await page.getByRole('button', { name: 'Try again' }).isVisible()).toBe(true);
    await page.getByRole('button', { name: 'Try again' }).click();
    await eventually(() => status().textContent()).toMatch(/Running/);
    expect(faults).toEqual([]);
  });

  it('fits a phone of 360 px, and nothing moves while the numbers change, twice a second at most', async () => {
    await page.setViewportSize({ width: 360, height: 740 });
    await reopen();
    await start();
    await eventually(() => reading('Chunks sent')).toBeGreaterThan(20);
    await eventually(() => page.locator('lab-wire section').textContent()).toMatch(/B of samples/);
    for (const width of [360, 1280]) {
      await page.setViewportSize({ width, height: 740 });
      await eventually(() => page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
      const places = () => placesIn(page, 'lab-single');
      const before = await places();
      const changes = await page.getByRole('meter', { name: 'Input level' }).evaluate(
        (meter) =>
          new Promise<number>((resolve) => {
            let count = 0;
            const observer = new MutationObserver(() => count++);
            observer.observe(meter, { attributes: true, attributeFilter: ['aria-valuetext'] });
            setTimeout(() => {
              observer.disconnect();
              resolve(count);
            }, 1500);
          }),
      );
      expect(await places()).toEqual(before);
      expect(changes).toBeGreaterThan(0);
      expect(changes).toBeLessThanOrEqual(4);
    }
    expect(faults).toEqual([]);
  });
});
