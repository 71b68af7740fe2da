import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { WebTransportLab } from '../demo/server/webtransport/web-transport-lab.ts';
import type { WebTransportAnswer } from '../demo/server/webtransport/web-transport-lab.ts';

/* The server with pages is in test/lab-webtransport.test.ts. */

const DAY_MS = 86_400_000;

function makeLab() {
  const ports: number[] = [];
  const lab = new WebTransportLab({ onListening: (_address, port) => ports.push(port) });
  onTestFinished(() => lab.close());
  return { lab, ports };
}

/** What a page is told that asks from an address. */
const ask = (
  lab: WebTransportLab,
  remoteAddress: string,
  localAddress: string,
): Promise<WebTransportAnswer> =>
  new Promise((resolve) => {
    const request = {
      method: 'GET',
      headers: { host: '192.168.1.5:5173' },
      socket: { remoteAddress, localAddress },
    };
    const response = {
      getHeaderNames: () => [],
      writeHead: () => response,
      end: (text: string) => resolve(JSON.parse(text) as WebTransportAnswer),
    };
    lab.answer(request as unknown as IncomingMessage, response as unknown as ServerResponse);
  });

afterEach(() => void vi.useRealTimers());

describe('the lab’s server of WebTransport', () => {
  it('starts once for several callers, and again with another certificate at half its life', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const { lab, ports } = makeLab();
    const [first, same] = await Promise.all([lab.start(), lab.start()]);
    expect(same).toBe(first);
    vi.setSystemTime(Date.now() + 6 * DAY_MS);
    expect(await lab.start()).toBe(first);
    const closed = vi.spyOn(first.server, 'close');
    vi.setSystemTime(Date.now() + 1);
    const [next, ...others] = await Promise.all([lab.start(), lab.start(), lab.start()]);
    expect(others).toEqual([next, next]);
    expect(next.certificateHash).not.toBe(first.certificateHash);
    expect(ports).toHaveLength(2);
    expect(closed).toHaveBeenCalledOnce();
  });

  it('does not start after it has ended, even for callers that are already waiting', async () => {
    const { lab, ports } = makeLab();
    await lab.start();
    const waiting = lab.start();
    lab.close();
    await expect(waiting).rejects.toThrow('The server has ended.');
    await expect(lab.start()).rejects.toThrow('The server has ended.');
    expect(ports).toHaveLength(1);
  });

  it('gives its address to pages on this machine, and tells others that they cannot reach it', async () => {
    const { lab, ports } = makeLab();
    for (const [remote, local] of [
      ['192.168.1.9', '192.168.1.5'],
      ['::ffff:192.168.1.9', '::ffff:192.168.1.5'],
      ['2001:db8::9', '2001:db8::5'],
    ] as const) {
      expect(await ask(lab, remote, local)).toEqual({
        missing: 'The lab’s WebTransport listens on the lab’s machine only.',
      });
    }
    expect(ports).toEqual([]);
    for (const own of ['127.0.0.1', '::1', '::ffff:127.0.0.1', '192.168.1.5']) {
      expect(await ask(lab, own, own)).toMatchObject({ address: '127.0.0.1', port: ports[0] });
    }
    expect(ports).toHaveLength(1);
  });
});
