import { vi } from 'vitest';
import type { NodeOptions, ScopeNode, WorkletScope } from '../../src/testing/index.ts';

/** As much of a context as a node needs. */
export class FakeContext extends EventTarget {
  state = 'running';
  readonly sampleRate: number;
  /** The scope has every worklet. */
  readonly audioWorklet = { addModule: (): Promise<void> => Promise.resolve() };

  constructor(sampleRate: number) {
    super();
    this.sampleRate = sampleRate;
  }

  changeState(state: string): void {
    this.state = state;
    this.dispatchEvent(new Event('statechange'));
  }
}

/** Something of a page's that holds an AudioWorkletNode, in Node: real processor and messages, a stand-in scope and graph. */
export interface NodePage<Held> {
  readonly held: Held;
  readonly node: ScopeNode;
}

/**
 * Makes it.
 * @param calls where is noted what it asks of the graph
 * @param make makes what holds the node
 */
export async function openNodePage<Held>(
  scope: WorkletScope,
  context: FakeContext,
  calls: string[],
  make: (context: BaseAudioContext) => Promise<Held>,
): Promise<NodePage<Held>> {
  let node: ScopeNode | undefined;
  class Node extends EventTarget {
    readonly context = context;
    readonly port: unknown;
    onprocessorerror: ((event: Event) => void) | null = null;
    constructor(_: unknown, name: string, nodeOptions: NodeOptions) {
      super();
      node = scope.createNode(name, nodeOptions);
      this.port = node.port;
    }
    connect(destination: unknown): unknown {
      calls.push('connect');
      return destination;
    }
    disconnect(): void {
      calls.push('disconnect');
    }
  }
  vi.stubGlobal('AudioWorkletNode', Node);
  try {
    const held = await make(context as unknown as BaseAudioContext);
    return { held, node: node! };
  } finally {
    vi.unstubAllGlobals();
  }
}
