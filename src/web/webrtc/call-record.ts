import { CallTimeline } from '../../core/webrtc/call-timeline.ts';
import type { CallStep, CallStepName } from '../../core/webrtc/call-timeline.ts';
import type { ImporterUpdate } from './dump.ts';
import { callFigures } from '../../core/webrtc/call-figures.ts';
import type { CallFigures, StatsEntry } from '../../core/webrtc/call-figures.ts';
import { MicwireError } from '../../core/errors.ts';

const MAX_UPDATES = 2000;

/** Records what happens in a call, for people (the timeline) and for tools (the updates, in the format of webrtc-internals). */
export class CallRecord {
  readonly timeline: CallTimeline = new CallTimeline();
  readonly updates: ImporterUpdate[] = [];
  readonly #madeAt: number = performance.now();
  readonly #onStep: (step: CallStep) => void;

  /** @param onStep called after each change of a step */
  constructor(onStep: (step: CallStep) => void) {
    this.#onStep = onStep;
  }

  /** Time since the call was created, in ms. */
  get nowMs(): number {
    return performance.now() - this.#madeAt;
  }

  begin(name: CallStepName): void {
    this.#change(name, () => this.timeline.begin(name, this.nowMs));
  }

  end(name: CallStepName, state: 'done' | 'failed' = 'done'): void {
    this.#change(name, () => this.timeline.end(name, this.nowMs, state));
  }

  met(name: CallStepName): void {
    this.#change(name, () => this.timeline.met(name, this.nowMs));
  }

  skip(name: CallStepName): void {
    this.#change(name, () => this.timeline.skip(name));
  }

  note(name: CallStepName, text: string): void {
    this.#change(name, () => this.timeline.note(name, this.nowMs, text));
  }

  update(type: string, value = ''): void {
    if (this.updates.length < MAX_UPDATES) this.updates.push({ timeMs: Date.now(), type, value });
  }

  #change(name: CallStepName, act: () => void): void {
    const before = this.timeline.step(name);
    act();
    const after = this.timeline.step(name);
    if (after !== before) this.#onStep(after);
  }
}

/** The reports of `getStats()` over the course of a call: raw for tools, and as figures for charts. */
export class StatsHistory {
  /** The latest reports, oldest first. */
  readonly reports: (readonly StatsEntry[])[] = [];
  /** The figures of the same reports. */
  readonly figures: CallFigures[] = [];
  readonly #length: number;

  constructor(length: number) {
    this.#length = length;
  }

  add(report: readonly StatsEntry[]): void {
    if (this.reports.length === this.#length) {
      this.reports.shift();
      this.figures.shift();
    }
    this.reports.push(report);
    this.figures.push(callFigures(report, this.figures.at(-1) ?? null));
  }
}

/** Takes one report as plain data. */
export async function takeStats(connection: RTCPeerConnection): Promise<readonly StatsEntry[]> {
  const report = await connection.getStats();
  const entries: StatsEntry[] = [];
  for (const entry of report.values()) entries.push(entry as StatsEntry);
  return entries;
}

/** Events of a connection that matter to its call. */
export interface ConnectionListener {
  track(track: MediaStreamTrack, receiver: RTCRtpReceiver): void;
  /** Called when a path to the other side works. */
  iceWorks(): void;
  /** Called when the path to the other side is lost; it may come back. */
  iceLost?(): void;
  /** Called when the keys are agreed on. */
  connected(): void;
  /** Called when no path was found, no keys were agreed on, or the path is permanently lost. */
  failed(): void;
}

/** Records the events of a connection, and passes on those that matter. */
export function observeConnection(
  connection: RTCPeerConnection,
  record: CallRecord,
  listener: ConnectionListener,
): void {
  connection.ontrack = ({ track, receiver }) => {
    record.note('signal', 'the other side sends audio');
    record.update('track', `kind: ${track.kind}, id: ${track.id}, label: ${track.label}`);
    listener.track(track, receiver);
  };
  connection.onsignalingstatechange = () =>
    record.update('signalingstatechange', connection.signalingState);
  connection.onicegatheringstatechange = () => {
    record.note('ice', `gathering: ${connection.iceGatheringState}`);
    record.update('icegatheringstatechange', connection.iceGatheringState);
  };
  connection.onicecandidateerror = ({ url, errorCode, errorText }) => {
    record.note('ice', `${url} failed: ${errorText} (${errorCode})`);
    const words = `url: ${url}, error_code: ${errorCode}, error_text: ${errorText}`;
    record.update('icecandidateerror', words);
  };
  connection.oniceconnectionstatechange = () => {
    const state = connection.iceConnectionState;
    record.note('ice', `connection: ${state}`);
    record.update('iceconnectionstatechange', state);
    if (state === 'connected' || state === 'completed') listener.iceWorks();
    else if (state === 'disconnected' || state === 'failed') listener.iceLost?.();
  };
  connection.onconnectionstatechange = () => {
    const state = connection.connectionState;
    record.note('media', `connection: ${state}`);
    record.update('connectionstatechange', state);
    if (state === 'connected') listener.connected();
    else if (state === 'failed') listener.failed();
  };
}

/** Creates the error of an engine without WebRTC. */
export function noWebrtc(): MicwireError {
  return new MicwireError(
    'unsupported',
    'This browser has no WebRTC (RTCPeerConnection); WebKitGTK is commonly built without it. Carry packets over a ' +
      'WebSocketTransport, or use another browser.',
  );
}

/** Creates the error of a connection that has given up. @param iceWorked whether a path to the other side had been found */
export function connectionFailed(iceWorked: boolean): MicwireError {
  const message = iceWorked
    ? 'The path to the other side was lost, or no keys could be agreed on (DTLS failed). Connect again.'
    : 'No path to the other side was found (ICE failed). Between networks, name a TURN server in iceServers.';
  return new MicwireError('transport', message);
}

/** Creates the error of a connected call that has found no other path within this time. */
export function pathLost(recoverTimeoutMs: number): MicwireError {
  const message = `The path to the other side was lost, and none was found within ${recoverTimeoutMs} ms.`;
  return new MicwireError(
    'transport',
    `${message} Call again; a longer recoverTimeoutMs waits longer.`,
  );
}

/** @param isPeerThere whether the signalling has brought the two together */
export function tooLate(
  timeoutMs: number,
  steps: readonly CallStep[],
  isPeerThere: boolean,
): MicwireError {
  const active = steps.filter((step) => step.state === 'active').map((step) => step.name);
  const missing = isPeerThere ? '' : ' The other side has not come.';
  const message = `The call was not connected within ${timeoutMs} ms; it was at: ${active.join(', ')}.${missing}`;
  return new MicwireError('transport', message);
}
