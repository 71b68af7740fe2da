import { describe, expect, it } from 'vitest';
import type { PathSearch } from '../demo/page/loopback-cause.ts';
import { isLoopbackInTheWay } from '../demo/page/loopback-cause.ts';

/*
 * When a call in Firefox waits in vain for a lab that listens on the loopback: from descriptions and states, without a browser.
 */

const sdpOf = (candidates: readonly string[], end = 'a=end-of-candidates\r\n'): string =>
  ['v=0', 'm=audio 9 UDP/TLS/RTP/SAVPF 111', ...candidates.map((one) => `a=candidate:${one}`)]
    .map((line) => `${line}\r\n`)
    .join('') + end;

const LAN = '0 1 UDP 2122252543 192.168.1.5 51000 typ host';
const NAME = '0 1 UDP 2122252543 3f0f7f5c-4b9b-4d7a-9f0e-0c1f6f1f3b11.local 51000 typ host';
const LOOPBACK = '1 1 udp 2130706431 127.0.0.1 40123 typ host';
const LOOPBACK_6 = '2 1 udp 2130706431 ::1 40123 typ host';
const RELAYED = '3 1 udp 92217087 127.0.0.1 40124 typ relay raddr 0.0.0.0 rport 0';

/** A lane of Firefox's over the lab's simulated network. */
const lane: PathSearch = {
  isGecko: true,
  gathering: 'complete',
  ice: 'checking',
  local: sdpOf([NAME]),
  remote: sdpOf([LOOPBACK]),
  onlyServers: [],
};

const isTold = (changes: Partial<PathSearch>): boolean =>
  isLoopbackInTheWay({ ...lane, ...changes });

describe('a call in Firefox to a lab on the loopback', () => {
  it('is reported as soon as its own candidates are known, whether ICE checks or has given up', () => {
    expect(isTold({})).toBe(true);
    expect(isTold({ ice: 'new' })).toBe(true);
    expect(isTold({ ice: 'failed' })).toBe(true);
    expect(isTold({ local: sdpOf([]) })).toBe(true);
    expect(isTold({ local: sdpOf([LAN]), remote: sdpOf([LOOPBACK, LOOPBACK_6]) })).toBe(true);
    expect(isTold({ gathering: 'gathering' })).toBe(false);
  });

  it('is not reported if there is, or may be, another path', () => {
    expect(isTold({ isGecko: false })).toBe(false);
    expect(isTold({ ice: 'connected' })).toBe(false);
    expect(isTold({ ice: 'completed' })).toBe(false);
    // It may be told to use the loopback: media.peerconnection.ice.loopback.
    expect(isTold({ local: sdpOf([LAN, LOOPBACK]) })).toBe(false);
    // As with --udp-host.
    expect(isTold({ remote: sdpOf([LAN]) })).toBe(false);
    expect(isTold({ remote: sdpOf([LOOPBACK, NAME]) })).toBe(false);
    // The other side is not there, or its candidates come one by one.
    expect(isTold({ remote: '' })).toBe(false);
    expect(isTold({ remote: sdpOf([], '') })).toBe(false);
    expect(isTold({ remote: sdpOf([LOOPBACK], '') })).toBe(false);
  });

  it('is reported if only servers on the loopback may help, and none has answered', () => {
    const onlyServers = ['stun:127.0.0.1:40000', 'turn:localhost:40000?transport=tcp'];
    const remote = '';
    expect(isTold({ remote, onlyServers })).toBe(true);
    expect(isTold({ remote, onlyServers: ['turn:[::1]:40000'] })).toBe(true);
    expect(isTold({ remote, onlyServers: [...onlyServers, 'turn:turn.example.org'] })).toBe(false);
    expect(isTold({ remote, onlyServers, local: sdpOf([RELAYED]) })).toBe(false);
    expect(isTold({ remote, onlyServers, gathering: 'gathering' })).toBe(false);
  });
});
