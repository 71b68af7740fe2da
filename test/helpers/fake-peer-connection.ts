import { vi } from 'vitest';

/** A peer connection in Node that does as it is told. Its descriptions are words; its events are called by the test. */
export class FakePeerConnection {
  static made: FakePeerConnection[] = [];
  readonly configuration: RTCConfiguration;
  readonly calls: string[] = [];
  connectionState: RTCPeerConnectionState = 'new';
  iceConnectionState: RTCIceConnectionState = 'new';
  iceGatheringState: RTCIceGatheringState = 'new';
  signalingState: RTCSignalingState = 'stable';
  ontrack: ((event: unknown) => void) | null = null;
  onicecandidate: ((event: { readonly candidate: unknown }) => void) | null = null;
  onicecandidateerror: ((event: unknown) => void) | null = null;
  onicegatheringstatechange: (() => void) | null = null;
  oniceconnectionstatechange: (() => void) | null = null;
  onsignalingstatechange: (() => void) | null = null;
  onconnectionstatechange: (() => void) | null = null;
  /** Of ICE. */
  restarts = 0;
  /** That of the keys. */
  dtlsState: RTCDtlsTransportState = 'connected';
  /** What the next call of that method fails with. */
  readonly failures = new Map<string, Error>();

  constructor(configuration: RTCConfiguration) {
    this.configuration = configuration;
    FakePeerConnection.made.push(this);
  }

  async createOffer({
    iceRestart = false,
  }: RTCOfferOptions = {}): Promise<RTCSessionDescriptionInit> {
    if (!iceRestart) return { type: 'offer', sdp: 'v=0 offer' };
    return { type: 'offer', sdp: `v=0 restart ${++this.restarts}` };
  }

  async createAnswer(): Promise<RTCSessionDescriptionInit> {
    return { type: 'answer', sdp: 'v=0 answer' };
  }

  async setLocalDescription({ type, sdp }: RTCSessionDescriptionInit): Promise<void> {
    this.calls.push(sdp?.includes('restart') ? `local ${sdp}` : `local ${type}`);
    // Some engines report candidates before this has resolved.
    this.find(`candidate:early-${type}`);
  }

  async setRemoteDescription({ type, sdp }: RTCSessionDescriptionInit): Promise<void> {
    this.#failIfTold('setRemoteDescription');
    this.calls.push(`remote ${type}: ${sdp}`);
  }

  async addIceCandidate({ candidate }: RTCIceCandidateInit): Promise<void> {
    this.#failIfTold('addIceCandidate');
    this.calls.push(`add ${candidate}`);
  }

  createDataChannel(label: string, options: RTCDataChannelInit): unknown {
    this.calls.push(`channel ${label} ${JSON.stringify(options)}`);
    const channel = new EventTarget() as EventTarget & { readyState: string; binaryType: string };
    channel.readyState = 'connecting';
    channel.binaryType = 'blob';
    return channel;
  }

  getTransceivers(): readonly never[] {
    return [];
  }

  getSenders(): readonly { readonly transport: { readonly state: RTCDtlsTransportState } }[] {
    return [{ transport: { state: this.dtlsState } }];
  }

  getReceivers(): readonly never[] {
    return [];
  }

  async getStats(): Promise<ReadonlyMap<string, unknown>> {
    return new Map([['T', { id: 'T', type: 'transport', timestamp: 1 }]]);
  }

  close(): void {
    this.calls.push('close');
  }

  find(candidate: string): void {
    this.onicecandidate?.({ candidate: { candidate, sdpMid: '0', sdpMLineIndex: 0 } });
  }

  iceBecome(state: RTCIceConnectionState): void {
    this.iceConnectionState = state;
    this.oniceconnectionstatechange?.();
  }

  become(state: RTCPeerConnectionState): void {
    this.connectionState = state;
    this.onconnectionstatechange?.();
  }

  #failIfTold(method: string): void {
    const failure = this.failures.get(method);
    this.failures.delete(method);
    if (failure !== undefined) throw failure;
  }
}

/** Puts it in place of the browser's for a test. */
export function stubPeerConnection(): void {
  FakePeerConnection.made = [];
  vi.stubGlobal('RTCPeerConnection', FakePeerConnection);
}
