import type { Socket } from 'node:dgram';
import { addressKey } from '../../../src/core/webrtc/stun/transport-address.ts';
import type { TransportAddress } from '../../../src/core/webrtc/stun/transport-address.ts';
import type { ClientLink } from './client-link.ts';

/** Seconds (RFC 8656 §9 and §12). */
const PERMISSION_S = 300;
const CHANNEL_S = 600;
/** More than a call needs. */
const MAX_PERMISSIONS = 32;
const MAX_CHANNELS = 32;

/** A client's allocation at the server (RFC 8656 §2.2): a port of its own, and the peers that it may talk to from there. */
export class TurnAllocation {
  readonly client: ClientLink;
  readonly relay: Socket;
  readonly relayed: TransportAddress;
  /** ms; the server closes it then. */
  expiresAt = 0;
  /** Address → ms when the permission ends. */
  readonly #permissions = new Map<string, number>();
  readonly #byNumber = new Map<number, { readonly peer: TransportAddress; expiresAt: number }>();
  readonly #byPeer = new Map<string, number>();

  constructor(client: ClientLink, relay: Socket, relayed: TransportAddress) {
    this.client = client;
    this.relay = relay;
    this.relayed = relayed;
  }

  /** Frees the channels and the permissions that have expired (RFC 8656 §9 and §12). */
  dropExpired(now: number): void {
    for (const [address, expiresAt] of this.#permissions) {
      if (expiresAt <= now) this.#permissions.delete(address);
    }
    for (const [number, { peer, expiresAt }] of this.#byNumber) {
      if (expiresAt > now) continue;
      this.#byNumber.delete(number);
      this.#byPeer.delete(addressKey(peer));
    }
  }

  /** @returns false when there is no room for it */
  permit(address: string, now: number): boolean {
    this.dropExpired(now);
    if (!this.#permissions.has(address) && this.#permissions.size >= MAX_PERMISSIONS) return false;
    this.#permissions.set(address, now + PERMISSION_S * 1000);
    return true;
  }

  permits(address: string, now: number): boolean {
    return (this.#permissions.get(address) ?? 0) > now;
  }

  /** @returns false when number or peer is bound otherwise already, or there is no room (RFC 8656 §12.2) */
  bind(number: number, peer: TransportAddress, now: number): boolean {
    this.dropExpired(now);
    const bound = this.#byPeer.get(addressKey(peer));
    const channel = this.#byNumber.get(number);
    if (bound !== undefined && bound !== number) return false;
    if (channel !== undefined && addressKey(channel.peer) !== addressKey(peer)) return false;
    if (channel === undefined && this.#byNumber.size >= MAX_CHANNELS) return false;
    if (!this.permit(peer.address, now)) return false;
    this.#byNumber.set(number, { peer, expiresAt: now + CHANNEL_S * 1000 });
    this.#byPeer.set(addressKey(peer), number);
    return true;
  }

  peerOf(number: number, now: number): TransportAddress | null {
    const channel = this.#byNumber.get(number);
    return channel !== undefined && channel.expiresAt > now ? channel.peer : null;
  }

  channelOf(peer: TransportAddress, now: number): number | null {
    const number = this.#byPeer.get(addressKey(peer));
    return number !== undefined && this.peerOf(number, now) !== null ? number : null;
  }
}
