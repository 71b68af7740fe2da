import type { Microphone } from 'micwire';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { firstSentence, problemOf } from '../demo/audio/problem.ts';
import { MicrophoneDesk } from '../demo/controllers/microphone-desk.ts';
import { DETAIL_FIGURES, MICROPHONE_FIGURES } from '../demo/page/microphone-figures.ts';
import { microphoneView } from '../demo/page/microphone-view.ts';
import { microphoneStatus } from '../demo/page/status.ts';
import { MicwireError } from '../src/web/index.ts';
import { eventually } from './helpers/eventually.ts';
import { MicrophonePage, deviceNumber } from './helpers/microphone-page.ts';

/*
 * What the lab does with a microphone, against real microphones on a page of devices in Node.
 */

let page: MicrophonePage;
let updates: number;
let desk: MicrophoneDesk;

beforeEach(async () => {
  page = await MicrophonePage.open();
  updates = 0;
  desk = new MicrophoneDesk({ requestUpdate: () => void updates++, addController: () => {} });
});
afterEach(() => {
  desk.follow(null, null);
  page.close();
});

async function opened(): Promise<Microphone> {
  const microphone = await page.microphone({ ifBlocked: 'wait' });
  desk.follow(microphone, null);
  return microphone;
}
const view = (cancelsEcho = false) => microphoneView(desk, cancelsEcho);
const status = () => microphoneStatus(desk.microphone!, () => {});
/** Renders until something is so. The account comes once a second. */
const until = (isSo: () => boolean) =>
  eventually(async () => {
    await page.render(8);
    expect(isSo()).toBe(true);
  });

describe('the microphone of the lab', () => {
  it('lists the devices before one is open, and opens the chosen one', async () => {
    desk.hostConnected();
    await vi.waitFor(() => expect(view().devices).toHaveLength(3));
    expect(view().devices.map(({ label }) => label)).toEqual([
      'The system’s default',
      'Microphone 1',
      'Microphone 2',
    ]);
    expect(view()).toMatchObject({ chosen: '', named: true, open: false, muted: null });
    await desk.use('device-2');
    expect(view()).toMatchObject({ chosen: 'device-2', open: false, task: null });
    expect(desk.deviceId).toBe('device-2');
    desk.hostDisconnected();
  });

  it('says that names follow the permission, and leaves out the aliases of the default', () => {
    const devices = [
      { deviceId: 'default', groupId: '', label: '' },
      { deviceId: 'communications', groupId: '', label: '' },
      { deviceId: 'a', groupId: '', label: '' },
    ];
    const nameless = { ...SILENT_DESK, devices };
    expect(microphoneView(nameless, false)).toMatchObject({
      named: false,
      devices: [{ label: 'The system’s default' }, { deviceId: 'a', label: 'Microphone 1' }],
    });
  });

  it('switches the device without opening anything again, and reports the gap', async () => {
    const microphone = await opened();
    expect(view()).toMatchObject({ open: true, gapReason: '' });
    expect(view().figures.last_gap_ms).toBe('–');
    const { node } = microphone;
    const switched = desk.use('device-2');
    expect(view().task).toBe('switching');
    await page.during(switched);
    expect(view()).toMatchObject({
      chosen: 'device-2',
      task: null,
      problem: '',
      gapReason: 'Another device was chosen.',
    });
    expect(view().figures.last_gap_ms).toBe('0.0');
    expect(desk.microphone!.node).toBe(node);
    expect(microphone.device!.deviceId).toBe('device-2');
  });

  it('keeps the device, and explains why, if another cannot be opened', async () => {
    const microphone = await opened();
    await page.during(desk.use('device-9'));
    expect(view().problem).toMatch(/no such microphone.*choose another/);
    expect(view()).toMatchObject({ chosen: '', task: null });
    expect(microphone.state).toBe('live');
    await page.during(desk.use('device-2'));
    expect(view()).toMatchObject({ chosen: 'device-2', problem: '' });
  });

  it('lets only the latest of two choices take effect', async () => {
    await opened();
    const both = Promise.all([desk.use('device-2'), desk.use('device-1')]);
    await page.during(both);
    expect(view()).toMatchObject({ chosen: 'device-1', task: null, problem: '' });
  });

  it('mutes in both ways, and explains each', async () => {
    const microphone = await opened();
    await page.during(desk.mute('time'));
    expect(view().muted).toBe('time');
    expect(status()).toMatchObject({ tone: 'idle', title: 'You have muted the microphone.' });
    expect(status()!.detail).toMatch(/stays open/);
    expect(page.open).toHaveLength(1);
    await page.during(desk.mute('light'));
    expect(view().muted).toBe('light');
    expect(status()!.detail).toMatch(/light is off/);
    expect(page.open).toHaveLength(0);
    await page.during(desk.mute(null));
    expect(view().muted).toBeNull();
    expect(microphone.state).toBe('live');
    expect(view().gapReason).toBe('It was muted.');
    expect(status()).toBeNull();
  });

  it('clears a problem once the microphone opens by itself', async () => {
    const microphone = await opened();
    await page.during(desk.mute('light'));
    page.refusal = 'NotFoundError';
    await page.during(desk.mute(null));
    expect(view().problem).toMatch(/no such microphone/);
    page.refusal = null;
    page.plugIn(deviceNumber(3));
    await until(() => microphone.state === 'live');
    expect(view().problem).toBe('');
  });

  it('reports that the device is gone, continues with the next, and shows the gap', async () => {
    const microphone = await opened();
    page.unplug(1);
    page.unplug(2);
    await until(() => microphone.state === 'blocked');
    expect(status()).toMatchObject({
      tone: 'problem',
      title: 'No microphone was found.',
      detail: 'Connect one.',
    });
    page.plugIn(deviceNumber(3));
    await until(() => microphone.state === 'live');
    await until(() => view().gapReason !== '');
    expect(status()).toBeNull();
    expect(view().gapReason).toBe('The device was gone.');
    expect(view().devices.map(({ label }) => label)).toContain('Microphone 3');
    await until(() => microphone.stats.missingFrames > 0);
    expect(view().figures.missing_frames).toMatch(/^[\d,]+$/);
  });

  it('shows the device in use if the chosen one is gone', async () => {
    const microphone = await opened();
    await page.during(desk.use('device-2'));
    page.unplug(2);
    await until(() => microphone.device?.deviceId === 'device-1');
    expect(view().chosen).toBe('device-1');
    expect(desk.deviceId).toBe('device-2');
  });

  it('opens without permission, explains the cure, and becomes live when it is allowed', async () => {
    page.setPermission('denied');
    page.refusal = 'NotAllowedError';
    const microphone = await opened();
    expect(status()).toMatchObject({
      tone: 'problem',
      title: 'The microphone is blocked for this page.',
      action: { label: 'Try again' },
    });
    page.refusal = null;
    page.setPermission('granted');
    await until(() => microphone.state === 'live');
    expect(status()).toBeNull();
  });

  it('measures the echo, and explains why if it cannot', async () => {
    const microphone = await opened();
    const echo = {
      delayFrames: 1642,
      delayMs: 34.21,
      returnLossDb: 41.26,
      isLowerBound: false,
      prominenceDb: 20,
    };
    Object.assign(microphone, { measureEcho: () => Promise.resolve(echo) });
    const measured = desk.measureEcho();
    expect(view().task).toBe('measuring');
    await measured;
    expect(view().figures).toMatchObject({ echo_loss_db: '41.3', echo_delay_ms: '34.2' });
    desk.echo = { ...echo, delayMs: null, isLowerBound: true };
    expect(view().figures).toMatchObject({ echo_loss_db: '≥ 41.3', echo_delay_ms: '–' });
    Object.assign(microphone, {
      measureEcho: () => Promise.reject(new MicwireError('no-audio', 'No audio. Unmute it.')),
    });
    await desk.measureEcho();
    expect(view()).toMatchObject({ task: null, problem: 'No audio. Unmute it.' });
  });

  it('clears the figures of a closed microphone, and keeps the choice', async () => {
    const microphone = await opened();
    await page.during(desk.use('device-2'));
    desk.follow(null, null);
    const before = updates;
    void microphone.close();
    await page.render(16);
    expect(updates).toBeLessThanOrEqual(before + 1);
    expect(view()).toMatchObject({ open: false, chosen: 'device-2', muted: null });
    expect(DETAIL_FIGURES.map((id) => view().figures[id])).toEqual(DETAIL_FIGURES.map(() => '–'));
  });
});

describe('the device’s own figures', () => {
  const stats = {
    presentFrames: 480_000,
    missingFrames: 4800,
    pausedFrames: 0,
    mutedFrames: 960,
    gaps: 2,
    lostFrames: 441,
    track: { averageLatency: 10.04 },
  };
  const reading = { stats, settings: { sampleRate: 44_100 }, lastGap: null, echo: null };
  const playback = { underrunDuration: 0.0101 } as never;
  const texts = (of: object) =>
    DETAIL_FIGURES.map((id) => MICROPHONE_FIGURES[id].text({ ...reading, playback, ...of }));

  it('are those of the library and of the engine', () => {
    expect(texts({})).toEqual(['2', '480,000', '4,800', '960', '441', '10.0', '44,100', '10.1']);
  });

  it('are unknown if the engine does not report them', () => {
    const told = { ...stats, lostFrames: null, track: null };
    const unknown = texts({ stats: told, settings: null, playback: null });
    expect(unknown).toEqual(['2', '480,000', '4,800', '960', null, null, null, null]);
  });
});

describe('a problem with the microphone', () => {
  it('has the first sentence of the message as its title, and the others as its cure', () => {
    expect(firstSentence('It is gone. Connect one. Or wait.')).toEqual([
      'It is gone.',
      'Connect one. Or wait.',
    ]);
    expect(firstSentence('It is gone.')).toEqual(['It is gone.', '']);
    for (const [code, kind] of [
      ['permission', 'no-permission'],
      ['device', 'no-device'],
      ['no-audio', 'ended'],
    ] as const) {
      const problem = problemOf(new MicwireError(code, 'It is gone. Connect one.'));
      expect(problem).toEqual({ kind, title: 'It is gone.', cure: 'Connect one.' });
    }
    const unsupported = problemOf(new MicwireError('unsupported', 'No microphones here.'));
    expect(unsupported).toMatchObject({ kind: 'unsupported', cure: 'No microphones here.' });
  });
});

const SILENT_DESK = {
  deviceId: null,
  microphone: null,
  speaker: null,
  devices: [],
  lastGap: null,
  echo: null,
  problem: '',
  task: null,
} as const;
