import { NAT_KINDS } from 'micwire/nat';
import type { NatKind } from 'micwire/nat';
import type { LinkClient } from '../link/link-client.ts';

/** The STUN and TURN server that the lab runs. @throws Error when it does not start */
export async function labIceServers(): Promise<readonly RTCIceServer[]> {
  const response = await fetch('/ice-servers');
  if (!response.ok) throw new Error(`The lab’s TURN server did not start (${response.status}).`);
  return (await response.json()) as readonly RTCIceServer[];
}

/** Puts a simulated router in front of one end of a call. @returns the servers outside of it */
export async function routerIceServers(
  link: LinkClient,
  lane: string,
  kind: NatKind,
): Promise<readonly RTCIceServer[]> {
  const settings = { ...NAT_KINDS[kind], mappingTimeoutMs: 120_000, hairpinning: false };
  const { iceServers } = await link.openRouter(lane, settings);
  return iceServers.map((each) => ({ ...each, urls: [...each.urls] }));
}

/** Addresses of a server's entry. */
export function urlsOf({ urls }: RTCIceServer): readonly string[] {
  return typeof urls === 'string' ? [urls] : urls;
}
