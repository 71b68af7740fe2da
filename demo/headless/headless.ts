/**
 * The lab without a picture, for `npm run lab` and tests: drawing would take time from what is measured. What it offers is in
 * `globalThis.lab`.
 */
import { Session } from '../controllers/session.ts';
import { LANES } from '../lanes/lanes.ts';
import { METRICS } from '../measure/metrics.ts';
import { lanesNamed, linkOf } from '../runs/address.ts';
import { csvOf, rowsOf } from '../runs/run-rows.ts';

const session = new Session({ addController() {}, requestUpdate() {} });

/** What the page offers to its driver. */
const lab = { session, LANES, METRICS, lanesNamed, linkOf, rowsOf, csvOf };

/** Type of `globalThis.lab`. */
export type HeadlessLab = typeof lab;

Object.assign(globalThis, { lab });
