/** A page that is hidden, frozen, put to sleep and brought back, with a fake clock. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { PageLife } from '../src/web/microphone/page-life.ts';
import type { PageLifeOptions } from '../src/web/microphone/page-life.ts';

class Lock extends EventTarget {
  released = false;
  release(): Promise<void> {
    this.released = true;
    return Promise.resolve();
  }
}

class Page {
  readonly document = Object.assign(new EventTarget(), { visibilityState: 'visible' });
  readonly window = new EventTarget();
  readonly context = { state: 'running', currentTime: 0 };
  readonly locks: Lock[] = [];
  /** Whether the system refuses the lock. */
  refuses = false;
  readonly session = { type: 'auto' };
  readonly told: string[] = [];
  looks = 0;

  constructor(extra: object = {}) {
    vi.stubGlobal('document', this.document);
    vi.stubGlobal('window', this.window);
    vi.stubGlobal('navigator', {
      wakeLock: {
        request: () => {
          if (this.refuses) return Promise.reject(new DOMException('', 'NotAllowedError'));
          const lock = new Lock();
          this.locks.push(lock);
          return Promise.resolve(lock);
        },
      },
      audioSession: this.session,
      ...extra,
    });
  }

  open(options: Partial<PageLifeOptions> = {}): PageLife {
    return new PageLife(
      this.context as never,
      { wakeLock: true, audioSession: true, ...options },
      {
        visible: (visible) => void this.told.push(visible ? 'visible' : 'hidden'),
        woke: (ms) => void this.told.push(`woke ${Math.round(ms / 1000)} s`),
        look: () => void this.looks++,
      },
    );
  }

  get held(): number {
    return this.locks.filter(({ released }) => !released).length;
  }

  /** The page and the audio run for so long. */
  async run(ms: number): Promise<void> {
    for (let at = 0; at < ms; at += 100) {
      if (this.context.state === 'running') this.context.currentTime += 0.1;
      await vi.advanceTimersByTimeAsync(100);
    }
  }

  async see(visibilityState: string): Promise<void> {
    this.document.visibilityState = visibilityState;
    // The system takes the lock away with the page.
    if (visibilityState === 'hidden') for (const lock of this.locks) lock.released = true;
    this.document.dispatchEvent(new Event('visibilitychange'));
    await vi.advanceTimersByTimeAsync(0);
  }
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('the screen', () => {
  test('stays on while the microphone is live, and no longer', async () => {
    const page = new Page();
    const life = page.open();
    life.awake = true;
    await page.run(100);
    expect(page.held).toBe(1);
    life.awake = false;
    await page.run(100);
    expect(page.held).toBe(0);
    life.close();
  });

  test('is kept on again when the page becomes visible again', async () => {
    const page = new Page();
    const life = page.open();
    life.awake = true;
    await page.run(100);
    await page.see('hidden');
    expect(page.held).toBe(0);
    await page.run(5000);
    expect(page.held).toBe(0);
    await page.see('visible');
    expect(page.held).toBe(1);
    life.close();
    await page.run(100);
    expect(page.held).toBe(0);
  });

  test('is requested again when the page becomes visible after the system refused', async () => {
    const page = new Page();
    page.refuses = true;
    const life = page.open();
    life.awake = true;
    await page.run(100);
    expect(page.held).toBe(0);
    page.refuses = false;
    await page.see('hidden');
    await page.see('visible');
    expect(page.held).toBe(1);
    life.close();
  });

  test('is left alone without the option, and without wake locks', async () => {
    const page = new Page();
    const life = page.open({ wakeLock: false });
    life.awake = true;
    await page.run(100);
    expect(page.locks).toEqual([]);
    life.close();
    const bare = new Page({ wakeLock: undefined });
    const other = bare.open();
    other.awake = true;
    await bare.run(100);
    expect(bare.locks).toEqual([]);
    other.close();
  });

  test('ends in the latest requested state if that changes while the system answers', async () => {
    const page = new Page();
    const life = page.open();
    life.awake = true;
    life.awake = false;
    await page.run(100);
    expect(page.held).toBe(0);
    life.close();
  });
});

describe('the audio session', () => {
  test('is for playing and recording until the end', () => {
    const page = new Page();
    const life = page.open();
    expect(page.session.type).toBe('play-and-record');
    life.close();
    expect(page.session.type).toBe('auto');
  });

  test('that another script has set since is left alone', () => {
    const page = new Page();
    const life = page.open();
    page.session.type = 'playback';
    life.close();
    expect(page.session.type).toBe('playback');
  });

  test('of several microphones is given back by the last', () => {
    const page = new Page();
    const first = page.open();
    const second = page.open();
    first.close();
    expect(page.session.type).toBe('play-and-record');
    second.close();
    expect(page.session.type).toBe('auto');
  });

  test('is not touched without the option, and may be missing', () => {
    const page = new Page();
    page.open({ audioSession: false }).close();
    expect(page.session.type).toBe('auto');
    expect(() => new Page({ audioSession: undefined }).open().close()).not.toThrow();
  });
});

describe('time', () => {
  test('that passes on both clocks is not a sleep', async () => {
    const page = new Page();
    const life = page.open();
    await page.run(60_000);
    expect(page.told).toEqual([]);
    expect(page.looks).toBe(120);
    life.close();
  });

  test('that passes without the context is a sleep of the machine', async () => {
    const page = new Page();
    const life = page.open();
    await page.run(5000);
    // The lid is shut: no timer, no audio.
    vi.setSystemTime(Date.now() + 3_600_000);
    await page.run(5000);
    expect(page.told).toEqual(['woke 3600 s']);
    life.close();
  });

  test('in which only the page was blocked is not a sleep', async () => {
    const page = new Page();
    const life = page.open();
    await page.run(5000);
    vi.setSystemTime(Date.now() + 10_000);
    page.context.currentTime += 10;
    await page.run(5000);
    expect(page.told).toEqual([]);
    life.close();
  });

  test('of a suspended context is not a sleep', async () => {
    const page = new Page();
    const life = page.open();
    await page.run(5000);
    page.context.state = 'suspended';
    await page.run(20_000);
    page.context.state = 'running';
    await page.run(5000);
    expect(page.told).toEqual([]);
    life.close();
  });

  test('in the freezer is reported once', async () => {
    const page = new Page();
    const life = page.open();
    await page.run(3000);
    page.document.dispatchEvent(new Event('freeze'));
    vi.setSystemTime(Date.now() + 120_000);
    page.document.dispatchEvent(new Event('resume'));
    await page.run(5000);
    expect(page.told).toEqual(['woke 120 s']);
    life.close();
  });

  test('in the back/forward cache is reported once', async () => {
    const page = new Page();
    const life = page.open();
    page.window.dispatchEvent(new Event('pagehide'));
    page.document.dispatchEvent(new Event('freeze'));
    vi.setSystemTime(Date.now() + 30_000);
    page.document.dispatchEvent(new Event('resume'));
    page.window.dispatchEvent(new Event('pageshow'));
    expect(page.told).toEqual(['woke 30 s']);
    life.close();
  });

  test('after the end is not watched', async () => {
    const page = new Page();
    page.open().close();
    await page.see('hidden');
    await page.see('visible');
    vi.setSystemTime(Date.now() + 60_000);
    await page.run(5000);
    expect(page.told).toEqual([]);
    expect(page.looks).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });
});
