import { afterEach, describe, expect, it, vi } from 'vitest';
import { MicwireError } from '../src/core/errors.ts';
import {
  SipError,
  callFailure,
  callRefused,
  registrationRefused,
} from '../src/web/sip/sip-error.ts';
import { sendRtpTones } from '../src/web/sip/sip-dtmf.ts';
import { phoneSettings } from '../src/web/sip/sip-phone-options.ts';

afterEach(() => {
  vi.useRealTimers();
  vi.doUnmock('jssip');
  vi.unstubAllGlobals();
});

describe('options of a phone', () => {
  it.each(['userName', 'displayName'])('refuse a line break in %s', (name) => {
    const options = { url: 'wss://sip.test', uri: 'sip:alice@sip.test' };
    for (const text of ['a\r\nX-Evil: 1', 'a\n', '\u0000', '\u0085']) {
      expect(() => phoneSettings({ ...options, [name]: text })).toThrow(
        new TypeError(`${name} must have no control characters.`),
      );
    }
    expect(phoneSettings({ ...options, [name]: 'Zoë 😀' })).toMatchObject({ [name]: 'Zoë 😀' });
  });
});

describe('SipPhone', () => {
  it('names the package that is missing', async () => {
    vi.doMock('jssip', () => {
      throw new Error('Cannot find package');
    });
    vi.stubGlobal('RTCPeerConnection', class {});
    const { SipPhone } = await import('../src/web/sip/sip-phone.ts');
    const opening = SipPhone.open({ url: 'ws://127.0.0.1:9', uri: 'sip:alice@sip.test' });
    await expect(opening).rejects.toMatchObject({ code: 'unsupported' });
    await expect(opening).rejects.toThrow('npm install jssip@3');
  });
});

describe('tones within the audio', () => {
  class FakeSender extends EventTarget {
    readonly canInsertDTMF = true;
    toneBuffer = '';
    insertDTMF(tones: string): void {
      this.toneBuffer = tones;
    }
    begin(tone: string): void {
      this.dispatchEvent(Object.assign(new Event('tonechange'), { tone }));
    }
  }

  it('reject when the browser stops before the last one, and not earlier', async () => {
    vi.useFakeTimers();
    const dtmf = new FakeSender();
    const connection = { getSenders: () => [{ dtmf }] } as unknown as RTCPeerConnection;
    const settings = { method: 'rtp', durationMs: 6000, gapMs: 70 } as const;
    const ends: string[] = [];
    const send = (tones: string): Promise<unknown> =>
      sendRtpTones(connection, tones, settings).then(
        () => ends.push('sent'),
        ({ code }: MicwireError) => ends.push(code),
      );
    const first = send('12');
    for (const tone of ['1', '2', '']) {
      await vi.advanceTimersByTimeAsync(6070);
      expect(ends).toEqual([]);
      dtmf.begin(tone);
    }
    await first;
    const second = send('12');
    await vi.advanceTimersByTimeAsync(6070);
    dtmf.begin('1');
    await vi.advanceTimersByTimeAsync(7070);
    await second;
    expect(ends).toEqual(['sent', 'transport']);
  });
});

describe('SipError', () => {
  it('has the status, the reason and the cure', () => {
    const error = callRefused(486);
    expect(error).toMatchObject({
      code: 'refused',
      status: 486,
      reason: 'busy',
      name: 'MicwireError',
    });
    expect(error.message).toBe(
      'The call failed: 486 Busy Here. The callee is in another call. Try later, or leave a message.',
    );
    expect(error).toBeInstanceOf(MicwireError);
    expect(error).toBeInstanceOf(SipError);
    expect(new MicwireError('transport', '')).not.toBeInstanceOf(SipError);
  });

  it('distinguishes a wrong password from a call that is declined', () => {
    expect(registrationRefused(403).reason).toBe('unauthorized');
    expect(callRefused(403).reason).toBe('declined');
  });

  it.each([
    [999, 699],
    [180, 300],
    [0, 300],
    [NaN, 500],
  ])('replaces %i by %i, the nearest status of a refusal', (status, nearest) => {
    expect(callRefused(status)).toMatchObject({ status: nearest, reason: 'failed' });
    expect(registrationRefused(status)).toMatchObject({ status: nearest, reason: 'failed' });
  });

  it('accepts unknown statuses', () => {
    expect(callRefused(599)).toMatchObject({ status: 599, reason: 'failed' });
    expect(callRefused(599).message).toBe('The call failed: 599. The server has failed.');
  });

  it.each([
    ['Request Timeout', 408],
    ['No Answer', 480],
    ['Bad Media Description', 488],
  ])('assigns the status to the library’s "%s": %i', (cause, status) => {
    expect(callFailure(cause)).toMatchObject({ code: 'refused', status });
  });

  it.each(['Connection Error', 'RTP Timeout', 'Internal Error', 'constructor', ''])(
    'has no status for "%s", which is not a refusal',
    (cause) => {
      expect(callFailure(cause)).toMatchObject({ code: 'transport' });
      expect(callFailure(cause)).not.toBeInstanceOf(SipError);
    },
  );
});
