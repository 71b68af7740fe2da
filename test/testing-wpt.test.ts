/**
 * What the web-platform-tests ask of an AudioWorklet (webaudio/the-audio-api/the-audioworklet-interface), asked of the
 * stand-in. Where engines differ it does as the standard; what Chromium and Firefox do was measured.
 */
import { describe, expect, it } from 'vitest';
import type { NodeOptions } from '../src/testing/index.ts';
import { errorName, openScope } from './helpers/worklet-scopes.ts';

type Block = readonly (readonly Float32Array[])[];
type Parameters = Readonly<Record<string, Float32Array>>;

describe('parameterData', () => {
  const start = (parameterData: unknown): number => {
    const scope = openScope();
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
  ])('%j sets the value %d: it is converted and kept within the range', (data, value) => {
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
  ])('%o throws a TypeError', (data) => {
    expect(errorName(() => start(data))).toBe('TypeError');
  });
});

describe('setParameter', () => {
  const node = () => {
    const scope = openScope();
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
    'to %s throws a TypeError, like setting AudioParam.value',
    (value) => {
      expect(errorName(() => node().node.setParameter('a', value as number))).toBe('TypeError');
    },
  );

  it('refuses curves that hold a value that is not finite', () => {
    const { node: made } = node();
    expect(() => made.setParameter('a', Float32Array.of(0, Number.NaN))).toThrow(TypeError);
  });

  it('accepts values that convert to a float, up to the greatest', () => {
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
    const scope = openScope();
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
  ])('%o has inputs and outputs %j', (options, shape) => {
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
  ])('%o throws a %s', (options, name) => {
    expect(errorName(() => make(options))).toBe(name);
  });

  it('reach the processor without the ones that were not given', () => {
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
    const scope = openScope();
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

  it('is filled by the graph each quantum, even if the processor has written into it', () => {
    const scope = openScope();
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
    const scope = openScope({ quantum: 4 });
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

  it('between two quanta is replaced too', () => {
    const scope = openScope();
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
