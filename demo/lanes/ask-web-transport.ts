import type { WebTransportAnswer } from '../server/webtransport/web-transport-lab.ts';

/** Where the lab's server of WebTransport is. */
interface WebTransportServer {
  readonly address: string;
  readonly port: number;
  /** SHA-256 of its certificate. */
  readonly certificateHash: Uint8Array<ArrayBuffer>;
}

/** Asks the lab's server, which starts it. @throws Error that says what the server lacks */
export async function askWebTransport(): Promise<WebTransportServer> {
  const response = await fetch('/webtransport').catch(() => null);
  if (!response?.ok)
    throw new Error('The lab’s server has no WebTransport. Start it with npm start.');
  const answer = (await response.json()) as WebTransportAnswer;
  if ('missing' in answer) throw new Error(answer.missing);
  const { address, port, certificateHash } = answer;
  const bytes = certificateHash.match(/../g)!.map((pair) => Number.parseInt(pair, 16));
  return { address, port, certificateHash: Uint8Array.from(bytes) };
}
