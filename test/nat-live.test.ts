/** What `npm run bench -- nat-live` says before and after it measures. */
import { describe, expect, it } from 'vitest';
import { differences, matrix } from '../bench/nat-live/nat-table.ts';
import type { PairOutcome } from '../bench/nat-live/nat-table.ts';
import { natCure } from '../bench/nat-live/real-nats.ts';
import type { NatMachine } from '../bench/nat-live/real-nats.ts';

const GOOD: NatMachine = { platform: 'linux', isRoot: true, missing: [] };

describe('natCure', () => {
  it('returns null if everything is installed', () => {
    expect(natCure(GOOD)).toBeNull();
  });

  it.each<[string, Partial<NatMachine>, string]>([
    ['another system', { platform: 'darwin' }, 'only Linux has'],
    ['no root', { isRoot: false }, 'sudo npm run bench -- nat-live'],
    [
      'missing programs',
      { missing: ['nft', 'turnserver'], isRoot: false },
      'nft, turnserver not found. Install what real NATs need: apt-get install nftables coturn',
    ],
  ])('tells the cure of %s', (_what, lack, words) => {
    expect(natCure({ ...GOOD, ...lack })).toContain(words);
  });
});

const KINDS = ['full-cone', 'symmetric'] as const;
const REAL: readonly PairOutcome[] = [
  { a: 'full-cone', b: 'full-cone', paths: ['direct', 'direct', 'direct'], openMs: [30, 10, 20.4] },
  { a: 'full-cone', b: 'symmetric', paths: ['relay', 'direct-prflx'], openMs: [5, 7] },
  { a: 'symmetric', b: 'symmetric', paths: [null], openMs: [] },
];

describe('the tables of nat-live', () => {
  it('have the path and the median time of each pair', () => {
    expect(matrix(KINDS, REAL).split('\n')).toEqual([
      '|  | full cone | symmetric |',
      '| --- | --- | --- |',
      '| full cone | direct, 20 ms | **relay** or direct (prflx), 7 ms |',
      '| symmetric |  | none |',
    ]);
  });

  it('are compared pair by pair', () => {
    const other: readonly PairOutcome[] = [
      { ...REAL[0]!, openMs: [900] },
      { ...REAL[1]!, paths: ['direct-prflx'] },
    ];
    expect(differences('real', REAL, 'simulated', other)).toEqual([
      'full-cone, symmetric: real **relay** or direct (prflx), simulated direct (prflx)',
    ]);
    expect(differences('real', REAL, 'simulated', REAL)).toEqual([]);
    expect(differences('real', [{ ...REAL[2]!, paths: ['relay'] }], 'simulated', [])).toEqual([
      'symmetric, symmetric: real **relay**, simulated none',
    ]);
  });
});
