import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { formatTable, lossTable, unconfirmedList } from './services-guide.ts';
import { SERVICES } from './table.ts';

const GUIDE = new URL('../../docs/services.md', import.meta.url);

/** Parts between `<!-- name -->` and `<!-- /name -->`. Rewrite them with `npx vitest run --project node test/services/docs.test.ts -u`. */
const PARTS = { formats: formatTable, losses: lossTable, unconfirmed: unconfirmedList };

describe('docs/services.md', () => {
  it('has what the table of services says', async () => {
    let text = readFileSync(GUIDE, 'utf8');
    for (const [name, make] of Object.entries(PARTS)) {
      const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
      const [before, rest = ''] = text.split(begin);
      const [, after] = rest.split(end);
      expect(after, `${begin} … ${end}`).toBeDefined();
      text = `${before}${begin}\n\n${make(SERVICES)}\n\n${end}${after}`;
    }
    await expect(text).toMatchFileSnapshot(GUIDE.pathname);
  });
});
