import { afterEach, describe, expect, it } from 'vitest';
import { createWorkletScope, renderOffline } from '../src/testing/index.ts';
import type { ScopeOptions, WorkletScope } from '../src/testing/index.ts';

const scopes: WorkletScope[] = [];
function open(options?: ScopeOptions): WorkletScope {
  const scope = createWorkletScope(options);
  scopes.push(scope);
  return scope;
}
afterEach(() => {
  for (const scope of scopes.splice(0)) scope.close();
});

type Block = readonly (readonly Float32Array[])[];
const NAMES = [
  'AudioWorkletProcessor',
  'registerProcessor',
  'sampleRate',
  'currentFrame',
  'currentTime',
  'renderQuantumSize',
];

describe('the scope’s globals', () => {
  it('exist while a scope is open and are gone after the last close', () => {
    const present = (): string[] => NAMES.filter((name) => name in globalThis);
    expect(present()).toEqual([]);
    const one = open();
    const two = open();
    expect(present()).toEqual(NAMES);
    one.close();
    expect(present()).toEqual(NAMES);
    two.close();
    two.close();
    expect(present()).toEqual([]);
  });

  it('restore earlier values of their names', () => {
    const before = { value: 7, configurable: true };
    Object.defineProperty(globalThis, 'sampleRate', before);
    const scope = open();
    expect(Reflect.get(globalThis, 'sampleRate')).toBe(48000);
    scope.close();
    expect(Reflect.get(globalThis, 'sampleRate')).toBe(7);
    Reflect.deleteProperty(globalThis, 'sampleRate');
  });

  it('belong to the scope whose code runs, however scopes alternate', async () => {
    const a = open({ sampleRate: 16000, quantum: 64 });
    const b = open({ sampleRate: 44100, quantum: 256 });
    class Witness extends a.AudioWorkletProcessor {
      seen: number[] = [];
      constructor() {
        super();
        this.port.onmessage = (): void => void this.seen.push(sampleRate, currentFrame);
      }
      process(): boolean {
        this.seen.push(sampleRate, currentFrame, currentTime, renderQuantumSize);
        return true;
      }
    }
    const nodeA = a.createNode(Witness);
    const nodeB = b.createNode(Witness);
    a.render();
    b.render();
    a.render();
    nodeA.port.postMessage(0);
    nodeB.port.postMessage(0);
    await b.settle();
    await a.settle();
    expect(nodeA.processor.seen).toEqual([16000, 0, 0, 64, 16000, 64, 0.004, 64, 16000, 128]);
    expect(nodeB.processor.seen).toEqual([44100, 0, 0, 256, 44100, 256]);
  });
});
declare const sampleRate: number;
declare const currentFrame: number;
declare const currentTime: number;
declare const renderQuantumSize: number;
declare function registerProcessor(name: string, processor: unknown): void;

describe('process()', () => {
  it('gets frozen arrays that are reused, and length 0 for unconnected inputs', () => {
    const scope = open();
    const seen: { inputs: Block; outputs: Block; parameters: object }[] = [];
    class Probe extends scope.AudioWorkletProcessor {
      static parameterDescriptors = [{ name: 'gain' }];
      process(inputs: Block, outputs: Block, parameters: object): boolean {
        seen.push({ inputs, outputs, parameters });
        return true;
      }
    }
    const node = scope.createNode(Probe, { numberOfInputs: 2, outputChannelCount: [2] });
    node.setInput(1, [new Float32Array(128).fill(1)]);
    scope.render(2);
    node.setInput(1, [new Float32Array(128).fill(2)]);
    scope.render();
    const [first, , third] = seen;
    expect(first!.inputs.map((input) => input.length)).toEqual([0, 1]);
    expect(first!.outputs.map((output) => output.length)).toEqual([2]);
    for (const value of [first!.inputs, first!.outputs, first!.parameters, first!.inputs[1]]) {
      expect(Object.isFrozen(value)).toBe(true);
    }
    expect(third!.inputs).toBe(first!.inputs);
    expect(third!.inputs[1]![0]).toBe(first!.inputs[1]![0]);
    expect(third!.outputs).toBe(first!.outputs);
    expect(third!.parameters).toBe(first!.parameters);
    expect(third!.inputs[1]![0]![127]).toBe(2);
  });

  it('gets zeroed outputs each quantum', () => {
    const scope = open();
    const dirty: number[] = [];
    class Dirty extends scope.AudioWorkletProcessor {
      process(_: Block, outputs: Block): boolean {
        dirty.push(outputs[0]![0]![0]!);
        outputs[0]![0]!.fill(1);
        return true;
      }
    }
    scope.createNode(Dirty);
    scope.render(3);
    expect(dirty).toEqual([0, 0, 0]);
  });

  it('sees inputs disappear, reappear and change their channel count in mid-stream', () => {
    const scope = open();
    const counts: number[][] = [];
    class Counter extends scope.AudioWorkletProcessor {
      process(inputs: Block, outputs: Block): boolean {
        counts.push([inputs[0]!.length, outputs[0]!.length]);
        return true;
      }
    }
    const node = scope.createNode(Counter);
    const channel = new Float32Array(128);
    for (const channels of [[], [channel], [], [channel, channel], [channel]]) {
      node.setInput(0, channels);
      scope.render();
    }
    // One input, one output, no outputChannelCount: the output follows, and is mono when nothing is connected.
    expect(counts).toEqual([
      [0, 1],
      [1, 1],
      [0, 1],
      [2, 2],
      [1, 1],
    ]);
  });

  it('gets a-rate curves of a quantum, constants of length 1, values within the range', async () => {
    const scope = open({ quantum: 4 });
    const seen: number[][] = [];
    class Values extends scope.AudioWorkletProcessor {
      static parameterDescriptors = [
        { name: 'a', defaultValue: 0.5, minValue: 0, maxValue: 3 },
        { name: 'k', automationRate: 'k-rate' as const, defaultValue: 9 },
      ];
      process(_: Block, __: Block, parameters: Record<string, Float32Array>): boolean {
        seen.push([...parameters['a']!], [...parameters['k']!]);
        return true;
      }
    }
    const node = scope.createNode(Values, { parameterData: { k: 2 } });
    scope.render();
    node.setParameter('a', Float32Array.of(0, 1, 2, 3, 4, 5, 6, 7), 1);
    node.setParameter('k', Float32Array.of(6, 7));
    scope.render();
    node.setParameter('a', -1);
    scope.render();
    expect(seen).toEqual([[0.5], [2], [1, 2, 3, 3], [6], [0], [6]]);
    expect(() => node.setParameter('q', 1)).toThrow("one of 'a', 'k', got 'q'");
  });

  it('accepts a quantum of any size, changed between quanta', () => {
    const scope = open({ quantum: 128 });
    const seen: number[] = [];
    class Sizes extends scope.AudioWorkletProcessor {
      process(inputs: Block, outputs: Block): boolean {
        seen.push(currentFrame, inputs[0]![0]!.length, outputs[0]![0]!.length);
        return true;
      }
    }
    const node = scope.createNode(Sizes);
    node.setInput(0, [new Float32Array(128)]);
    scope.render();
    scope.quantum = 33;
    scope.render(2);
    expect(seen).toEqual([0, 128, 128, 128, 33, 33, 161, 33, 33]);
  });

  it('ends at the first falsy return while nothing is connected', () => {
    const scope = open();
    let calls = 0;
    class Thrice extends scope.AudioWorkletProcessor {
      process(): boolean {
        return ++calls < 3;
      }
    }
    const node = scope.createNode(Thrice);
    scope.render(5);
    expect(calls).toBe(3);
    expect(node.alive).toBe(false);
  });

  it('that throws is silent for good and is reported once', () => {
    const scope = open();
    class Faulty extends scope.AudioWorkletProcessor {
      process(_: Block, outputs: Block): boolean {
        outputs[0]![0]!.fill(1);
        throw new Error('planted');
      }
    }
    const loud = scope.createNode(Faulty);
    expect(() => scope.render()).toThrow('planted');
    scope.render();
    expect(loud.alive).toBe(false);
    expect(loud.outputs[0]![0]![0]).toBe(0);
    const handled = scope.createNode(Faulty);
    const errors: unknown[] = [];
    handled.onprocessorerror = (event): void => void errors.push((event.error as Error).message);
    scope.render(2);
    expect(errors).toEqual(['planted']);
  });
});

describe('registerProcessor', () => {
  const attempt = (
    name: string,
    make: (base: WorkletScope['AudioWorkletProcessor']) => unknown,
  ) => {
    const scope = open();
    try {
      scope.register(name, make(scope.AudioWorkletProcessor));
      return 'accepted';
    } catch (error) {
      return (error as Error).name;
    }
  };
  it('refuses what the standard refuses', () => {
    expect(attempt('ok', (Base) => class extends Base {})).toBe('accepted');
    expect(attempt('', (Base) => class extends Base {})).toBe('NotSupportedError');
    expect(attempt('x', () => () => {})).toBe('TypeError');
    expect(attempt('x', () => ({}))).toBe('TypeError');
    const withDescriptors = (parameterDescriptors: unknown): string =>
      attempt(
        'x',
        (Base) =>
          class extends Base {
            static parameterDescriptors = parameterDescriptors;
          },
      );
    expect(withDescriptors([{ name: 'a' }, { name: 'b' }])).toBe('accepted');
    expect(withDescriptors(3)).toBe('TypeError');
    expect(withDescriptors([{ name: 'a' }, { name: 'a' }])).toBe('NotSupportedError');
    expect(withDescriptors([{ name: 'a', minValue: 1 }])).toBe('InvalidStateError');
    expect(withDescriptors([{ name: 'a', automationRate: 'c-rate' }])).toBe('TypeError');
  });

  it('refuses a name twice in one scope, but not in two', async () => {
    const make = (scope: WorkletScope) => (): void =>
      registerProcessor('same', class extends scope.AudioWorkletProcessor {});
    const one = open();
    const two = open();
    await one.addModule(make(one));
    await two.addModule(make(two));
    await expect(one.addModule(make(one))).rejects.toThrow('registered already');
  });

  it('is needed before createNode', () => {
    const scope = open();
    scope.register('known', class extends scope.AudioWorkletProcessor {});
    expect(() => scope.createNode('unknown')).toThrow("registered: 'known'");
  });
});

describe('addModule', () => {
  const source = `registerProcessor('rate', class extends AudioWorkletProcessor {
    static rate = sampleRate;
    process() { return true; }
  });`;
  const url = `data:text/javascript,${encodeURIComponent(source)}`;
  const rateOf = (scope: WorkletScope): unknown => {
    const { processor } = scope.createNode('rate');
    return (processor.constructor as unknown as { rate: number }).rate;
  };

  it('runs a URL again for each scope', async () => {
    const one = open({ sampleRate: 8000 });
    const two = open({ sampleRate: 96000 });
    await Promise.all([one.addModule(url), two.addModule(url)]);
    expect([rateOf(one), rateOf(two)]).toEqual([8000, 96000]);
  });

  it('lets a later scope reuse a class that an import registered in an earlier one', async () => {
    const load = (): Promise<unknown> => import(/* @vite-ignore */ `${url}//once`);
    const one = open({ sampleRate: 8000 });
    await one.addModule(load);
    const two = open({ sampleRate: 96000 });
    await two.addModule(load);
    expect([rateOf(one), rateOf(two)]).toEqual([8000, 8000]);
  });

  it('rejects with the module’s own error and stays usable', async () => {
    const scope = open();
    const failing = (): void => {
      throw new SyntaxError('planted');
    };
    await expect(scope.addModule(failing)).rejects.toThrow('planted');
    await scope.addModule(url);
    expect(scope.createNode('rate').alive).toBe(true);
  });
});

describe('messages', () => {
  function echoing(scope: WorkletScope) {
    class Echo extends scope.AudioWorkletProcessor {
      heard: unknown[] = [];
      constructor() {
        super();
        this.port.onmessage = ({ data }): void => {
          this.heard.push(data);
          this.port.postMessage({ frame: currentFrame, data });
        };
      }
      process(): boolean {
        return true;
      }
    }
    return scope.createNode(Echo);
  }

  it('to a processor take effect at the next quantum, those to the page when it yields', async () => {
    const scope = open();
    const node = echoing(scope);
    const replies: unknown[] = [];
    node.port.onmessage = ({ data }): void => void replies.push(data);
    scope.render(2);
    node.port.postMessage('a');
    expect(node.processor.heard).toEqual([]);
    scope.render();
    expect(node.processor.heard).toEqual(['a']);
    expect(replies).toEqual([]);
    await scope.settle();
    expect(replies).toEqual([{ frame: 256, data: 'a' }]);
  });

  it('settle only when a chain of replies has ended', async () => {
    const scope = open();
    const node = echoing(scope);
    let hops = 0;
    node.port.addEventListener('message', async () => {
      await Promise.resolve();
      if (++hops < 20) node.port.postMessage(hops);
    });
    node.port.start();
    node.port.postMessage(0);
    await scope.settle();
    expect(hops).toBe(20);
  });

  it('arrive by themselves if settle is not called', async () => {
    const scope = open();
    const node = echoing(scope);
    const reply = new Promise((resolve) => (node.port.onmessage = ({ data }) => resolve(data)));
    node.port.postMessage(1);
    expect(await reply).toEqual({ frame: 0, data: 1 });
  });

  it('are cloned, detach transferred buffers, and carry real ports', async () => {
    const scope = open();
    const node = echoing(scope);
    const original = { list: [1] };
    const buffer = new ArrayBuffer(8);
    const { port1, port2 } = new MessageChannel();
    node.port.postMessage(original);
    node.port.postMessage(buffer, [buffer]);
    class Talker extends scope.AudioWorkletProcessor {
      constructor() {
        super();
        this.port.onmessage = ({ ports }): void => (ports[0] as MessagePort).postMessage('direct');
      }
    }
    const talker = scope.createNode(Talker);
    talker.port.postMessage({ port: port2 }, { transfer: [port2] });
    const direct = new Promise((resolve) => (port1.onmessage = ({ data }) => resolve(data)));
    await scope.settle();
    expect(await direct).toBe('direct');
    port1.close();
    expect(buffer.byteLength).toBe(0);
    expect(node.processor.heard[0]).toEqual(original);
    expect(node.processor.heard[0]).not.toBe(original);
    expect((node.processor.heard[1] as ArrayBuffer).byteLength).toBe(8);
    expect(() => node.port.postMessage(() => {})).toThrow(/could not be cloned/);
  });

  it('wait for start() when listened to with addEventListener', async () => {
    const scope = open();
    const node = echoing(scope);
    let heard = 0;
    node.port.addEventListener('message', () => void heard++);
    node.port.postMessage(1);
    await scope.settle();
    expect(heard).toBe(0);
    node.port.start();
    await scope.settle();
    expect(heard).toBe(1);
  });

  it('stop when either end is closed', async () => {
    const scope = open();
    const node = echoing(scope);
    node.port.close();
    node.port.postMessage(1);
    await scope.settle();
    expect(node.processor.heard).toEqual([]);
  });
});

describe('createNode', () => {
  it('passes options as a clone: the counts, and all other options given', () => {
    const scope = open();
    class Options extends scope.AudioWorkletProcessor {
      readonly given: unknown;
      constructor(given: unknown) {
        super();
        this.given = given;
      }
    }
    const processorOptions = { taps: Float32Array.of(1, 2) };
    const { given } = scope.createNode(Options, { processorOptions }).processor;
    expect(given).toEqual({
      numberOfInputs: 1,
      numberOfOutputs: 1,
      processorOptions,
    });
    expect((given as { processorOptions: object }).processorOptions).not.toBe(processorOptions);
  });

  it('refuses impossible shapes and constructors called by hand', () => {
    const scope = open();
    class Plain extends scope.AudioWorkletProcessor {}
    const name = (options: object): string => {
      try {
        scope.createNode(Plain, options);
        return 'accepted';
      } catch (error) {
        return (error as Error).name;
      }
    };
    expect(name({ numberOfInputs: 0, numberOfOutputs: 0 })).toBe('NotSupportedError');
    expect(name({ outputChannelCount: [1, 1] })).toBe('IndexSizeError');
    expect(name({ outputChannelCount: [33] })).toBe('NotSupportedError');
    expect(name({ numberOfInputs: 0, outputChannelCount: [32] })).toBe('accepted');
    expect(() => new Plain()).toThrow('Illegal constructor');
    scope.close();
    expect(() => scope.createNode(Plain)).toThrow('closed');
  });

  it('without MessageChannel in the runtime, says that it is missing', () => {
    const { MessageChannel } = globalThis;
    Reflect.deleteProperty(globalThis, 'MessageChannel');
    try {
      expect(() => createWorkletScope()).toThrow('micwire/testing needs MessageChannel');
      expect('registerProcessor' in globalThis).toBe(false);
    } finally {
      Reflect.set(globalThis, 'MessageChannel', MessageChannel);
    }
  });
});

describe('renderOffline', () => {
  const gain = (scope: WorkletScope) =>
    class Gain extends scope.AudioWorkletProcessor {
      static parameterDescriptors = [{ name: 'gain', defaultValue: 1 }];
      #peak = 0;
      constructor() {
        super();
        this.port.onmessage = (): void => this.port.postMessage(this.#peak);
      }
      process([input]: Block, [output]: Block, { gain }: Record<string, Float32Array>): boolean {
        for (let channel = 0; channel < input!.length; channel++) {
          for (let i = 0; i < input![channel]!.length; i++) {
            output![channel]![i] = input![channel]![i]! * gain![gain!.length > 1 ? i : 0]!;
            this.#peak = Math.max(this.#peak, output![channel]![i]!);
          }
        }
        return true;
      }
    };

  it('renders the whole input, also a last quantum that is not full', async () => {
    const scope = open({ quantum: 128 });
    const ramp = Float32Array.from({ length: 1000 }, (_, i) => i);
    const ones = new Float32Array(1000).fill(1);
    const curve = Float32Array.from({ length: 1000 }, (_, i) => (i < 500 ? 0 : 2));
    const result = await renderOffline(gain(scope), {
      scope,
      input: [ramp, ones],
      parameters: { gain: curve },
    });
    expect(result.frames).toBe(1000);
    expect(result.channels.length).toBe(2);
    expect(result.channels[0]).toEqual(ramp.map((x, i) => x * curve[i]!));
    expect(result.channels[1]).toEqual(curve);
    expect(scope.currentFrame).toBe(1024);
  });

  it('renders the same samples at every quantum', async () => {
    const input = [Float32Array.from({ length: 777 }, (_, i) => Math.sin(i))];
    const rendered = [];
    for (const quantum of [1, 64, 128, 441, 2048]) {
      const scope = open({ quantum });
      const { channels } = await renderOffline(gain(scope), {
        scope,
        input,
        parameters: { gain: 0.3 },
      });
      rendered.push(channels[0]);
    }
    for (const channel of rendered) expect(channel).toEqual(rendered[0]);
  });

  it('accepts an input that disappears, messages in mid-stream, and collects the replies', async () => {
    const scope = open();
    const block = new Float32Array(128).fill(0.25);
    const result = await renderOffline(gain(scope), {
      scope,
      frames: 512,
      input: (frame) => (frame === 128 ? [] : [block, block]),
      messages: ['before'],
      onQuantum: (node, frame) => {
        if (frame === 256) node.port.postMessage('peak?');
      },
    });
    expect(result.messages).toEqual([0, 0.25]);
    expect(result.channels.map((channel) => channel[130])).toEqual([0, 0]);
    expect(result.channels.map((channel) => channel[300])).toEqual([0.25, 0.25]);
  });

  it('with a name and a module makes its own scope and leaves no global', async () => {
    const source = `registerProcessor('one', class extends AudioWorkletProcessor {
      process(_, [[out]]) { out.fill(sampleRate); return true; }
    });`;
    const { channels } = await renderOffline('one', {
      module: `data:text/javascript,${encodeURIComponent(source)}`,
      sampleRate: 22050,
      seconds: 0.01,
    });
    expect(channels[0]).toEqual(new Float32Array(221).fill(22050));
    expect(NAMES.filter((name) => name in globalThis)).toEqual([]);
  });

  it('rejects with the error that process() throws', async () => {
    const scope = open();
    class Faulty extends scope.AudioWorkletProcessor {
      process(): boolean {
        throw new RangeError('planted');
      }
    }
    await expect(renderOffline(Faulty, { scope, frames: 1 })).rejects.toThrow('planted');
  });

  it('needs a length when the input is a function', async () => {
    const scope = open();
    await expect(renderOffline(gain(scope), { scope, input: () => [] })).rejects.toThrow('seconds');
  });
});
