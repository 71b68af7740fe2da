import { describe, expect, test } from 'vitest';
import {
  ECHO_MODES,
  SPEAKER_ROUTES,
  echoConstraint,
  planEcho,
} from '../src/core/microphone/echo-plan.ts';
import type { EchoEngine, EchoMode, EchoSetting } from '../src/core/microphone/echo-plan.ts';

/** Engines as they are: capabilities of Chromium 156 on Linux and Firefox 153 as measured, the others as reported. */
const ENGINES = {
  'Chromium on Windows or macOS': engine('chromium', [true, false, 'remote-only', 'all']),
  'Chromium on Linux': engine('chromium', [true, false, 'remote-only']),
  'Chromium on Android': engine('chromium', [true, false, 'all']),
  'Chromium 140': engine('chromium', [true, false]),
  Firefox: engine('gecko', [true, false]),
  Safari: engine('webkit', [true, false]),
  'another engine': engine('other', null),
} as const;

function engine(family: EchoEngine['family'], modes: readonly EchoSetting[] | null): EchoEngine {
  return { family, modes, elements: true, calls: true };
}

describe('the constraints for an echo canceller', () => {
  test.each([
    ['auto', 'all'],
    ['all', 'all'],
    ['browser', true],
    ['route', true],
    ['none', false],
  ] as const)('%s asks for %s, as a wish', (mode, setting) => {
    expect(echoConstraint(mode)).toEqual({ ideal: setting });
    expect(echoConstraint(mode, true)).toEqual({ exact: setting !== false });
  });
});

describe('the route', () => {
  const granted: Readonly<Record<keyof typeof ENGINES, EchoSetting>> = {
    'Chromium on Windows or macOS': 'all',
    'Chromium on Linux': true,
    'Chromium on Android': 'all',
    'Chromium 140': true,
    Firefox: true,
    Safari: true,
    'another engine': true,
  };
  test.each([
    ['Chromium on Windows or macOS', 'context', 'context'],
    ['Chromium on Linux', 'context', 'call'],
    ['Chromium on Android', 'context', 'context'],
    ['Chromium 140', 'call', 'call'],
    ['Firefox', 'context', 'element'],
    ['Safari', 'element', 'element'],
    ['another engine', 'element', 'element'],
  ] as const)("of 'auto' in %s is %s, and %s on another device", (name, usual, elsewhere) => {
    const plan = (defaultOutput: boolean): string =>
      planEcho('auto', ENGINES[name], { granted: granted[name], defaultOutput, deviceRate: true })
        .route;
    expect([plan(true), plan(false)]).toEqual([usual, elsewhere]);
  });

  test.each([
    ['Chromium on Windows or macOS', 'element', 'call'],
    ['Chromium on Linux', 'element', 'call'],
    ['Chromium 140', 'call', 'call'],
    ['Firefox', 'element', 'element'],
    ['Safari', 'element', 'element'],
  ] as const)("of 'route' in %s is %s, and %s on another device", (name, usual, elsewhere) => {
    const plan = (defaultOutput: boolean): string =>
      planEcho('route', ENGINES[name], { granted: true, defaultOutput, deviceRate: true }).route;
    expect([plan(true), plan(false)]).toEqual([usual, elsewhere]);
  });

  test.each(['browser', 'all', 'none'] as const)("of '%s' is always the context", (mode) => {
    for (const each of Object.values(ENGINES)) {
      for (const setting of [true, false, 'all', 'remote-only', null] as const) {
        for (const defaultOutput of [true, false]) {
          expect(
            planEcho(mode, each, { granted: setting, defaultOutput, deviceRate: true }).route,
          ).toBe('context');
        }
      }
    }
  });

  test('is a call if the canceller covers calls only', () => {
    const plan = planEcho('auto', ENGINES['Chromium on Linux'], {
      granted: 'remote-only',
      defaultOutput: true,
      deviceRate: true,
    });
    expect(plan).toMatchObject({ route: 'call', covered: true });
  });

  test.each([
    ['Chromium on Linux', 'call'],
    ['Firefox', 'element'],
    ['Safari', 'element'],
  ] as const)('of a context of another rate than the output in %s is %s', (name, route) => {
    const grant = { granted: true, defaultOutput: true, deviceRate: false } as const;
    const plan = planEcho('auto', ENGINES[name], grant);
    expect(plan.route).toBe(route);
    expect(planEcho('browser', ENGINES[name], grant).covered).toBe(false);
  });

  test('is never one that the page does not support', () => {
    for (const { family, modes } of Object.values(ENGINES)) {
      for (const defaultOutput of [true, false]) {
        for (const mode of ECHO_MODES) {
          const grant = { granted: true, defaultOutput, deviceRate: true } as const;
          const bare = { family, modes, elements: false, calls: false };
          expect(planEcho(mode, bare, grant).route).toBe('context');
          const noCalls = planEcho(mode, { family, modes, elements: true, calls: false }, grant);
          expect(noCalls.route).not.toBe('call');
        }
      }
    }
    const lacking = planEcho(
      'auto',
      { ...ENGINES['Chromium 140'], calls: false },
      { granted: true, defaultOutput: true, deviceRate: true },
    );
    expect(lacking).toMatchObject({ route: 'element', covered: false });
    expect(lacking.why).toContain('may not hear');
  });
});

describe('what the plan says', () => {
  test('is which way was taken, in whole sentences, for every engine and grant', () => {
    for (const each of Object.values(ENGINES)) {
      for (const mode of ECHO_MODES) {
        for (const setting of [true, false, 'all', 'remote-only', null] as const) {
          for (const defaultOutput of [true, false]) {
            const plan = planEcho(mode, each, {
              granted: setting,
              defaultOutput,
              deviceRate: true,
            });
            expect(plan.why).toMatch(/^[A-Z][^{}]+\.$/);
            expect(plan).toMatchObject({ mode, granted: setting });
            expect(echoConstraint(mode)).toEqual({ ideal: plan.asked });
            expect(SPEAKER_ROUTES).toContain(plan.route);
            // Without a canceller nothing is covered; one that covers the system covers every route.
            if (setting === false || mode === 'none') expect(plan.covered).toBe(false);
            else if (setting === 'all') expect(plan.covered).toBe(true);
          }
        }
      }
    }
  });

  test.each<[EchoMode, EchoSetting | null, boolean, string]>([
    ['auto', 'all', true, 'The engine cancels everything that the system plays.'],
    [
      'auto',
      true,
      true,
      'The engine cancels all audio that the browser plays on the default output.',
    ],
    ['auto', false, false, 'The engine offers no echo cancellation for this device.'],
    ['browser', true, true, 'Echo is left to the browser, as asked.'],
    ['all', true, true, 'The engine cannot cancel everything that the system plays;'],
    ['none', false, false, 'Echo cancellation is off, as asked.'],
    ['none', null, false, 'Echo cancellation is off, as asked.'],
    ['none', true, false, 'Echo cancellation was to be off, but the engine keeps it on.'],
  ])('%s, granted %s: covered %s, %s', (mode, granted, covered, words) => {
    const plan = planEcho(mode, ENGINES['Chromium on Linux'], {
      granted,
      defaultOutput: true,
      deviceRate: true,
    });
    expect(plan.covered).toBe(covered);
    expect(plan.why.startsWith(words)).toBe(true);
  });
});
