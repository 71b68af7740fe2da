import { vi } from 'vitest';
import { FakePeerConnection } from './fake-peer-connection.ts';

const PASSWORD = 'P2uYro0UCOQ4zxjKXaWCBui1';

/** A session description with one section, as short as it may be. */
export function fakeSdp(ufrag: string, more: readonly string[] = []): string {
  return [
    'v=0',
    'a=group:BUNDLE 0',
    'm=audio 9 UDP/TLS/RTP/SAVPF 111',
    'a=mid:0',
    `a=ice-ufrag:${ufrag}`,
    `a=ice-pwd:${PASSWORD}`,
    'a=rtpmap:111 opus/48000/2',
    ...more,
    '',
  ].join('\r\n');
}

/** A candidate of that port. */
export const fakeCandidate = (port: number): string =>
  `candidate:1 1 udp 2122260223 192.0.2.1 ${port} typ host`;

/** A peer connection in Node for WHIP: it gathers when the test says so, and names its ICE sessions `own0`, `own1`, … */
export class FakeWhipPeer extends FakePeerConnection {
  static last: FakeWhipPeer;
  localDescription: RTCSessionDescriptionInit | null = null;
  remoteDescription: RTCSessionDescriptionInit | null = null;
  #configuration: RTCConfiguration;
  #restarts = 0;
  readonly transceivers: {
    readonly direction: string;
    readonly receiver: { readonly track: { readonly kind: string } };
    stop(): void;
  }[] = [];
  /** What an offer of the server has. */
  offered: readonly string[] = ['audio'];
  #isClosed = false;

  constructor(configuration: RTCConfiguration) {
    super(configuration);
    this.#configuration = configuration;
    FakeWhipPeer.last = this;
  }

  get currentRemoteDescription(): RTCSessionDescriptionInit | null {
    return this.remoteDescription;
  }

  getConfiguration(): RTCConfiguration {
    return this.#configuration;
  }

  setConfiguration(configuration: RTCConfiguration): void {
    const failure = this.failures.get('setConfiguration');
    this.failures.delete('setConfiguration');
    if (failure !== undefined) throw failure;
    this.#configuration = configuration;
    this.calls.push(`servers ${JSON.stringify(configuration.iceServers)}`);
  }

  addTransceiver(what: unknown, { direction }: { readonly direction: string }): void {
    this.calls.push(`transceiver ${direction}`);
    this.transceivers.push({
      direction,
      receiver: { track: { kind: 'audio' } },
      stop: () => this.calls.push('stop'),
    });
  }

  override getTransceivers(): readonly never[] {
    return this.transceivers as unknown as readonly never[];
  }

  override async createOffer(options?: RTCOfferOptions): Promise<RTCSessionDescriptionInit> {
    if (options?.iceRestart === true) this.#restarts++;
    return this.#settled({ type: 'offer', sdp: fakeSdp(`own${this.#restarts}`) });
  }

  override async createAnswer(): Promise<RTCSessionDescriptionInit> {
    return this.#settled({ type: 'answer', sdp: fakeSdp('own0') });
  }

  override async setLocalDescription(description: RTCSessionDescriptionInit): Promise<void> {
    this.calls.push(`local ${description.type}`);
    this.localDescription = description;
    this.iceGatheringState = 'gathering';
    return this.#settled(undefined);
  }

  override async setRemoteDescription(description: RTCSessionDescriptionInit): Promise<void> {
    await super.setRemoteDescription({ ...description, sdp: ufragOf(description.sdp ?? '') });
    this.remoteDescription = description;
    if (description.type === 'offer') {
      for (const kind of this.offered) {
        this.transceivers.push({
          direction: 'recvonly',
          receiver: { track: { kind } },
          stop: () => this.calls.push(`stop ${kind}`),
        });
      }
    }
    return this.#settled(undefined);
  }

  override close(): void {
    super.close();
    this.#isClosed = true;
  }

  /** A promise of a connection that is closed meanwhile never settles (W3C webrtc §4.4.1.2). */
  async #settled<T>(value: T): Promise<T> {
    await Promise.resolve();
    return this.#isClosed ? new Promise(() => {}) : value;
  }

  /** Finds its last candidate. */
  gather(port: number): void {
    this.find(fakeCandidate(port));
    const { type, sdp = '' } = this.localDescription!;
    this.localDescription = { type, sdp: `${sdp}a=${fakeCandidate(port)}\r\n` };
    this.iceGatheringState = 'complete';
    // Chromium says it twice.
    this.find('');
    this.onicecandidate?.({ candidate: null });
    this.onicegatheringstatechange?.();
  }
}

/** The name of the ICE session of a description. */
export function ufragOf(sdp: string): string {
  return /^a=ice-ufrag:(\S+)/m.exec(sdp)?.[1] ?? '';
}

/** Puts it in place of the browser's for a test. */
export function stubWhipPeer(): void {
  vi.stubGlobal('RTCPeerConnection', FakeWhipPeer);
}
