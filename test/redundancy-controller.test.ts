import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { LossRuns } from '../src/core/rtp/loss-runs.ts';
import { RedundancyController } from '../src/core/rtp/redundancy-controller.ts';
import type {
  RedundancyControllerOptions,
  RedundancySettings,
} from '../src/core/rtp/redundancy-controller.ts';
import { seededRandom } from './helpers/random.ts';

/** What a channel loses: packets at random, in runs of a mean length (Gilbert's model). */
interface Channel {
  readonly loss: number;
  readonly meanRun: number;
}

const PACKETS_A_SECOND = 50;
const OPTIONS: RedundancyControllerOptions = { bitrate: 24_000 };

/** Sends over a channel with a report a second. */
class Call {
  readonly controller: RedundancyController;
  readonly history: RedundancySettings[] = [];
  readonly #random: () => number;
  readonly #runs = new LossRuns();
  readonly #came: boolean[] = [];
  /** How each packet was protected when it went. */
  readonly #sent: RedundancySettings[] = [];
  #bad = false;
  #second = 0;

  constructor(options: RedundancyControllerOptions, seed: number) {
    this.controller = new RedundancyController(options);
    this.#random = seededRandom(seed);
  }

  run(seconds: number, channel: (settings: RedundancySettings) => Channel): void {
    for (let second = 0; second < seconds; second++) {
      let lost = 0;
      for (let i = 0; i < PACKETS_A_SECOND; i++) {
        const settings = this.controller.settings;
        const { loss, meanRun } = channel(settings);
        const stay = 1 - 1 / meanRun;
        const enter = loss === 0 ? 0 : (loss * (1 - stay)) / (1 - loss);
        this.#bad = this.#random() < (this.#bad ? stay : enter);
        this.#sent.push(settings);
        if (!this.#bad) this.#runs.update(this.#came.length);
        else lost++;
        this.#came.push(!this.#bad);
      }
      const fractionLost = Math.floor((lost / PACKETS_A_SECOND) * 256) / 256;
      const report = { fractionLost, meanRun: this.#runs.meanLength };
      this.history.push(this.controller.update(report, ++this.#second * 1000));
    }
  }

  /** Packets of the last seconds that neither came nor were brought back by a copy, as a part of all. */
  residual(seconds: number): number {
    const count = seconds * PACKETS_A_SECOND;
    const from = this.#came.length - count;
    let missing = 0;
    for (let packet = from; packet < this.#came.length; packet++) {
      if (this.#came[packet]) continue;
      let back = false;
      for (let distance = 1; distance <= 12; distance++) {
        const later = this.#sent[packet + distance];
        if (later === undefined || !this.#came[packet + distance]) continue;
        if (distance % later.spacing === 0 && distance / later.spacing <= later.copies) back = true;
      }
      if (!back) missing++;
    }
    return missing / count;
  }

  /** How often the settings changed in the last seconds. */
  changes(seconds: number): number {
    const last = this.history.slice(-seconds);
    return last.filter((settings, i) => i > 0 && settings !== last[i - 1]).length;
  }
}

const steady =
  (loss: number, meanRun = 1 / (1 - loss)) =>
  () => ({ loss, meanRun });

describe('redundancy', () => {
  it('costs nothing on a channel without loss', () => {
    const call = new Call(OPTIONS, 1);
    call.run(60, steady(0));
    expect(call.history.every((settings) => settings.copies === 0 && !settings.fec)).toBe(true);
    expect(call.controller.settings.expectedLossPercent).toBe(0);
    expect(call.controller.bitrateWith(0)).toBe(24_000 + 12 * 8 * 50);
  });

  it('is left to Opus if little is lost', () => {
    const controller = new RedundancyController(OPTIONS);
    expect(controller.update({ fractionLost: 0.01 }, 0)).toEqual({
      fec: true,
      expectedLossPercent: 1,
      copies: 0,
      spacing: 1,
    });
  });

  it.each([
    ['3 % at random', 0.03, undefined, 0.005],
    ['5 % at random', 0.05, undefined, 0.005],
    ['10 % at random', 0.1, undefined, 0.005],
    ['20 % at random', 0.2, undefined, 0.005],
    ['5 % in runs of 2', 0.05, 2, 0.005],
    ['5 % in runs of 3', 0.05, 3, 0.01],
  ])('%s: brings the loss down to the residual or near', (_name, loss, meanRun, limit) => {
    const call = new Call(OPTIONS, 2);
    call.run(180, steady(loss, meanRun));
    expect(call.residual(120)).toBeLessThan(limit);
    expect(call.controller.settings.copies).toBeGreaterThan(0);
    // Settled, and not from report to report.
    expect(call.changes(120)).toBeLessThanOrEqual(12);
  });

  it('settles at the copies, bitrates and remaining losses of the table in docs/rtp.md', () => {
    const rows = readFileSync(new URL('../docs/rtp.md', import.meta.url), 'utf8')
      .split('| channel | copies, spacing |')[1]!
      .split('\n')
      .slice(2, 8)
      .map((row) => row.split('|').map((cell) => cell.trim()));
    const channels = [[0.03], [0.05], [0.1], [0.2], [0.05, 2], [0.05, 3]] as const;
    for (const [i, [loss, meanRun]] of channels.entries()) {
      const [, name = '', copies = '', rates = '', lost = ''] = rows[i]!;
      const call = new Call(OPTIONS, 2);
      call.run(180, steady(loss, meanRun));
      const last = call.history.slice(-120);
      expect(name).toContain(`${loss * 100} %`);
      for (const { copies: count, spacing } of last) {
        expect(copies.replace(' (at times 2)', ' or 2, 1'), name).toContain(`${count}, ${spacing}`);
      }
      const kbps = last.map(({ copies: n }) => Math.round(call.controller.bitrateWith(n) / 1000));
      const range = [...new Set([Math.min(...kbps), Math.max(...kbps)])].join('–');
      expect(rates, name).toBe(`${range} kb/s`);
      expect(lost, name).toBe(`${(call.residual(120) * 100).toFixed(2)} %`);
    }
  });

  it('sends copies further apart when losses come in runs', () => {
    const single = new RedundancyController(OPTIONS);
    const runs = new RedundancyController(OPTIONS);
    const close = single.update({ fractionLost: 0.04 }, 0);
    const apart = runs.update({ fractionLost: 0.04, meanRun: 3 }, 0);
    expect(close).toMatchObject({ copies: 1, spacing: 1 });
    expect(apart.copies * apart.spacing).toBeGreaterThan(close.copies * close.spacing);
    // But never so far that the last copy comes later than it may.
    const patient = new RedundancyController({ ...OPTIONS, maxCopyDelayMs: 40 });
    const bounded = patient.update({ fractionLost: 0.3, meanRun: 5 }, 0);
    expect(bounded.copies * bounded.spacing * 20).toBeLessThanOrEqual(40);
  });

  it('stays below the bitrate limit, and leaves the rest to Opus', () => {
    for (const maxBitrate of [20_000, 40_000, 60_000, 90_000, 200_000]) {
      const controller = new RedundancyController({ ...OPTIONS, maxBitrate });
      for (let i = 0; i < 20; i++) {
        const settings = controller.update({ fractionLost: 0.3 }, i * 1000);
        const { copies, fec, expectedLossPercent } = settings;
        if (copies > 0) expect(controller.bitrateWith(copies)).toBeLessThanOrEqual(maxBitrate);
        expect(fec).toBe(true);
        expect(expectedLossPercent).toBeGreaterThan(0);
        if (maxBitrate === 20_000)
          expect(settings).toMatchObject({ copies: 0, expectedLossPercent: 30 });
      }
    }
  });

  it('starts at the first bad report, and ends ten seconds after it is no longer needed', () => {
    const call = new Call(OPTIONS, 3);
    call.run(10, steady(0));
    call.run(20, steady(0.08));
    const raised = call.history.findIndex(({ copies }) => copies > 0);
    expect(raised).toBeLessThanOrEqual(12);
    call.run(60, steady(0));
    const lowered = call.history.findIndex((settings, i) => i > 30 && settings.copies === 0);
    expect(lowered).toBeGreaterThanOrEqual(40);
    expect(lowered).toBeLessThan(60);
    expect(call.controller.settings).toMatchObject({
      copies: 0,
      fec: false,
      expectedLossPercent: 0,
    });
  });

  it('is removed if it overloads the link itself, and tried again ever more rarely', () => {
    const call = new Call(OPTIONS, 4);
    // A link that holds the payloads alone, and drops half of everything with copies on top.
    call.run(300, ({ copies }) => ({ loss: copies === 0 ? 0.03 : 0.5, meanRun: 2 }));
    const withCopies = call.history.filter(({ copies }) => copies > 0).length;
    expect(withCopies).toBeGreaterThan(0);
    expect(withCopies).toBeLessThan(60);
  });

  it('is tried again as quickly as the first time, once copies have done no harm for long', () => {
    const controller = new RedundancyController(OPTIONS);
    let nowMs = 0;
    const run = (seconds: number, fractionLost: number): number => {
      let until = Infinity;
      for (let i = 0; i < seconds; i++) {
        nowMs += 1000;
        const { copies } = controller.update({ fractionLost }, nowMs);
        if (copies > 0 && until === Infinity) until = i;
      }
      return until;
    };
    /** Copies that are followed by much more loss. @returns seconds until they are tried again */
    const congested = (): number => {
      expect(run(2, 0.05)).toBeLessThan(2);
      run(2, 0.6);
      expect(controller.settings.copies).toBe(0);
      return run(200, 0.05);
    };
    const first = congested();
    expect(first).toBeGreaterThan(10);
    run(60, 0);
    // The copies that were tried again did no harm for minutes.
    const later = congested();
    expect(Math.abs(later - first)).toBeLessThanOrEqual(2);
  });

  it('starts over after a reset', () => {
    const controller = new RedundancyController(OPTIONS);
    controller.update({ fractionLost: 0.2, meanRun: 4 }, 1000);
    expect(controller.loss).toBe(0.2);
    controller.reset();
    expect(controller.loss).toBe(0);
    expect(controller.update({ fractionLost: 0 }, 0)).toMatchObject({ copies: 0, fec: false });
  });

  it.each([
    ['bitrate', { bitrate: 0 }],
    ['packetDurationMs', { packetDurationMs: 0 }],
    ['residualLoss', { residualLoss: 2 }],
    ['maxBitrate', { maxBitrate: -1 }],
    ['maxCopyDelayMs', { maxCopyDelayMs: Number.NaN }],
    ['overheadBytes', { overheadBytes: -1 }],
  ])('refuses %s out of range', (name, options) => {
    expect(() => new RedundancyController({ ...OPTIONS, ...options })).toThrow(name);
  });

  it.each([
    ['fractionLost', { fractionLost: 1.5 }],
    ['fractionLost', { fractionLost: Number.NaN }],
    ['meanRun', { fractionLost: 0, meanRun: 0.5 }],
  ])('refuses a report whose %s is out of range', (name, report) => {
    const controller = new RedundancyController(OPTIONS);
    expect(() => controller.update(report, 0)).toThrow(name);
    expect(() => controller.update({ fractionLost: 0 }, Number.NaN)).toThrow('nowMs');
  });
});

describe('the options of a redundancy controller', () => {
  it.each([
    ['packetDurationMs', 1, 1000],
    ['overheadBytes', 0, 1000],
    ['residualLoss', 0, 1],
    ['maxCopyDelayMs', 0, 10_000],
    ['bitrate', 1, 1e9],
  ] as const)('%s lies from %s to %s', (name, least, most) => {
    const create = (value: number) => () => new RedundancyController({ ...OPTIONS, [name]: value });
    expect(create(least)).not.toThrow();
    expect(create(most)).not.toThrow();
    expect(create(least - 0.001)).toThrow(RangeError);
    expect(create(most + 0.001)).toThrow(RangeError);
  });

  it('reject an unknown name', () => {
    const options = { ...OPTIONS, maxBitRate: 1 };
    expect(() => new RedundancyController(options)).toThrow(/maxBitRate/);
  });

  it('count the cost of a copy: payload, RED header, and the headers of each packet', () => {
    // 60 bytes each 20 ms, and 12 of RTP; RED's are 4 a copy and 1.
    const controller = new RedundancyController(OPTIONS);
    const costs = [0, 1, 2, 3].map((copies) => controller.bitrateWith(copies));
    expect(costs).toEqual([72, 72 + 65, 72 + 129, 72 + 193].map((bytes) => (bytes * 8000) / 20));
    expect([controller.loss, controller.settings]).toEqual([
      0,
      { fec: false, expectedLossPercent: 0, copies: 0, spacing: 1 },
    ]);
  });

  it('report the loss to Opus in steps, if copies may not compensate for it', () => {
    const toldOf = (fractionLost: number) => {
      const controller = new RedundancyController({ ...OPTIONS, maxBitrate: 0 });
      const { fec, expectedLossPercent, copies } = controller.update({ fractionLost }, 0);
      expect([fec, copies, controller.loss]).toEqual([expectedLossPercent > 0, 0, fractionLost]);
      return expectedLossPercent;
    };
    expect([0, 0.0049, 0.005, 0.01, 0.011, 0.02, 0.03].map(toldOf)).toEqual([0, 0, 1, 1, 2, 2, 3]);
    expect([0.05, 0.08, 0.12, 0.2, 0.3, 0.5, 1].map(toldOf)).toEqual([5, 8, 12, 20, 30, 50, 100]);
  });
});
