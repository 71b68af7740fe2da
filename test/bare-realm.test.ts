import { Script } from 'node:vm';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { bundleWorklet, workletNames } from '../scripts/bundle-worklet.mjs';
import { createWorkletScope } from '../src/testing/index.ts';
import type { WorkletScope } from '../src/testing/index.ts';
import { BareRealm } from './helpers/bare-realm.ts';
import { openCaseRun } from './helpers/case-run.ts';
import { PROCESSOR_CASES } from './helpers/processor-cases.ts';

const NAMES = await workletNames();
const scripts = new Map<string, string>();
beforeAll(async () => {
  for (const name of NAMES) scripts.set(name, (await bundleWorklet(name, { minify: true })).code);
});

let scope: WorkletScope | undefined;
function openScope(): WorkletScope {
  scope = createWorkletScope();
  return scope;
}
afterEach(() => scope?.close());

describe.each(NAMES)('worklets/%s.js', (name) => {
  it('is a classic script: no import, no export, no top-level await', () => {
    const code = scripts.get(name)!;
    expect(() => new Script(code)).not.toThrow();
    expect(() => new Script(`'use strict';${code}`)).not.toThrow();
    expect(code).not.toMatch(/\bimport\s*[(.]/);
  });

  it('can be wrapped in a function, as standardized-audio-context does', () => {
    const open = openScope();
    const wrapped = `(registerProcessor) => {${scripts.get(name)!}\n}`;
    const register = new BareRealm(open, false).run(wrapped) as (register: unknown) => void;
    const registered: string[] = [];
    register((key: string) => void registered.push(key));
    expect(registered).toEqual([`micwire-${name}`]);
  });

  it.each([true, false])(
    'touches no global that a scope may lack (optional ones: %s)',
    (optional) => {
      const realm = new BareRealm(openScope(), optional);
      realm.run(scripts.get(name)!);
      expect(realm.foreign()).toEqual([]);
      expect(realm.touched).toContain('registerProcessor');
    },
  );

  it('leaves no name behind and may be loaded twice', () => {
    const open = openScope();
    const realm = new BareRealm(open, true);
    const names = (): unknown =>
      realm.runUnwatched('Object.getOwnPropertyNames(globalThis).join()');
    const before = names();
    realm.runUnwatched(scripts.get(name)!);
    realm.runUnwatched(scripts.get(name)!);
    expect(names()).toBe(before);
    expect(() => open.register(`micwire-${name}`, class {})).toThrow('registered already');
  });
});

describe('in a realm with nothing but the real globals', () => {
  it.each(PROCESSOR_CASES)('$name runs', async (kase) => {
    let realm: BareRealm | undefined;
    const driver = await openCaseRun(kase, (opened) => {
      realm = new BareRealm(opened, false);
      realm.run(scripts.get(kase.worklet)!);
    });
    driver.run(200);
    driver.close();
    expect(realm!.foreign()).toEqual([]);
  });
});

describe('the realm itself', () => {
  it.each(['setTimeout', 'TextEncoder', 'performance', 'structuredClone', 'self', 'btoa'])(
    'detects a use of %s, even behind typeof',
    (global) => {
      const realm = new BareRealm(openScope(), true);
      realm.run(`typeof ${global}`);
      expect(realm.foreign()).toEqual([global]);
      expect(() => realm.run(`${global}()`)).toThrow(/not defined/);
    },
  );

  it('detects a use inside a processor’s functions', () => {
    const realm = new BareRealm(openScope(), true);
    const later = realm.run('() => globalThis.queueMicrotask') as () => unknown;
    expect(realm.foreign()).toEqual([]);
    expect(later()).toBeUndefined();
    expect(realm.foreign()).toEqual(['queueMicrotask']);
  });

  it('has no SharedArrayBuffer when the page is not isolated', () => {
    expect(new BareRealm(openScope(), false).run('typeof SharedArrayBuffer')).toBe('undefined');
    scope!.close();
    expect(new BareRealm(openScope(), true).run('typeof SharedArrayBuffer')).toBe('function');
  });
});
