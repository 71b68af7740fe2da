/**
 * What the web-platform-tests ask of processors and their scope: the second half of testing-wpt.test.ts, which has nodes.
 */
import { describe, expect, it } from 'vitest';
import type { NodeOptions } from '../src/testing/index.ts';
import { errorName, openScope } from './helpers/worklet-scopes.ts';

type Block = readonly (readonly Float32Array[])[];

describe('the return value of process()', () => {
  const falsy = (options: NodeOptions = {}) => {
    const scope = openScope();
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

  it('when falsy does not end a processor while an input is connected', () => {
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
    const scope = openScope();
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
    const scope = openScope();
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

  it.each([undefined, 5, null])('that is %s causes a processorerror', (value) => {
    const scope = openScope();
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

  it('that throws does not stop other processors, and time continues', () => {
    const scope = openScope();
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
    const scope = openScope();
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

  it('accepts descriptors from a generator, and lets a getter throw', () => {
    const scope = openScope();
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
    const scope = openScope();
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
    const scope = openScope();
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

  it('may call super() only once, and nothing else creates a processor', () => {
    const scope = openScope();
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
    const scope = openScope();
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
    const scope = openScope();
    class Plain extends scope.AudioWorkletProcessor {}
    const { processor } = scope.createNode(Plain);
    expect(Object.keys(processor)).toEqual([]);
    expect(errorName(() => Object.assign(processor, { port: 1 }))).toBe('TypeError');
    expect(Object.prototype.toString.call(processor)).toBe('[object AudioWorkletProcessor]');
  });

  it('keeps delivering, and the processor keeps rendering, when a handler throws', async () => {
    const scope = openScope();
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

  it('calls a listener with the option once only once', async () => {
    const scope = openScope();
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
    openScope();
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
    const scope = openScope();
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
  it('rejects with an AbortError if the module does not exist', async () => {
    const scope = openScope();
    const url = new URL('./path-does-not-exist.js', import.meta.url);
    await expect(scope.addModule(url)).rejects.toMatchObject({ name: 'AbortError' });
    expect(() => scope.addModule(undefined as never)).toThrow('must be a function or a URL');
  });

  it('evaluates a URL once in a scope, even if it is added again', async () => {
    const scope = openScope();
    const source = `registerProcessor('once', class extends AudioWorkletProcessor {});`;
    const url = `data:text/javascript,${encodeURIComponent(source)}`;
    await Promise.all([scope.addModule(url), scope.addModule(url)]);
    await scope.addModule(url);
    scope.createNode('once');
  });
});

describe('calls that browsers refuse with a TypeError', () => {
  const node = () => {
    const scope = openScope();
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

  it('do not include undefined as a message, nor any sequence as a transfer', () => {
    const { node: one } = node();
    const buffer = new ArrayBuffer(4);
    one.port.postMessage(undefined);
    one.port.postMessage(buffer, new Set([buffer]) as never);
    expect(buffer.byteLength).toBe(0);
    one.port.postMessage(1, { transfer: undefined } as never);
  });

  it('include channels that are not float32, and an invalid number of quanta', () => {
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
