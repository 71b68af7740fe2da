import { createWorkletScope } from '../../src/testing/index.ts';
import type { ScopeNode, WorkletScope } from '../../src/testing/index.ts';
import { Playout } from '../../src/web/playout.ts';
import type { PlayoutOptions } from '../../src/web/playout-options.ts';
import { FakeContext, openNodePage } from './node-page.ts';
import type { NodePage } from './node-page.ts';

/** A page's `Playout` in Node: real processor and messages, a stand-in scope and graph. */
export class PlayoutPage {
  readonly scope: WorkletScope;
  readonly playout: Playout;
  /** Stands for the context. */
  readonly context: FakeContext;
  /** What the page asked of the graph. */
  readonly calls: string[];
  readonly node: ScopeNode;

  private constructor(
    scope: WorkletScope,
    context: FakeContext,
    calls: string[],
    { held, node }: NodePage<Playout>,
  ) {
    this.scope = scope;
    this.context = context;
    this.calls = calls;
    this.playout = held;
    this.node = node;
  }

  static async open(
    options: PlayoutOptions,
    contextRate: number = options.sampleRate,
  ): Promise<PlayoutPage> {
    const scope = createWorkletScope({ sampleRate: contextRate });
    await scope.addModule(() => import('../../worklets/playout.ts'));
    try {
      const context = new FakeContext(scope.sampleRate);
      const calls: string[] = [];
      const page = await openNodePage(scope, context, calls, (base) =>
        Playout.create(base, options),
      );
      return new PlayoutPage(scope, context, calls, page);
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
