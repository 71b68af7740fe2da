/** Values of every kind, put in the place of others. */
const OTHERS: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  1e300,
  2 ** 53,
  '',
  'x',
  '-1',
  '1e999',
  'AAD/',
  'A',
  '\ud800',
  [],
  [null],
  [{}],
  {},
  { type: 'x' },
  { constructor: 1 },
];

/** A copy of a JSON value in which some values, at any depth, are of another kind, missing or twice there. */
export function mutateJson(value: unknown, random: () => number): unknown {
  const rate = 0.02 + random() * 0.4;
  return mutate(value, random, rate);
}

function mutate(value: unknown, random: () => number, rate: number): unknown {
  if (Array.isArray(value)) {
    return value.flatMap((item: unknown) => {
      if (random() < rate / 4) return [];
      const one = replaced(item, random, rate);
      return random() < rate / 4 ? [one, one] : [one];
    });
  }
  if (typeof value !== 'object' || value === null) return replaced(value, random, rate);
  const entries = Object.entries(value).filter(() => random() >= rate / 4);
  return Object.fromEntries(entries.map(([name, item]) => [name, replaced(item, random, rate)]));
}

function replaced(value: unknown, random: () => number, rate: number): unknown {
  if (random() < rate) return OTHERS[Math.floor(random() * OTHERS.length)];
  return typeof value === 'object' && value !== null ? mutate(value, random, rate) : value;
}
