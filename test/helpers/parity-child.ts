/** Renders cases in plain Node and prints the results. Run by `render-in-node.mjs`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pack } from './packing.ts';
import { NODE_PARITY_NAMES, openParityCase, renderStandIn } from './parity.ts';

const [folder = ''] = process.argv.slice(2);
const results: Record<string, unknown> = {};
for (const name of NODE_PARITY_NAMES) {
  const parity = openParityCase(name);
  const options = pack(parity.options);
  const script = readFileSync(join(folder, `${parity.kase.worklet}.js`), 'utf8');
  results[name] = { options, result: await renderStandIn(parity, script) };
}
process.stdout.write(JSON.stringify(results));
