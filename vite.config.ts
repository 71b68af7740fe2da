import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { LinkProcess } from './demo/link/link-process.ts';
import { linkServer } from './demo/link/plugin.ts';
import { labServer } from './demo/server/plugin.ts';
import { opusWasm } from './scripts/opus-wasm.mjs';
import { Telephones } from './scripts/sip/telephones.mjs';
import { aliases } from './scripts/vite-aliases.mjs';
import { opus } from './scripts/vite-opus.mjs';
import { worklets } from './scripts/vite-worklets.mjs';
import { installedBrowsers } from './test/engines/provider.mjs';
import { askProgram } from './test/helpers/media-tools.mjs';
import { renderInNode } from './test/helpers/render-in-node.mjs';
import { sipServer } from './test/helpers/sip-server.mjs';
import { guideCode } from './test/helpers/vite-guide-code.mjs';
import { voiceServers } from './test/helpers/vite-voice-servers.ts';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/** Cross-origin isolation, which SharedArrayBuffer needs. */
const headers = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

/** Which engines the browser tests run in: `npm run test:engines` asks for all three. */
const engines = (process.env['MICWIRE_ENGINES'] ?? 'chromium').split(',');

/** Where calls over the link and the relay meet: `npm start -- --udp-host` sets it; this machine alone otherwise. */
const udpHost = process.env['MICWIRE_UDP_HOST'];
/** Starts when the first page asks for it. */
const link = new LinkProcess(udpHost === undefined ? {} : { spliceAddress: udpHost });

/** `npm start -- --phone` sets it. */
const hasTelephone = process.env['MICWIRE_PHONE'] !== undefined;
const telephone = { open: () => Telephones.open(udpHost) };

/** Many lanes at once take a machine of two cores for themselves. */
const WHOLE_LAB = [
  'devices-live',
  'lab',
  'lab-compare',
  'lab-lanes',
  'lab-learn',
  'lab-nat',
  'lab-opus',
  'lab-static',
  'lab-webtransport',
  'lab-wire',
  'examples',
  'serve-page',
  'site',
  'sip-telephone',
  'whip-janus',
].map((name) => `test/${name}.test.ts`);

/**
 * Firefox 153 starts no further AudioContext after some hundreds of them with worklets in one run: what opens many has a Firefox of
 * its own.
 */
const FIREFOXES: readonly (readonly string[])[] = [
  ['test/browser/sip.test.ts', 'test/browser/whip.test.ts'],
  ['test/browser/elements-*.test.ts', 'test/browser/set-source.test.ts'],
];

function instancesOf(browser: string) {
  if (browser !== 'firefox') return [{ browser }];
  const rest = { browser, exclude: [...FIREFOXES.flat(), 'test/fixtures/**'] };
  const others = FIREFOXES.map((include, i) => ({
    browser,
    name: `browser (firefox ${i + 2})`,
    include: [...include],
  }));
  return [rest, ...others];
}

export default defineConfig({
  plugins: [
    worklets(),
    opus(),
    labServer({
      signalling: { openSplice: (name) => link.openSplice(name) },
      webTransport: { onListening: (address, port) => link.setQuicServer({ address, port }) },
      sfu: {
        folder: process.env['MICWIRE_SFU_FOLDER'],
        loadOpus: async () => WebAssembly.compile((await opusWasm()).bytes as BufferSource),
        ...(udpHost === undefined ? {} : { address: udpHost }),
      },
      ...(udpHost === undefined ? {} : { turnAddress: udpHost }),
      ...(hasTelephone ? { telephone } : {}),
    }),
    linkServer(link),
    guideCode(),
    voiceServers(),
  ],
  resolve: {
    alias: aliases,
  },
  server: { headers },
  preview: { headers },
  // Workers of the lab are bundled by themselves, with the library in them.
  worker: { format: 'es', plugins: () => [worklets(), opus()] },
  test: {
    // Two files at once, whatever the machine: many wait for sound, which takes its time.
    maxWorkers: 2,
    // Longer than sound takes to begin on a machine that is busy.
    expect: { poll: { timeout: 10_000 } },
    projects: [
      {
        extends: true,
        test: {
          name: 'node',
          include: ['test/**/*.test.ts'],
          exclude: ['test/browser/**', 'test/fixtures/**', ...WHOLE_LAB],
          environment: 'node',
          // A hundred files: threads start faster than processes do.
          pool: 'threads',
          // The gates start processes that count: two at once is what two cores carry.
          maxConcurrency: 2,
          setupFiles: 'test/helpers/same-bits.ts',
          testTimeout: 20_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'lab',
          include: WHOLE_LAB,
          environment: 'node',
          // One after the other, after all others.
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        // Known before they are met: Vite reloads the page when it finds a package.
        optimizeDeps: { include: ['axe-core', 'jssip', 'lit', 'lit/decorators.js'] },
        test: {
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          setupFiles: 'test/helpers/same-bits.ts',
          testTimeout: 20_000,
          browser: {
            enabled: true,
            headless: true,
            ui: false,
            screenshotFailures: false,
            api: { host: '127.0.0.1' },
            commands: { askProgram, renderInNode, sipServer },
            provider: installedBrowsers({ microphone: path('test/fixtures/speech.wav') }),
            instances: engines.flatMap(instancesOf),
          },
        },
      },
    ],
  },
});
