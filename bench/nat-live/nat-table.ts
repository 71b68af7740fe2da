import type { NatKind, NatPath } from '../../src/core/webrtc/nat/index.ts';
import { median } from '../measure.ts';

/** What came of the calls between two kinds of NAT. */
export interface PairOutcome {
  readonly a: NatKind;
  readonly b: NatKind;
  /** One a call; null: no connection. */
  readonly paths: readonly (NatPath | null)[];
  /** Of the calls that connected, ms. */
  readonly openMs: readonly number[];
}

const WORDS: Readonly<Record<NatPath, string>> = {
  direct: 'direct',
  'direct-prflx': 'direct (prflx)',
  relay: '**relay**',
};

/** The paths in words: one where all calls took the same. */
function pathWords({ paths }: PairOutcome): string {
  const words = paths.map((path) => (path === null ? 'none' : WORDS[path]));
  return [...new Set(words)].join(' or ');
}

/** The table in Markdown: a row and a column for each kind. */
export function matrix(kinds: readonly NatKind[], outcomes: readonly PairOutcome[]): string {
  const words = (name: string): string => name.replace('-cone', ' cone');
  const cell = (row: NatKind, column: NatKind): string => {
    const outcome = outcomes.find(({ a, b }) => a === row && b === column);
    if (outcome === undefined) return '';
    const { openMs } = outcome;
    const time = openMs.length === 0 ? '' : `, ${Math.round(median(openMs))} ms`;
    return `${pathWords(outcome)}${time}`;
  };
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    line(['', ...kinds.map(words)]),
    line(['---', ...kinds.map(() => '---')]),
    ...kinds.map((row) => line([words(row), ...kinds.map((column) => cell(row, column))])),
  ].join('\n');
}

/** Where two tables differ, in sentences. */
export function differences(
  oneName: string,
  one: readonly PairOutcome[],
  otherName: string,
  other: readonly PairOutcome[],
): string[] {
  return one.flatMap((outcome) => {
    const { a, b } = outcome;
    const twin = other.find((candidate) => candidate.a === a && candidate.b === b);
    const [mine, theirs] = [pathWords(outcome), twin === undefined ? 'none' : pathWords(twin)];
    return mine === theirs ? [] : [`${a}, ${b}: ${oneName} ${mine}, ${otherName} ${theirs}`];
  });
}
