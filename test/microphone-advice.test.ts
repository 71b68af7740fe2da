import { describe, expect, it } from 'vitest';
import { permissionAdvice, troubleOf } from '../src/core/microphone/permission-advice.ts';
import type { AdviceBrowser, TroubleFacts } from '../src/core/microphone/permission-advice.ts';
import { silenceCause } from '../src/core/microphone/silence-cause.ts';
import type { SilentDevice } from '../src/core/microphone/silence-cause.ts';

const LIVE: TroubleFacts = { state: 'live', permission: 'granted', failedBy: null, silent: null };

const TROUBLES = [
  'prompt',
  'dismissed',
  'denied',
  'denied-by-system',
  'unavailable',
  'missing',
  'busy',
  'lost',
  'hardware-mute',
  'wrong-device',
  'system',
] as const;

describe('what keeps a microphone from being heard', () => {
  it.each<[Partial<TroubleFacts>, string | null]>([
    [{}, null],
    [{ silent: 'wrong-device' }, 'wrong-device'],
    [{ state: 'muted', silent: null }, null],
    [{ state: 'closed' }, null],
    [{ state: 'opening', permission: 'prompt' }, 'prompt'],
    [{ state: 'opening' }, null],
    [{ state: 'blocked', permission: 'denied', failedBy: 'NotAllowedError' }, 'denied'],
    [{ state: 'blocked', permission: 'prompt', failedBy: 'NotAllowedError' }, 'dismissed'],
    [{ state: 'blocked', permission: 'granted', failedBy: 'NotAllowedError' }, 'denied-by-system'],
    [{ state: 'blocked', permission: 'unavailable', failedBy: 'unavailable' }, 'unavailable'],
    [{ state: 'blocked', permission: 'prompt', failedBy: 'SecurityError' }, 'unavailable'],
    [{ state: 'blocked', failedBy: 'NotFoundError' }, 'missing'],
    [{ state: 'lost', failedBy: 'OverconstrainedError' }, 'lost'],
    [{ state: 'lost', failedBy: 'NotReadableError' }, 'busy'],
    [{ state: 'lost', failedBy: 'InvalidStateError' }, 'lost'],
    [{ state: 'lost' }, 'lost'],
  ])('is, with %o, %s', (facts, trouble) => {
    expect(troubleOf({ ...LIVE, ...facts })).toBe(trouble);
  });

  it('has advice in whole sentences for every browser', () => {
    const engines = ['chromium', 'firefox', 'webkit'] as const;
    for (const trouble of TROUBLES) {
      for (const engine of engines) {
        for (const mobile of [false, true]) {
          const text = permissionAdvice(trouble, { engine, mobile });
          expect(text).toMatch(/^[A-Z].*\.$/);
          expect(text.length).toBeLessThan(220);
        }
      }
    }
  });

  it('names the place where the permission is, by browser', () => {
    const denied = (engine: AdviceBrowser['engine'], mobile = false): string =>
      permissionAdvice('denied', { engine, mobile });
    expect(denied('chromium')).toContain('icon to the left of the address');
    expect(denied('firefox')).toContain('crossed-out microphone');
    expect(denied('webkit')).toContain('Settings for this website');
    expect(denied('webkit', true)).toContain('Website Settings');
  });
});

describe('the likely cause of a silent device', () => {
  const DEVICE: SilentDevice = {
    kind: 'zeros',
    label: 'Headset',
    muted: false,
    wasAudible: false,
    others: 1,
  };

  it.each<[string, Partial<SilentDevice>, string]>([
    ['the system has muted its track', { muted: true, wasAudible: true }, 'system'],
    ['it was heard before', { wasAudible: true }, 'hardware-mute'],
    ['it was never heard, and there is another one', {}, 'wrong-device'],
    ['it is the only one and gives zeros', { others: 0 }, 'system'],
    ['it is the only one and gives noise', { others: 0, kind: 'floor' }, 'hardware-mute'],
    ['it is what an output plays', { label: 'Monitor of HDMI', wasAudible: true }, 'wrong-device'],
    ['it is a program', { label: 'BlackHole 2ch', others: 0 }, 'wrong-device'],
    ['its name only looks so', { label: 'Cables & Co', wasAudible: true }, 'hardware-mute'],
  ])('where %s', (_, facts, cause) => {
    expect(silenceCause({ ...DEVICE, ...facts })).toBe(cause);
  });
});
