import { beforeEach, describe, expect, it } from 'vitest';
import { namelessControls, useLab } from './helpers/lab-page.ts';

/*
 * A session and a plain WebSocket on a wire that is cut, on the page of `npm start`, in Chromium, driven as a user does.
 */

const lab = useLab('session');
const { eventually, faults, reopen, start, status } = lab;
beforeEach(() => reopen(), 60_000);

const section = (name: string) => lab.page.getByRole('region', { name, exact: true });
const verdict = (name: string) => section(name).locator('.verdict').textContent();
/** A figure of a section, in seconds. */
const seconds = async (name: string, label: string) => {
  const cell = section(name)
    .locator('dl > div')
    .filter({ has: lab.page.locator('dt', { hasText: new RegExp(`^${label}$`) }) });
  return Number(await cell.locator('.number').textContent());
};
const words = (name: string, state: string) => section(name).locator(`.word.${state}`).count();

describe('a session on a wire that is cut', { timeout: 60_000 }, () => {
  it('starts silent, every control with a name', async () => {
    expect(await status().textContent()).toMatch(/Ready\.\s+Press Start/);
    expect(await namelessControls(lab.page)).toEqual([]);
    expect(await lab.page.getByRole('button', { name: 'Cut the wire' }).isDisabled()).toBe(true);
    expect(faults).toEqual([]);
  });

  it('keeps the audio, and delivers all of it, while a plain WebSocket loses words', async () => {
    await start();
    await eventually(() => status().textContent()).toMatch(/Connected/);
    await eventually(() => seconds('A session', 'Acknowledged')).toBeGreaterThan(2);
    await eventually(() => seconds('A plain WebSocket', 'Received')).toBeGreaterThan(2);
    await lab.page.getByRole('button', { name: 'Cut the wire' }).click();
    await eventually(() => status().textContent()).toMatch(/The wire is cut/);
    await eventually(() => seconds('A session', 'Waiting')).toBeGreaterThan(3);
    const outbox = lab.page.getByRole('meter', { name: 'Outbox' });
    expect(Number(await outbox.getAttribute('aria-valuenow'))).toBeGreaterThan(3);
    await lab.page.getByRole('button', { name: 'Mend the wire' }).click();
    await eventually(() => seconds('A session', 'Waiting')).toBeLessThan(0.3);
    await eventually(() => status().textContent()).toMatch(/Connected/);
    await eventually(() => seconds('A plain WebSocket', 'Lost')).toBeGreaterThan(2);
    expect(await verdict('A session')).toBe('Nothing is lost so far.');
    expect(await verdict('A plain WebSocket')).toMatch(/s are lost/);
    expect(await words('A session', 'lost')).toBe(0);
    expect(await words('A plain WebSocket', 'lost')).toBeGreaterThan(2);
    expect(await seconds('A session', 'Dropped')).toBe(0);
    // Refused connections are what a cut wire is.
    expect(faults.filter((fault) => !fault.includes('WebSocket connection to'))).toEqual([]);
  });

  it('plays the same audio over either path, and ends everything on Stop', async () => {
    await start();
    await eventually(() => status().textContent()).toMatch(/Connected/);
    await lab.page.getByLabel('The plain WebSocket', { exact: true }).check();
    await lab.page.getByLabel('The source', { exact: true }).check();
    await lab.page.getByRole('button', { name: 'Stop', exact: true }).click();
    await eventually(() => status().textContent()).toMatch(/Ready/);
    expect(await section('A session').locator('dd').first().textContent()).toMatch(/–/);
    expect(faults).toEqual([]);
  });
});
