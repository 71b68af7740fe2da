import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { appThatUses, measureBundle, sum, weigh } from './measure-size.mjs';
import { ROOT } from './run.mjs';

/**
 * What a page does with the library, and what it then fetches.
 *
 * @typedef {object} SizeUse
 * @property {string} [title] of its row in README's table
 * @property {string} imports
 * @property {string} [from] the entry's folder below dist/src
 * @property {string} [service] a service is chosen by its import: one is paid for
 * @property {readonly string[]} worklets
 * @property {readonly string[]} fetches modules that it imports on demand
 */

/** Contexts of 48 kHz, streams of 16 or 24. @type {Readonly<Record<string, SizeUse>>} */
export const SIZE_USES = {
  capture: {
    title: 'PCM capture, 48 → 16 kHz',
    imports: '{ Capture }',
    worklets: ['capture'],
    fetches: ['usual-planner'],
  },
  'capture + playout': {
    title: 'the same with Base64, and playout of 24 kHz',
    imports: '{ Capture, Playout }',
    worklets: ['capture', 'playout'],
    fetches: ['usual-planner'],
  },
  resampler: {
    title: '`Resampler` alone, any rates',
    imports: '{ Resampler }',
    from: 'core/resampler',
    worklets: [],
    fetches: [],
  },
  'resampler, usual rates': {
    title: '`loadResamplerPlan`, usual rates',
    imports: '{ createResampler, loadResamplerPlan }',
    from: 'core/resampler',
    worklets: [],
    fetches: [],
  },
  meter: {
    title: '`Meter`',
    imports: '{ Meter }',
    worklets: ['meter'],
    fetches: ['meter-module'],
  },
  microphone: {
    imports: '{ Capture, Microphone }',
    worklets: ['capture', 'microphone'],
    fetches: ['usual-planner'],
  },
  speaker: { imports: '{ Speaker }', worklets: [], fetches: [] },
  playout: { imports: '{ Playout }', worklets: ['playout'], fetches: ['usual-planner'] },
  receiver: {
    title: '`Receiver` of PCM',
    imports: '{ Receiver }',
    worklets: ['receive'],
    fetches: ['usual-variable-planner'],
  },
  session: {
    title: '`Session` with `openai-realtime`',
    imports: '{ Session }',
    service: 'openai-realtime',
    worklets: ['capture', 'playout', 'microphone'],
    fetches: ['usual-planner'],
  },
  call: { imports: '{ Call, WebSocketSignalling }', worklets: [], fetches: [] },
  telephone: { imports: '{ SipPhone }', from: 'web/sip', worklets: [], fetches: [] },
  'SIP ladder': {
    imports: '{ SipLadder, explainSipMessage, sipLadderText }',
    from: 'core/sip',
    worklets: [],
    fetches: [],
  },
  'live room': { imports: '{ Whip, Whep }', worklets: [], fetches: [] },
  all: {
    imports: '*',
    worklets: ['capture', 'meter', 'microphone', 'mixer', 'playout', 'receive'],
    fetches: ['usual-planner', 'usual-variable-planner', 'meter-module'],
  },
};

/**
 * The module of an app that is only the use.
 *
 * @param {SizeUse} use
 * @returns {string}
 */
function appOf({ imports, from = 'web', service }) {
  const files = [[imports, `${from}/index.js`]];
  if (service !== undefined) files.push(['*', `core/services/${service}.js`]);
  return files
    .map(([names = '', file = '']) => appThatUses(names, join(ROOT, 'dist/src', file)))
    .join('\n');
}

/**
 * What a use downloads: `page` at once, the `worklets`, what it then `fetched`, and `inAll`; `onDemand` is all that it may fetch.
 *
 * @param {SizeUse} use
 * @returns {Promise<Record<'page' | 'worklets' | 'fetched' | 'inAll' | 'onDemand', import('./measure-size.mjs').Size>>}
 */
export async function measureUse(use) {
  const { atOnce, onDemand, fetched } = await measureBundle(appOf(use), use);
  const files = await Promise.all(
    use.worklets.map(async (name) => weigh(await readFile(join(ROOT, `dist/worklets/${name}.js`)))),
  );
  const worklets = sum(files);
  return { page: atOnce, worklets, fetched, inAll: sum([atOnce, worklets, fetched]), onDemand };
}
