import { createWorkletScope } from '../../src/testing/index.ts';
import type { ScopeNode, WorkletScope } from '../../src/testing/index.ts';
import { Playout } from '../../src/web/playout.ts';
import { loadResamplerDesign } from '../../src/web/resampler-design.ts';
import type { PlayoutOptions } from '../../src/web/playout-options.ts';
import { FakeContext, openNodePage } from './node-page.ts';

/** A page's `Playout` in Node: real processor and messages, a stand-in scope and graph. */
export class PlayoutPage {
  readonly scope: WorkletScope;
  readonly playout: Playout;
  /** Stands for the context. */
  readonly context: FakeContext;
  /** What the page asked of the graph. */
  readonly calls: string[] = [];
  readonly node: ScopeNode;

  private constructor(scope: WorkletScope, options: PlayoutOptions) {
    this.scope = scope;
    const context = new FakeContext(scope.sampleRate);
    this.context = context;
    const { calls } = this;
    const { held, node } = openNodePage(
      scope,
      context,
      calls,
      (base) => new Playout(base, options),
    );
    this.playout = held;
    this.node = node;
  }

  static async open(
    options: PlayoutOptions,
    contextRate: number = options.sampleRate,
  ): Promise<PlayoutPage> {
    await loadResamplerDesign(0, 1);
    const scope = createWorkletScope({ sampleRate: contextRate });
    await scope.addModule(() => import('../../worklets/playout.ts'));
    try {
      return new PlayoutPage(scope, options);
    } catch (error) {
      scope.close();
      throw error;
    }
  }

  /** Renders that many frames, rounded up to quanta, and delivers what both sides have posted. */
  render(frames: number): Float32Array {
    const { quantum } = this.scope;
    const output = new Float32Array(Math.ceil(frames / quantum) * quantum);
    this.scope.deliver();
    for (let at = 0; at < output.length; at += quantum) {
      this.scope.render();
      output.set(this.node.outputs[0]![0]!, at);
      this.scope.deliver();
    }
    return output;
  }

  close(): void {
    this.scope.close();
  }
}

/** s16 bytes of the samples `from`, `from + 1`, …: rendered exactly as n / 32768. */
export function counting(frames: number, from = 1): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Int16Array.from({ length: frames }, (_, i) => from + i).buffer);
}

/** The samples that {@link counting} stands for. */
export function counted(frames: number, from = 1): Float32Array {
  return Float32Array.from({ length: frames }, (_, i) => (from + i) / 32768);
}
