import { afterEach, describe, expect, it, vi } from 'vitest';
import { MicwireError } from '../src/core/errors.ts';
import {
  SipError,
  callFailure,
  callRefused,
  registrationRefused,
} from '../src/web/sip/sip-error.ts';

afterEach(() => {
  vi.doUnmock('jssip');
  vi.unstubAllGlobals();
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

  it('tells a wrong password from a call that is declined', () => {
    expect(registrationRefused(403).reason).toBe('unauthorized');
    expect(callRefused(403).reason).toBe('declined');
  });

  it('takes statuses that are not known', () => {
    expect(callRefused(599)).toMatchObject({ status: 599, reason: 'failed' });
    expect(callRefused(599).message).toBe('The call failed: 599. The server has failed.');
  });

  it.each([
    ['Request Timeout', 408],
    ['No Answer', 480],
    ['Bad Media Description', 488],
  ])('gives the library’s "%s" the status %i', (cause, status) => {
    expect(callFailure(cause)).toMatchObject({ code: 'refused', status });
  });

  it.each(['Connection Error', 'RTP Timeout', 'Internal Error', 'constructor', ''])(
    'has no status for "%s"',
    (cause) => {
      expect(callFailure(cause)).toMatchObject({ code: 'transport' });
      expect(callFailure(cause)).not.toBeInstanceOf(SipError);
    },
  );
});
