import { WebTransportTransport } from 'micwire';
import type { CertificateHash, TransportOptions, WebTransportTransportOptions } from 'micwire';
import { describe, expect, it, onTestFinished } from 'vitest';
import { describeTransport } from '../helpers/transport-contract.ts';

/* Over the lab's own server, which echoes: see demo/server/webtransport. */

const HAS_WEBTRANSPORT = 'WebTransport' in globalThis;

interface Answer {
  readonly address: string;
  readonly port: number;
  readonly certificateHash: string;
}

async function open(
  path: string,
  options: WebTransportTransportOptions = {},
): Promise<WebTransportTransport> {
  const response = await fetch('/webtransport');
  const { address, port, certificateHash } = (await response.json()) as Answer;
  const bytes = certificateHash.match(/../g)!.map((pair) => Number.parseInt(pair, 16));
  const hash: CertificateHash = { algorithm: 'sha-256', value: Uint8Array.from(bytes) };
  return WebTransportTransport.create(`https://${address}:${port}${path}`, {
    serverCertificateHashes: [hash],
    ...options,
  });
}

if (HAS_WEBTRANSPORT) {
  // Text and packets go by ways of their own, and overtake each other.
  describeTransport('webtransport', (options?: TransportOptions) => open('/echo', options), false);
}

describe.runIf(HAS_WEBTRANSPORT)('WebTransportTransport', () => {
  it('carries packets as datagrams, and loses none on a clean network', async () => {
    const transport = await open('/echo');
    onTestFinished(() => transport.close());
    await transport.opened;
    const back = new Set<number>();
    transport.addEventListener('message', ({ data }) => back.add((data as Uint8Array)[0]!));
    for (let i = 0; i < 50; i++) expect(transport.send(new Uint8Array(100).fill(i))).toBe(true);
    await expect.poll(() => back.size).toBe(50);
  });

  it('gives the likely cause when the server refuses the session, and tries again', async () => {
    const transport = await open('/nowhere', { firstDelayMs: 600_000 });
    onTestFinished(() => transport.close());
    await expect.poll(() => transport.state).toBe('waiting');
    expect(transport.status.reason).toContain('refused the session');
  });

  it('gives the likely cause when the certificate is another one', async () => {
    const value = new Uint8Array(32);
    const transport = await open('/echo', {
      firstDelayMs: 600_000,
      serverCertificateHashes: [{ algorithm: 'sha-256', value }],
    });
    onTestFinished(() => transport.close());
    await expect.poll(() => transport.state).toBe('waiting');
    expect(transport.status.reason).toContain('its certificate is not trusted');
  });
});

describe.runIf(!HAS_WEBTRANSPORT)('where there is no WebTransport', () => {
  it('the transport reports it, with the cure', () => {
    expect(() => WebTransportTransport.create('https://localhost/')).toThrow(
      /no WebTransport in this scope.*Use WebSocketTransport there/,
    );
  });
});
