import { countingProxy } from './counting-proxy.mjs';
import { judge, judgeOpus } from './judge.mjs';

/** @typedef {import('./counting-proxy.mjs').Fetched} Fetched */

/**
 * @typedef {object} Visit
 * @property {string} fault - empty when all is well
 * @property {Fetched | undefined} pcm - what the page that captures PCM has fetched; without the framework's own part
 * @property {Fetched | undefined} opus - likewise for Opus, encoded by libopus in the worklet
 */

const PAGE_TIMEOUT_MS = 60_000;

/** Waits for what the app makes, which a page that could not even load its script never does. */
const WAIT_FOR_RESULT = `
  const end = performance.now() + ${PAGE_TIMEOUT_MS};
  while (globalThis.embedded === undefined && performance.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return globalThis.embedded ?? { error: 'the app did not start', tried: [] };`;
/** The routes besides the one that the page of Opus takes at first. */
const OTHER_ROUTES = /** @type {const} */ (['worker', 'webcodecs']);

/**
 * Opens both pages of an app, and counts what they fetch.
 *
 * @param {import('../../test/engines/open-browser.mjs').OpenBrowser} browser
 * @param {import('./bundlers.mjs').ServedApp} app
 * @param {import('./setups.mjs').EmbedSetup} setup
 * @returns {Promise<Visit>}
 */
export async function visit(browser, app, setup) {
  /** @type {Visit} */
  const row = { fault: '', pcm: undefined, opus: undefined };
  // Next's server for development refuses other hosts, and the size of what such servers send says nothing.
  const counted = !setup.dev && !app.url.startsWith('file:');
  const proxy = counted ? await countingProxy(app.url) : undefined;
  const url = proxy?.url ?? app.url;
  try {
    /** @type {Fetched | undefined} */
    let bare;
    if (app.barePage !== undefined) {
      await browser.goto(new URL(app.barePage, url).href);
      bare = proxy?.take();
    }
    await browser.goto(new URL(app.page('pcm'), url).href);
    row.fault = judge(await browser.evaluate(WAIT_FOR_RESULT), setup.worklet);
    if (row.fault !== '') return row;
    row.pcm = without(proxy?.take(), bare);
    await browser.goto(new URL(app.page('opus'), url).href);
    row.fault = judgeOpus(await browser.evaluate(WAIT_FOR_RESULT), setup.worklet, 'worklet');
    row.opus = without(proxy?.take(), bare);
    for (const route of OTHER_ROUTES) {
      if (row.fault !== '') return row;
      const result = await browser.evaluate(
        `return captureOpus('${route}').catch((error) => ({ error: error.name + ': ' + error.message }))`,
      );
      row.fault = judgeOpus(result, setup.worklet, route);
    }
    return row;
  } finally {
    await proxy?.close();
  }
}

/**
 * @param {Fetched | undefined} all
 * @param {Fetched | undefined} part
 * @returns {Fetched | undefined}
 */
function without(all, part) {
  if (all === undefined || part === undefined) return all;
  return {
    requests: all.requests - part.requests,
    bytes: all.bytes - part.bytes,
    gzipBytes: all.gzipBytes - part.gzipBytes,
  };
}
