import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { RemoteAudio } from '../src/web/webrtc/call-audio.ts';

/** Elements that play. */
let playing: number;
beforeEach(() => {
  playing = 0;
  vi.stubGlobal('MediaStream', class {});
  vi.stubGlobal(
    'Audio',
    class {
      muted = false;
      srcObject: unknown = null;
      async play(): Promise<void> {
        playing++;
      }
      pause(): void {
        playing--;
      }
    },
  );
});
afterEach(() => vi.unstubAllGlobals());

const track = { kind: 'audio' } as MediaStreamTrack;
const contextOf = (more: object): AudioContext =>
  ({ state: 'running', sampleRate: 48_000, ...more }) as unknown as AudioContext;

it.each([
  ['that is closing', 'closed', new DOMException('closing', 'InvalidStateError')],
  ['of another rate', 'unsupported', new DOMException('rates differ', 'NotSupportedError')],
])('a context %s gets no remote audio, and no element keeps playing', (_, code, cause) => {
  const audio = new RemoteAudio();
  const context = contextOf({
    createMediaStreamSource: () => {
      throw cause;
    },
  });
  expect(() => audio.open(context, track, 'the other side')).toThrow(
    expect.objectContaining({ name: 'MicwireError', code, cause }),
  );
  expect(playing).toBe(0);
});

it('a closed context gets no remote audio', () => {
  const audio = new RemoteAudio();
  const context = contextOf({ state: 'closed', createMediaStreamSource: () => ({}) });
  expect(() => audio.open(context, track, 'the other side')).toThrow(
    expect.objectContaining({ code: 'closed' }),
  );
  expect(playing).toBe(0);
});

it('close ends every element and disconnects every node', () => {
  const audio = new RemoteAudio();
  const disconnect = vi.fn();
  const context = contextOf({ createMediaStreamSource: () => ({ disconnect }) });
  audio.open(context, track, 'the other side');
  audio.open(context, track, 'the other side');
  expect(playing).toBe(2);
  audio.close();
  expect(playing).toBe(0);
  expect(disconnect).toHaveBeenCalledTimes(2);
});
