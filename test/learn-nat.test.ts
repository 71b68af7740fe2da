/** What the page about STUN, NAT and TURN of the lab's view Learn is made from. */
import { describe, expect, it } from 'vitest';
import { STUN_SERVER, runNatTrial, textOf, viewThrough } from '../demo/learn/nat-trial.ts';
import { bindingExchange } from '../demo/learn/stun-exchange.ts';
import { NAT_DEPENDENCES, NAT_KINDS, canConnect } from '../src/core/webrtc/nat/index.ts';
import {
  STUN_ATTRIBUTE,
  explainStun,
  parseStun,
  stunAddress,
} from '../src/core/webrtc/stun/index.ts';

const BEHAVIOURS = NAT_DEPENDENCES.flatMap((mapping) =>
  NAT_DEPENDENCES.map((filtering) => ({ mapping, filtering })),
);

describe('two peers through two simulated NATs', () => {
  it('connect as canConnect predicts, for all 81 pairs of behaviours', () => {
    const wrong = BEHAVIOURS.flatMap((a) =>
      BEHAVIOURS.flatMap((b) => {
        const found = runNatTrial(a, b).path;
        const wanted = canConnect(a, b);
        return found === wanted ? [] : [{ a, b, found, wanted }];
      }),
    );
    expect(wrong).toEqual([]);
  });

  it('show the drop that opens the path, and the answer', () => {
    const { steps } = runNatTrial(NAT_KINDS['port-restricted'], NAT_KINDS['port-restricted']);
    const texts = steps.map(({ outcome, text }) => `${outcome}: ${text}`);
    expect(texts[3]).toMatch(/^refused: A sends a check.*B’s NAT drops it/);
    expect(texts[4]).toMatch(/^arrives: B sends a check.*It arrives\.$/);
    expect(texts[5]).toMatch(/^arrives: A answers/);
  });

  it('reach each other through the relay where nothing else works', () => {
    const { path, steps } = runNatTrial(NAT_KINDS['port-restricted'], NAT_KINDS.symmetric);
    expect(path).toBe('relay');
    const from = steps.findIndex(({ text }) => text.includes('Allocate'));
    expect(from).toBeGreaterThan(0);
    const relayed = steps.slice(from);
    expect(relayed).toHaveLength(4);
    expect(new Set(relayed.map(({ outcome }) => outcome))).toEqual(new Set(['arrives']));
  });
});

describe('a question to a STUN server', () => {
  it('is answered with the address that the NAT has assigned, and another for a second server if it is symmetric', () => {
    const plain = viewThrough(NAT_KINDS['full-cone']);
    expect(plain.first).toEqual(plain.second);
    const symmetric = viewThrough(NAT_KINDS.symmetric);
    expect(symmetric.first.port).not.toBe(symmetric.second.port);
    const { request, response } = bindingExchange(new Uint8Array(12).fill(7), symmetric.first);
    const seen = stunAddress(parseStun(response), STUN_ATTRIBUTE.xorMappedAddress)!;
    expect(textOf(seen)).toBe(textOf(symmetric.first));
    expect(seen).not.toEqual(STUN_SERVER);
    for (const message of [request, response]) {
      const { fields } = explainStun(message);
      expect(fields.every(({ fault }) => fault === '')).toBe(true);
      expect(fields.reduce((sum, { length }) => sum + length, 0)).toBe(message.length);
    }
    expect(explainStun(response).fields[4]!.name).toBe('XOR-MAPPED-ADDRESS');
  });
});
