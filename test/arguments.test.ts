import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { describe as described, describeOutside } from '../src/core/arguments.ts';

class Named {
  readonly field = 1;
}

/** Values that throw, or say something long, when anything of theirs is run. */
function traps(): readonly (readonly [name: string, value: unknown])[] {
  const revoked = Proxy.revocable({}, {});
  revoked.revoke();
  const fail = (): never => {
    throw new Error('ran');
  };
  const throwing = new Proxy(
    {},
    { get: fail, getPrototypeOf: fail, has: fail, getOwnPropertyDescriptor: fail, ownKeys: fail },
  );
  class Getter {
    static get name(): string {
      return fail();
    }
  }
  return [
    [
      'a constructor that is not a function',
      { constructor: { name: { toString: 1, valueOf: 1 } } },
    ],
    ['a constructor that is null', { constructor: null }],
    ['a constructor with a getter', Object.defineProperty({}, 'constructor', { get: fail })],
    ['a class whose name is a getter', new Getter()],
    ['a toString that throws', { toString: fail, valueOf: fail, toJSON: fail }],
    ['a tag that throws', Object.defineProperty({}, Symbol.toStringTag, { get: fail })],
    ['a tag without end', { [Symbol.toStringTag]: 'x'.repeat(10_000) }],
    ['no prototype', Object.create(null)],
    ['a prototype without one', Object.create(Object.create(null))],
    ['a revoked proxy', revoked.proxy],
    ['a proxy whose traps throw', throwing],
    ['a revoked proxy of an array', revokedArray()],
    ['a proxy as prototype', Object.create(throwing)],
    ['a class with a long name', new { ['N'.repeat(5000)]: class {} }['N'.repeat(5000)]!()],
    ['a long text', 'x'.repeat(10_000_000)],
    ['a big number', 2n ** 100_000n],
    ['a symbol with a long name', Symbol('x'.repeat(10_000))],
    ['a function whose text is long', new Function(`/*${'x'.repeat(10_000)}*/`)],
  ];
}

function revokedArray(): unknown {
  const { proxy, revoke } = Proxy.revocable([] as unknown[], {});
  revoke();
  return proxy;
}

describe.each([
  ['describe', described],
  ['describeOutside', describeOutside],
])('%s', (_name, words) => {
  it.each(traps())('describes %s in a few words, and runs no code of it', (_trap, value) => {
    const text = words(value);
    expect(text).toMatch(/^[^]{1,60}$/);
    expect(text).not.toContain('xxx');
  });
});

describe('describe', () => {
  it('names an argument by its type or value', () => {
    expect(described('s17')).toBe("'s17'");
    expect(described(new Named())).toBe('Named');
    expect(described(new Uint8Array(4))).toBe('Uint8Array');
    expect(described(null)).toBe('null');
    expect(described(undefined)).toBe('undefined');
    expect(described(Number.NaN)).toBe('NaN');
    expect(described([1, 2, 3])).toBe('an array of 3');
    expect(described({ sampelRate: 1 })).toBe('an object');
    expect(described(runInNewContext('({})'))).toBe('an object');
    expect(described(() => {})).toBe('a function');
  });
});

describe('describeOutside', () => {
  it('gives type and length, and repeats no text', () => {
    expect(describeOutside('secret')).toBe('a string of 6 characters');
    expect(describeOutside(['secret'])).toBe('an array of 1');
    expect(describeOutside(JSON.parse('{"constructor":{"name":"secret"}}'))).toBe('an object');
    expect(describeOutside(new Named())).toBe('an object');
    expect(describeOutside(-1.5)).toBe('-1.5');
    expect(describeOutside(false)).toBe('false');
    expect(describeOutside(null)).toBe('null');
  });
});
