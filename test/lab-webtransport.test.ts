import type { Server } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { LanePath } from '../demo/link/lane-path.ts';
import { Lateness } from '../demo/link/lateness.ts';
import { LinkModel } from '../demo/link/link-model.ts';
import { RealClock } from '../demo/link/real-clock.ts';
import { CLEAN } from '../demo/link/settings.ts';
import { UdpSplice } from '../demo/link/udp-splice.ts';
import { webTransportWireBytes } from '../demo/measure/wire-bytes.ts';
import { ErrorBoundary } from '../demo/server/error-boundary.ts';
import { selfSigned } from '../demo/server/self-signed.ts';
import type { SelfSigned } from '../demo/server/self-signed.ts';
import type {
  ServerSession,
  SessionRequest,
} from '../demo/server/webtransport/http3-connection.ts';
import { QuicServer } from '../demo/server/webtransport/quic-server.ts';
import { WebTransportLab } from '../demo/server/webtransport/web-transport-lab.ts';
import type { OpenBrowser } from './engines/open-browser.mjs';
import { openBrowser } from './engines/open-browser.mjs';

/*
 * The lab's server of WebTransport and Chromium's own client. The transport over the same server, in each engine, is in
 * test/browser/webtransport.test.ts.
 */

const CERTIFICATE = { names: ['127.0.0.1'], days: 12 };

const certificate: SelfSigned = selfSigned(CERTIFICATE);
const requests: SessionRequest[] = [];
const sessions: ServerSession[] = [];
let ended = 0;
let web: Server;
const lab = new WebTransportLab();
let quic: QuicServer;
let browser: OpenBrowser;
let page: Page;

beforeAll(async () => {
  web = createServer((request, response) => {
    if (request.url === '/webtransport') return lab.answer(request, response);
    response.setHeader('content-type', 'text/html').end('<!doctype html>');
  });
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
  const { port } = web.address() as AddressInfo;
  quic = await QuicServer.open({
    certificate,
    admit: (request, session) => {
      requests.push(request);
      if (request.path === '/closed-to-pages') return 403;
      sessions.push(session);
      return {
        onDatagram: (bytes) => void session.sendDatagram(bytes),
        onStream: (bytes) => session.send(bytes),
        onEnd: () => ended++,
      };
    },
  });
  browser = await openBrowser('chromium');
  page = browser.page!;
  await page.goto(`http://127.0.0.1:${port}/`);
}, 60_000);

afterAll(async () => {
  await browser?.close();
  quic?.close();
  lab.close();
  web?.close();
});

interface Opened {
  readonly session: WebTransport;
  readonly reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly writer: WritableStreamDefaultWriter<Uint8Array>;
}

/** Opens a session under a name, in the page. @returns '' or why there is none */
const open = (
  name: string,
  path: string,
  hash: Uint8Array = certificate.hash,
  port: number = quic.port,
): Promise<string> =>
  page.evaluate(
    async ([key, url, value]) => {
      const session = new WebTransport(url, {
        serverCertificateHashes: [{ algorithm: 'sha-256', value: new Uint8Array(value) }],
      });
      session.closed.catch(() => {});
      try {
        await session.ready;
      } catch (error) {
        return String(error);
      }
      const { datagrams } = session;
      const reader = datagrams.readable.getReader();
      const writer = datagrams.writable.getWriter();
      (globalThis as unknown as Record<string, Opened>)[key] = { session, reader, writer };
      return '';
    },
    [name, `https://127.0.0.1:${port}${path}`, [...hash]] as const,
  );

/** Sends a datagram on each session, each with its own byte, and waits for what comes back. */
const echoes = (...names: string[]): Promise<number[][]> =>
  page.evaluate(async (keys) => {
    const opened = keys.map((key) => (globalThis as unknown as Record<string, Opened>)[key]!);
    await Promise.all(opened.map(({ writer }, i) => writer.write(Uint8Array.of(i, 1, 2, 3))));
    const came = await Promise.all(opened.map(({ reader }) => reader.read()));
    return came.map(({ value }) => [...value!]);
  }, names);

describe('the server of WebTransport, and Chromium', { timeout: 30_000 }, () => {
  it('exchange datagrams over two sessions at once, each its own', async () => {
    expect(await Promise.all([open('a', '/echo?x=größer'), open('b', '/echo')])).toEqual(['', '']);
    expect(await echoes('a', 'b')).toEqual([
      [0, 1, 2, 3],
      [1, 1, 2, 3],
    ]);
    expect(quic.sessionCount).toBe(2);
    const { host } = new URL(page.url());
    expect(requests.map(({ path }) => path).sort()).toEqual(['/echo', '/echo?x=gr%C3%B6%C3%9Fer']);
    expect(requests[0]).toMatchObject({
      authority: `127.0.0.1:${quic.port}`,
      origin: `http://${host}`,
    });
  });

  it('exchange a stream of 200 kB', async () => {
    const came = await page.evaluate(async () => {
      const { session } = (globalThis as unknown as Record<string, Opened>)['a']!;
      const { readable, writable } = await session.createBidirectionalStream();
      const writer = writable.getWriter();
      void writer.write(new Uint8Array(200_000).fill(7));
      const reader = readable.getReader();
      let bytes = 0;
      while (bytes < 200_000) {
        const { value } = await reader.read();
        if (value!.some((byte: number) => byte !== 7)) return -1;
        bytes += value!.length;
      }
      return bytes;
    });
    expect(came).toBe(200_000);
  });

  it('carry the largest datagram that Chromium allows', async () => {
    const [largest, came] = await page.evaluate(async () => {
      const { session, writer, reader } = (globalThis as unknown as Record<string, Opened>)['a']!;
      const { maxDatagramSize } = session.datagrams;
      await writer.write(new Uint8Array(maxDatagramSize));
      return [maxDatagramSize, (await reader.read()).value!.length] as const;
    });
    expect(largest).toBeGreaterThan(1100);
    expect(came).toBe(largest);
  });

  it('agree on why a session ends, by either side', async () => {
    expect(await open('c', '/echo')).toBe('');
    const before = ended;
    const told = page.evaluate(async () => {
      const { session } = (globalThis as unknown as Record<string, Opened>)['c']!;
      const { closeCode, reason } = await session.closed;
      return [closeCode, reason];
    });
    sessions.at(-1)!.close({ code: 7, reason: 'größer' });
    expect(await told).toEqual([7, 'größer']);
    expect(ended).toBe(before + 1);
    await page.evaluate(() => {
      (globalThis as unknown as Record<string, Opened>)['b']!.session.close({ closeCode: 1 });
    });
    await expect.poll(() => ended).toBe(before + 2);
    // The other one has noticed nothing.
    expect(await echoes('a')).toEqual([[0, 1, 2, 3]]);
  });

  it('make no session if the server refuses it, or the certificate is another one', async () => {
    expect(await open('d', '/closed-to-pages')).toContain('WebTransportError');
    expect(requests.at(-1)!.path).toBe('/closed-to-pages');
    const asked = requests.length;
    expect(await open('e', '/echo', selfSigned(CERTIFICATE).hash)).toContain('WebTransportError');
    expect(requests.length).toBe(asked);
  });

  it('of the lab form pairs, once the page has asked for the server’s address', async () => {
    const { server, certificateHash } = await lab.start();
    const hash = Buffer.from(certificateHash, 'hex');
    const pair = (name: string) => open(name, '/pair/x', hash, server.port);
    // Its origin is nobody's that has asked.
    expect(await pair('f')).toContain('WebTransportError');
    const answer = await page.evaluate(async () => (await fetch('/webtransport')).json());
    expect(answer).toEqual({ address: '127.0.0.1', port: server.port, certificateHash });
    expect([await pair('f'), await pair('g')]).toEqual(['', '']);
    expect(await pair('h')).toContain('WebTransportError');
    const came = await page.evaluate(async () => {
      const { f, g } = globalThis as unknown as Record<'f' | 'g', Opened>;
      await f.writer.write(Uint8Array.of(1));
      await g.writer.write(Uint8Array.of(2));
      const [fromG, fromF] = await Promise.all([f.reader.read(), g.reader.read()]);
      return [[...fromG.value!], [...fromF.value!]];
    });
    expect(came).toEqual([[2], [1]]);
  });

  it('carry as many bytes on the wire as the lab computes', async () => {
    const clock = new RealClock();
    const path = () => new LanePath(new LinkModel(CLEAN, 1), clock.nowMs);
    const [forward, back] = [path(), path()];
    const splice = await UdpSplice.open({
      clock,
      forward,
      back,
      server: { address: quic.address, port: quic.port },
      boundary: new ErrorBoundary('test'),
      lateness: new Lateness(() => performance.now()),
    });
    onTestFinished(() => {
      splice.close();
      clock.close();
    });
    expect(await open('i', '/echo', certificate.hash, splice.ports[0])).toBe('');
    const before = forward.statistics;
    await page.evaluate(async () => {
      const { writer, reader } = (globalThis as unknown as Record<string, Opened>)['i']!;
      for (let i = 0; i < 100; i++) {
        await writer.write(new Uint8Array(100));
        await reader.read();
      }
    });
    const { sent, bytes } = forward.statistics;
    expect(sent - before.sent).toBeGreaterThanOrEqual(100);
    // With the acknowledgements of what came back.
    const ratio = (bytes - before.bytes) / 100 / webTransportWireBytes(100);
    expect(ratio).toBeGreaterThan(0.97);
    expect(ratio).toBeLessThan(1.1);
  });

  it('lose the session when the server closes in the middle of it', async () => {
    const told = page.evaluate(async () => {
      const { session } = (globalThis as unknown as Record<string, Opened>)['a']!;
      return session.closed.then(
        () => 'closed',
        (error: unknown) => (error as WebTransportError).source,
      );
    });
    quic.close();
    expect(await told).toBe('session');
  });
});
