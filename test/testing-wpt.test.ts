/**
 * What the web-platform-tests ask of an AudioWorklet (webaudio/the-audio-api/the-audioworklet-interface), asked of the
 * stand-in. Where engines differ it does as the standard; what Chromium and Firefox do was measured.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { createWorkletScope } from '../src/testing/index.ts';
import type { NodeOptions, ScopeOptions, WorkletScope } from '../src/testing/index.ts';

type Block = readonly (readonly Float32Array[])[];
type Parameters = Readonly<Record<string, Float32Array>>;

const scopes: WorkletScope[] = [];
function open(options: ScopeOptions = {}): WorkletScope {
  const scope = createWorkletScope(options);
  scopes.push(scope);
  return scope;
}
afterEach(() => {
  for (const scope of scopes.splice(0)) scope.close();
});

function errorName(act: () => unknown): string {
  try {
    act();
    return 'none';
  } catch (error) {
    return (error as Error).name;
  }
}

describe('parameterData', () => {
  const start = (parameterData: unknown): number => {
    const scope = open();
    class Values extends scope.AudioWorkletProcessor {
      static parameterDescriptors = [{ name: 'a', defaultValue: 1, minValue: 0, maxValue: 2 }];
      value = Number.NaN;
      process(_: Block, __: Block, { a }: Parameters): boolean {
        this.value = a![0]!;
        return true;
      }
    }
    const node = scope.createNode(Values, { parameterData } as NodeOptions);
    scope.render();
    return node.processor.value;
  };

  it.each([
    [{ a: 5 }, 2],
    [{ a: -1 }, 0],
    [{ a: 1e39 }, 2],
    [{ a: '1.5' }, 1.5],
    [{ a: null }, 0],
    [{ unknown: 7 }, 1],
    [undefined, 1],
    [{}, 1],
  ])('%j gives the value %d: it is converted and kept within the range', (data, value) => {
    expect(start(data)).toBe(value);
  });

  it.each([
    { a: Number.NaN },
    { unknown: Number.NaN },
    { a: Infinity },
    { a: 'loud' },
    { a: undefined },
    { a: 1n },
    { a: Symbol('a') },
    null,
    5,
  ])('%o is a TypeError', (data) => {
    expect(errorName(() => start(data))).toBe('TypeError');
  });
});

describe('setParameter', () => {
  const node = () => {
    const scope = open();
    class Values extends scope.AudioWorkletProcessor {
      static parameterDescriptors = [{ name: 'a' }];
      value = Number.NaN;
      process(_: Block, __: Block, { a }: Parameters): boolean {
        this.value = a![0]!;
        return true;
      }
    }
    return { scope, node: scope.createNode(Values) };
  };

  it.each([Number.NaN, Infinity, -Infinity, 1e39, -1e39, 'loud', undefined, 1n])(
    'to %s is a TypeError, as setting AudioParam.value is',
    (value) => {
      expect(errorName(() => node().node.setParameter('a', value as number))).toBe('TypeError');
    },
  );

  it('refuses curves that hold a value that is not finite', () => {
    const { node: made } = node();
    expect(() => made.setParameter('a', Float32Array.of(0, Number.NaN))).toThrow(TypeError);
  });

  it('takes what converts to a float, up to the greatest', () => {
    const { scope, node: made } = node();
    for (const [value, float] of [
      ['1', 1],
      [null, 0],
      [3.4028235e38, 3.4028234663852886e38],
    ] as const) {
      made.setParameter('a', value as number);
      scope.render();
      expect(made.processor.value).toBe(float);
    }
  });
});

describe('the options of a node', () => {
  const make = (options: unknown) => {
    const scope = open();
    class Shapes extends scope.AudioWorkletProcessor {
      readonly given: unknown;
      shape: unknown;
      constructor(given: unknown) {
        super();
        this.given = given;
      }
      process(inputs: Block, outputs: Block): boolean {
        this.shape = [inputs.length, outputs.map((output) => output.length)];
        return true;
      }
    }
    const { processor } = scope.createNode(Shapes, options as NodeOptions);
    scope.render();
    return processor;
  };

  it.each([
    [undefined, [1, [1]]],
    [null, [1, [1]]],
    [{ numberOfInputs: 0 }, [0, [1]]],
    [{ numberOfOutputs: 0 }, [1, []]],
    [{ numberOfInputs: Number.NaN }, [0, [1]]],
    [{ numberOfInputs: null }, [0, [1]]],
    [{ numberOfInputs: 1.7, numberOfOutputs: '2' }, [1, [1, 1]]],
    [{ numberOfOutputs: 2 ** 32 }, [1, []]],
    [{ outputChannelCount: [32] }, [1, [32]]],
    [{ outputChannelCount: [1.7] }, [1, [1]]],
    [{ outputChannelCount: new Set([2]) }, [1, [2]]],
    [{ numberOfOutputs: 2, outputChannelCount: [3, 4] }, [1, [3, 4]]],
  ])('%o gives inputs and outputs %j', (options, shape) => {
    expect(make(options).shape).toEqual(shape);
  });

  it.each([
    [5, 'TypeError'],
    ['x', 'TypeError'],
    [{ numberOfInputs: 0, numberOfOutputs: 0 }, 'NotSupportedError'],
    [{ numberOfInputs: 0, numberOfOutputs: 0, outputChannelCount: [0] }, 'NotSupportedError'],
    [{ numberOfInputs: -1 }, 'RangeError'],
    [{ numberOfInputs: 1n }, 'TypeError'],
    [{ outputChannelCount: [0] }, 'NotSupportedError'],
    [{ outputChannelCount: [33] }, 'NotSupportedError'],
    [{ outputChannelCount: [Number.NaN] }, 'NotSupportedError'],
    [{ outputChannelCount: [] }, 'IndexSizeError'],
    [{ outputChannelCount: [1, 1] }, 'IndexSizeError'],
    [{ outputChannelCount: [0, 0] }, 'IndexSizeError'],
    [{ outputChannelCount: 2 }, 'TypeError'],
    [{ outputChannelCount: '2' }, 'TypeError'],
    [{ outputChannelCount: null }, 'TypeError'],
    [{ channelCount: 0 }, 'NotSupportedError'],
    [{ channelCount: 33 }, 'NotSupportedError'],
    [{ channelCountMode: 'most' }, 'TypeError'],
    [{ channelInterpretation: 'loud' }, 'TypeError'],
    [{ processorOptions: 5 }, 'TypeError'],
    [{ processorOptions: null }, 'TypeError'],
    [{ processorOptions: 'x' }, 'TypeError'],
    [{ processorOptions: { f: () => 1 } }, 'DataCloneError'],
  ])('%o is a %s', (options, name) => {
    expect(errorName(() => make(options))).toBe(name);
  });

  it('reach the processor without what was not given', () => {
    expect(make({}).given).toEqual({ numberOfInputs: 1, numberOfOutputs: 1 });
    const given = {
      channelCount: 1,
      channelCountMode: 'explicit',
      numberOfInputs: 2,
      numberOfOutputs: 1,
      outputChannelCount: [2],
      parameterData: { unknown: 3 },
      processorOptions: { x: 1 },
    };
    expect(make(given).given).toEqual(given);
  });
});

describe('an input', () => {
  const seen = (options: NodeOptions, channels: readonly number[]): number[] => {
    const scope = open();
    class First extends scope.AudioWorkletProcessor {
      first: number[] = [];
      process([input]: Block): boolean {
        this.first = input!.map((channel) => channel[0]!);
        return true;
      }
    }
    const node = scope.createNode(First, options);
    node.setInput(
      0,
      channels.map((value) => new Float32Array(128).fill(value)),
    );
    scope.render();
    return node.processor.first;
  };

  it.each([
    ['max', 1, 'speakers', [0.25, 0.5, 0.75], [0.25, 0.5, 0.75]],
    ['explicit', 1, 'speakers', [0.25, 0.75], [0.5]],
    ['explicit', 2, 'speakers', [0.25], [0.25, 0.25]],
    ['explicit', 2, 'discrete', [0.25], [0.25, 0]],
    ['explicit', 1, 'discrete', [0.25, 0.75], [0.25]],
    ['explicit', 2, 'speakers', [], []],
    ['clamped-max', 2, 'speakers', [0.25], [0.25]],
    ['clamped-max', 1, 'speakers', [0.25, 0.75], [0.5]],
  ] as const)(
    'of mode %s with channelCount %d, %s, is %j mixed to %j',
    (channelCountMode, channelCount, channelInterpretation, given, mixed) => {
      expect(seen({ channelCountMode, channelCount, channelInterpretation }, given)).toEqual(mixed);
    },
  );

  it('is what the graph brings each quantum, whatever the processor wrote into it', () => {
    const scope = open();
    const first: number[] = [];
    class Scribbler extends scope.AudioWorkletProcessor {
      static parameterDescriptors = [{ name: 'a', defaultValue: 3 }];
      process([input]: Block, _: Block, { a }: Parameters): boolean {
        first.push(input![0]![0]!, a![0]!);
        input![0]!.fill(9);
        a!.fill(9);
        return true;
      }
    }
    const node = scope.createNode(Scribbler);
    node.setInput(0, [new Float32Array(128).fill(1)]);
    scope.render(2);
    expect(first).toEqual([1, 3, 1, 3]);
  });
});

describe('a block that the processor transfers', () => {
  it('is replaced: the next quantum has input, output and parameters again', async () => {
    const scope = open({ quantum: 4 });
    class Giver extends scope.AudioWorkletProcessor {
      static parameterDescriptors = [{ name: 'a', defaultValue: 3 }, { name: 'curve' }];
      process([input]: Block, [output]: Block, parameters: Parameters): boolean {
        for (let i = 0; i < 4; i++) output![0]![i] = input![0]![i]! + parameters['a']![0]!;
        const arrays = [input![0]!, output![0]!, parameters['a']!, parameters['curve']!];
        const lengths = arrays.map((array) => array.length);
        this.port.postMessage(
          { lengths, first: input![0]![0] },
          arrays.map(({ buffer }) => buffer),
        );
        return true;
      }
    }
    const node = scope.createNode(Giver);
    const messages: unknown[] = [];
    node.port.onmessage = ({ data }): void => void messages.push(data);
    node.setInput(0, [Float32Array.of(1, 1, 1, 1)]);
    node.setParameter('curve', Float32Array.of(1, 2, 3, 4));
    scope.render(2);
    node.setInput(0, [Float32Array.of(2, 2, 2, 2)]);
    scope.render();
    await scope.settle();
    const lengths = [4, 4, 1, 4];
    expect(messages).toEqual([
      { lengths, first: 1 },
      { lengths, first: 1 },
      { lengths, first: 2 },
    ]);
    // What was given away is not heard.
    expect(node.outputs[0]![0]).toEqual(new Float32Array(4));
  });

  it('between two quanta is replaced as well', () => {
    const scope = open();
    class Later extends scope.AudioWorkletProcessor {
      lengths: number[] = [];
      process(_: Block, [output]: Block): boolean {
        this.lengths.push(output![0]!.length);
        this.port.onmessage = (): void => this.port.postMessage(0, [output![0]!.buffer]);
        output![0]!.fill(1);
        return true;
      }
    }
    const node = scope.createNode(Later);
    scope.render();
    node.port.postMessage(0);
    scope.render();
    expect(node.processor.lengths).toEqual([128, 128]);
    expect(node.outputs[0]![0]![0]).toBe(1);
  });
});

describe('what process() returns', () => {
  const falsy = (options: NodeOptions = {}) => {
    const scope = open();
    class Falsy extends scope.AudioWorkletProcessor {
      calls = 0;
      process(_: Block, [output]: Block): unknown {
        this.calls++;
        output![0]!.fill(1);
        return undefined;
      }
    }
    return { scope, node: scope.createNode(Falsy, options) };
  };

  it('when falsy ends a processor without inputs', () => {
    const { scope, node } = falsy({ numberOfInputs: 0 });
    scope.render(3);
    expect(node.processor.calls).toBe(1);
    expect(node.outputs[0]![0]![0]).toBe(0);
  });

  it('when falsy ends nothing while an input is connected', () => {
    const { scope, node } = falsy();
    node.setInput(0, [new Float32Array(128)]);
    scope.render(3);
    expect(node.processor.calls).toBe(3);
    expect(node.outputs[0]![0]![0]).toBe(1);
    node.setInput(0, []);
    scope.render(3);
    expect(node.processor.calls).toBe(3);
    expect(node.alive).toBe(false);
    node.setInput(0, [new Float32Array(128)]);
    scope.render();
    expect(node.processor.calls).toBe(4);
  });

  it('may be anything truthy', () => {
    const scope = open();
    class Truthy extends scope.AudioWorkletProcessor {
      process(): unknown {
        return 'yes';
      }
    }
    const node = scope.createNode(Truthy);
    scope.render(2);
    expect(node.alive).toBe(true);
  });
});

describe('process()', () => {
  it('is looked up each quantum, and called with three arguments on the processor', () => {
    const scope = open();
    const calls: unknown[] = [];
    class Changing extends scope.AudioWorkletProcessor {
      process(...given: unknown[]): boolean {
        calls.push(['first', given.length, this instanceof Changing]);
        Object.defineProperty(this, 'process', { value: () => calls.push('second') });
        return true;
      }
    }
    scope.createNode(Changing);
    scope.render(2);
    expect(calls).toEqual([['first', 3, true], 'second']);
  });

  it.each([undefined, 5, null])('that is %s is a processorerror', (value) => {
    const scope = open();
    class None extends scope.AudioWorkletProcessor {}
    Object.defineProperty(None.prototype, 'process', { value });
    const node = scope.createNode(None);
    const events: unknown[] = [];
    node.onprocessorerror = ({ type, error }): void => {
      events.push([type, error instanceof TypeError]);
    };
    scope.render(2);
    expect(events).toEqual([['processorerror', true]]);
    expect(node.alive).toBe(false);
  });

  it('that throws keeps no other processor from its quantum, and time moves on', () => {
    const scope = open();
    class Faulty extends scope.AudioWorkletProcessor {
      process(): boolean {
        throw new RangeError('planted');
      }
    }
    class Fine extends scope.AudioWorkletProcessor {
      frames: number[] = [];
      process(): boolean {
        this.frames.push(scope.currentFrame);
        return true;
      }
    }
    const faulty = scope.createNode(Faulty);
    faulty.setInput(0, [new Float32Array(128)]);
    const fine = scope.createNode(Fine);
    expect(() => scope.render()).toThrow('planted');
    scope.render();
    expect(fine.processor.frames).toEqual([0, 128]);
    scope.createNode(Faulty);
    scope.createNode(Faulty);
    expect(errorName(() => scope.render())).toBe('AggregateError');
  });
});

describe('registerProcessor', () => {
  const global = globalThis as unknown as {
    registerProcessor: (...given: unknown[]) => void;
  };
  const registering = (descriptors: unknown) => {
    const scope = open();
    class Described extends scope.AudioWorkletProcessor {
      static parameterDescriptors = descriptors;
    }
    return () => scope.register('described', Described);
  };

  it.each([
    ['none', undefined],
    ['none', []],
    ['none', [{ name: 'a' }, { name: 'b' }]],
    ['none', new Set([{ name: 'a' }])],
    ['none', [{ name: null }]],
    ['none', [{ name: '' }]],
    ['none', [{ name: 'a', defaultValue: '0.5' }]],
    ['none', [{ name: 'a', defaultValue: null }]],
    ['none', [{ name: 'a', defaultValue: 0.1, maxValue: 0.1 }]],
    ['none', [{ name: 'a', automationRate: undefined }]],
    ['TypeError', null],
    ['TypeError', 5],
    ['TypeError', 'ab'],
    ['TypeError', { length: 1, 0: { name: 'a' } }],
    ['TypeError', [null]],
    ['TypeError', [5]],
    ['TypeError', [{}]],
    ['TypeError', [{ name: Symbol('a') }]],
    ['TypeError', [{ name: 'a', defaultValue: Number.NaN }]],
    ['TypeError', [{ name: 'a', minValue: -Infinity }]],
    ['TypeError', [{ name: 'a', maxValue: 1e39 }]],
    ['TypeError', [{ name: 'a', defaultValue: 'loud' }]],
    ['TypeError', [{ name: 'a', defaultValue: {} }]],
    ['TypeError', [{ name: 'a', automationRate: 'x-rate' }]],
    ['TypeError', [{ name: 'a', automationRate: null }]],
    ['NotSupportedError', [{ name: 'a' }, { name: 'a' }]],
    ['NotSupportedError', [{ name: 'null' }, { name: null }]],
    ['InvalidStateError', [{ name: 'a', defaultValue: 3, maxValue: 1 }]],
    ['InvalidStateError', [{ name: 'a', minValue: 1 }]],
    ['InvalidStateError', [{ name: 'a', minValue: 2, maxValue: 1, defaultValue: 1 }]],
  ])('throws %s for the descriptors %o', (name, descriptors) => {
    expect(errorName(registering(descriptors))).toBe(name);
  });

  it('reads the members of a descriptor in alphabetical order, once', () => {
    const read: string[] = [];
    const descriptor = new Proxy(
      { name: 'a' },
      {
        get(target, key): unknown {
          read.push(String(key));
          return Reflect.get(target, key);
        },
      },
    );
    registering([descriptor])();
    expect(read).toEqual(['automationRate', 'defaultValue', 'maxValue', 'minValue', 'name']);
  });

  it('takes descriptors from a generator, and lets a getter throw', () => {
    const scope = open();
    class Generated extends scope.AudioWorkletProcessor {
      static *parameterDescriptors(): Generator<object> {
        yield { name: 'a' };
      }
    }
    Object.defineProperty(Generated, 'parameterDescriptors', {
      value: Generated.parameterDescriptors(),
    });
    scope.register('generated', Generated);
    scope.createNode('generated').setParameter('a', 1);
    class Throwing extends scope.AudioWorkletProcessor {
      static get parameterDescriptors(): never {
        throw new RangeError('planted');
      }
    }
    expect(() => scope.register('throwing', Throwing)).toThrow('planted');
  });

  it('refuses arguments as Web IDL does', () => {
    const scope = open();
    class Plain extends scope.AudioWorkletProcessor {}
    const { registerProcessor } = global;
    expect(registerProcessor.length).toBe(2);
    registerProcessor('taken', Plain);
    const withPrototype = (prototype: unknown): unknown => {
      const made = function (): void {};
      made.prototype = prototype;
      return made;
    };
    for (const [name, given] of [
      ['TypeError', []],
      ['TypeError', ['one']],
      ['TypeError', [Symbol('x'), Plain]],
      ['NotSupportedError', ['', Plain]],
      ['NotSupportedError', ['taken', Plain]],
      ['TypeError', ['', 5]],
      ['TypeError', ['taken', {}]],
      ['TypeError', ['a', undefined]],
      ['TypeError', ['a', (): void => {}]],
      ['TypeError', ['a', Math.max]],
      ['TypeError', ['a', withPrototype(5)]],
      ['TypeError', ['a', withPrototype(null)]],
      ['TypeError', ['a', (withPrototype({}) as () => void).bind(null)]],
      ['none', ['function prototype', withPrototype(() => {})]],
      ['none', [5, Plain]],
      ['none', [null, Plain]],
    ] as const) {
      expect([given, errorName(() => registerProcessor(...given))]).toEqual([given, name]);
    }
    scope.createNode('5');
    scope.createNode('null');
  });
});

describe('a processor’s constructor', () => {
  it('must make an AudioWorkletProcessor', () => {
    const scope = open();
    scope.register(
      'plain',
      class {
        process(): boolean {
          return true;
        }
      },
    );
    scope.register(
      'other',
      class extends scope.AudioWorkletProcessor {
        constructor() {
          super();
          return { port: null } as never;
        }
      },
    );
    for (const name of ['plain', 'other']) {
      expect(() => scope.createNode(name)).toThrow('must extend AudioWorkletProcessor');
    }
  });

  it('may run super() once only, and nothing else makes a processor', () => {
    const scope = open();
    const { AudioWorkletProcessor: Base } = scope;
    const attempts: Record<string, string> = {};
    class SuperAfterNew extends Base {
      // oxlint-disable-next-line constructor-super -- that it may fail is the point
      constructor() {
        const made: Base = new Base();
        try {
          super();
        } catch (error) {
          attempts['super after new'] = (error as Error).name;
        }
        return made as this;
      }
    }
    class NewAfterSuper extends Base {
      constructor() {
        super();
        attempts['new after super'] = errorName(() => new Base());
      }
      process(): boolean {
        attempts['new in process'] = errorName(() => new Base());
        return true;
      }
    }
    type Base = InstanceType<typeof Base>;
    scope.createNode(SuperAfterNew);
    scope.createNode(NewAfterSuper);
    expect(() => scope.render()).toThrow();
    expect(attempts).toEqual({
      'super after new': 'TypeError',
      'new after super': 'TypeError',
      'new in process': 'TypeError',
    });
  });

  it('may return the same processor each time: its port is the first node’s', async () => {
    const scope = open();
    let only: object | undefined;
    class Singleton extends scope.AudioWorkletProcessor {
      constructor() {
        super();
        // oxlint-disable-next-line typescript/no-this-alias -- returned by each construction
        only ??= this;
        return only as this;
      }
      process(): boolean {
        this.port.postMessage('quantum');
        return true;
      }
    }
    const nodes = [scope.createNode(Singleton), scope.createNode(Singleton)];
    const counts = [0, 0];
    nodes.forEach((node, i) => {
      node.port.onmessage = (): void => void counts[i]!++;
    });
    scope.render();
    await scope.settle();
    expect(counts).toEqual([2, 0]);
  });
});

describe('the port', () => {
  it('is a read-only getter of AudioWorkletProcessor.prototype', () => {
    const scope = open();
    class Plain extends scope.AudioWorkletProcessor {}
    const { processor } = scope.createNode(Plain);
    expect(Object.keys(processor)).toEqual([]);
    expect(errorName(() => Object.assign(processor, { port: 1 }))).toBe('TypeError');
    expect(Object.prototype.toString.call(processor)).toBe('[object AudioWorkletProcessor]');
  });

  it('delivers on, and the processor renders on, when a handler throws', async () => {
    const scope = open();
    class Thrower extends scope.AudioWorkletProcessor {
      quanta = 0;
      constructor() {
        super();
        this.port.onmessage = ({ data }): void => {
          if (data === 'throw') throw new Error('planted');
          this.port.postMessage(data);
        };
      }
      process(): boolean {
        this.quanta++;
        return true;
      }
    }
    const node = scope.createNode(Thrower);
    const replies: unknown[] = [];
    node.port.onmessage = ({ data }): void => void replies.push(data);
    node.port.postMessage('throw');
    node.port.postMessage('after');
    expect(() => scope.render()).toThrow('planted');
    scope.render();
    await scope.settle();
    expect(replies).toEqual(['after']);
    expect([node.processor.quanta, node.alive, scope.currentFrame]).toEqual([2, true, 256]);
  });

  it('calls a listener that asked for one message once', async () => {
    const scope = open();
    class Echo extends scope.AudioWorkletProcessor {
      constructor() {
        super();
        this.port.onmessage = ({ data }): void => this.port.postMessage(data);
      }
    }
    const { port } = scope.createNode(Echo);
    const heard: unknown[] = [];
    port.addEventListener('message', ({ data }) => heard.push(data), { once: true });
    port.start();
    port.postMessage(1);
    port.postMessage(2);
    await scope.settle();
    expect(heard).toEqual([1]);
  });
});

describe('the global scope', () => {
  it('has read-only attributes, and an operation and interfaces that may be replaced', () => {
    open();
    const descriptor = (name: string) => Object.getOwnPropertyDescriptor(globalThis, name)!;
    for (const name of ['sampleRate', 'currentFrame', 'currentTime', 'renderQuantumSize']) {
      expect([name, descriptor(name)]).toEqual([
        name,
        { get: expect.any(Function), set: undefined, configurable: true, enumerable: true },
      ]);
      expect(errorName(() => Object.assign(globalThis, { [name]: 1 }))).toBe('TypeError');
    }
    expect(descriptor('registerProcessor')).toMatchObject({ writable: true, enumerable: true });
    expect(descriptor('AudioWorkletProcessor')).toMatchObject({
      writable: true,
      enumerable: false,
    });
  });

  it('is an AudioWorkletGlobalScope while it is open', () => {
    const scope = open();
    const interfaces = () =>
      ['AudioWorkletGlobalScope', 'WorkletGlobalScope'].map((name) => {
        const known = (globalThis as Record<string, unknown>)[name];
        return typeof known === 'function' && globalThis instanceof known;
      });
    expect(interfaces()).toEqual([true, true]);
    scope.close();
    expect(interfaces()).toEqual([false, false]);
  });
});

describe('addModule', () => {
  it('rejects with an AbortError when there is no such module', async () => {
    const scope = open();
    const url = new URL('./path-does-not-exist.js', import.meta.url);
    await expect(scope.addModule(url)).rejects.toMatchObject({ name: 'AbortError' });
    expect(() => scope.addModule(undefined as never)).toThrow('must be a function or a URL');
  });

  it('evaluates a URL once in a scope, however often it is added', async () => {
    const scope = open();
    const source = `registerProcessor('once', class extends AudioWorkletProcessor {});`;
    const url = `data:text/javascript,${encodeURIComponent(source)}`;
    await Promise.all([scope.addModule(url), scope.addModule(url)]);
    await scope.addModule(url);
    scope.createNode('once');
  });
});

describe('what browsers refuse by a TypeError', () => {
  const node = () => {
    const scope = open();
    class Pass extends scope.AudioWorkletProcessor {
      process(): boolean {
        return true;
      }
    }
    return { scope, node: scope.createNode(Pass, {}) };
  };

  it.each<[string, (port: never) => unknown]>([
    ['postMessage()', (port: { postMessage(): void }) => port.postMessage()],
    [
      'addEventListener with one',
      (port: { addEventListener(t: string): void }) => port.addEventListener('message'),
    ],
    [
      'removeEventListener with one',
      (port: { removeEventListener(t: string): void }) => port.removeEventListener('message'),
    ],
    [
      'a transfer of 5',
      (port: { postMessage(m: number, t: unknown): void }) => port.postMessage(1, { transfer: 5 }),
    ],
    [
      'options of 5',
      (port: { postMessage(m: number, t: unknown): void }) => port.postMessage(1, 5),
    ],
    [
      'a transfer of null',
      (port: { postMessage(m: number, t: unknown): void }) =>
        port.postMessage(1, { transfer: null }),
    ],
  ] as never)('%s', (_, act) => {
    const error = errorName(() => act(node().node.port as never));
    expect(error).toBe('TypeError');
  });

  it('takes undefined as a message, and any sequence as a transfer', () => {
    const { node: one } = node();
    const buffer = new ArrayBuffer(4);
    one.port.postMessage(undefined);
    one.port.postMessage(buffer, new Set([buffer]) as never);
    expect(buffer.byteLength).toBe(0);
    one.port.postMessage(1, { transfer: undefined } as never);
  });

  it('refuses channels that are not float32, and no number of quanta', () => {
    const { scope, node: one } = node();
    for (const wrong of [null, 5, [null], [new Float64Array(128)], [[0]]]) {
      expect(() => one.setInput(0, wrong as never)).toThrow(/^channels must (be|hold) .*, got /);
    }
    for (const quanta of [NaN, -1, 1.5, null, '2']) {
      expect(() => scope.render(quanta as never)).toThrow(/^quanta must .*, got /);
    }
    expect(scope.currentFrame).toBe(0);
  });
});
