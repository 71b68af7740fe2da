import { CallTimeline } from '../../core/webrtc/call-timeline.ts';
import type { CallStep, CallStepName } from '../../core/webrtc/call-timeline.ts';
import type { ImporterUpdate } from './importer-dump.ts';

const MAX_UPDATES = 2000;

/** What happened in a call, for people (the timeline) and for tools (the updates, in the words of webrtc-internals). */
export class CallRecord {
  readonly timeline: CallTimeline = new CallTimeline();
  readonly updates: ImporterUpdate[] = [];
  private readonly madeAt: number = performance.now();
  private readonly onStep: (step: CallStep) => void;

  /** @param onStep called after each change of a step */
  constructor(onStep: (step: CallStep) => void) {
    this.onStep = onStep;
  }

  /** ms since the call was made. */
  get nowMs(): number {
    return performance.now() - this.madeAt;
  }

  begin(name: CallStepName): void {
    this.change(name, () => this.timeline.begin(name, this.nowMs));
  }

  end(name: CallStepName, state: 'done' | 'failed' = 'done'): void {
    this.change(name, () => this.timeline.end(name, this.nowMs, state));
  }

  skip(name: CallStepName): void {
    this.change(name, () => this.timeline.skip(name));
  }

  note(name: CallStepName, text: string): void {
    this.change(name, () => this.timeline.note(name, this.nowMs, text));
  }

  update(type: string, value = ''): void {
    if (this.updates.length < MAX_UPDATES) this.updates.push({ timeMs: Date.now(), type, value });
  }

  private change(name: CallStepName, act: () => void): void {
    const before = this.timeline.step(name);
    act();
    const after = this.timeline.step(name);
    if (after !== before) this.onStep(after);
  }
}
