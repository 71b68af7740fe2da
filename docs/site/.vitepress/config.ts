import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitepress';
import { runnable, runnableSnippets } from '../runnable.mjs';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const SNIPPETS = await runnableSnippets(ROOT);

const guides = (pages: Readonly<Record<string, string>>) =>
  Object.entries(pages).map(([page, text]) => ({ text, link: `/guide/${page}` }));

/** The entries of the package, in their built form, as a bundler finds them. */
function aliases() {
  const { exports } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8'));
  return Object.entries<{ default?: string } | null>(exports).flatMap(([entry, target]) => {
    const file = target?.default;
    if (file === undefined || entry.startsWith('./min')) return [];
    const name = `micwire${entry.slice(1)}`;
    const find = new RegExp(`^${name.replaceAll('/', '\\/').replace('*', '([\\w-]+)')}$`);
    return [{ find, replacement: ROOT + file.slice(2).replace('*', '$1') }];
  });
}

/** A stretch of a waveform. */
const ICON = `data:image/svg+xml,${encodeURIComponent(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path stroke="#0a62a8" stroke-width="2" stroke-linecap="round" d="M2 7v2m3-5v8m3-11v14m3-11v8m3-5v2"/></svg>',
)}`;

export default defineConfig({
  title: 'micwire',
  description: 'From the mic to the wire and back, in TypeScript.',
  lang: 'en',
  head: [['link', { rel: 'icon', href: ICON }]],
  base: process.env['MICWIRE_SITE_BASE'] ?? '/',
  srcDir: '../../dist/pages',
  outDir: './dist',
  cacheDir: './node_modules/.cache',
  lastUpdated: false,
  markdown: {
    // `<micwire-level>` in a text is text.
    html: false,
    config(md) {
      const fence = md.renderer.rules.fence!;
      md.renderer.rules.fence = (...given) => {
        const [tokens, index, , env] = given;
        const html = fence(...given);
        const token = tokens[index]!;
        if (token.info !== 'ts' || token.level > 0) return html;
        // Counted as in the file that the page was made of.
        env.snippets = (env.snippets ?? -1) + 1;
        const page: string = env.relativePath;
        const file = page === 'index.md' ? 'README.md' : page.replace(/^guide\//, 'docs/');
        const name = `${file}:${env.snippets}`;
        return SNIPPETS.has(name) ? `<RunSnippet name="${name}">${html}</RunSnippet>` : html;
      };
    },
  },
  vue: { template: { compilerOptions: { isCustomElement: (tag) => tag.startsWith('micwire-') } } },
  vite: {
    plugins: [runnable(SNIPPETS)],
    resolve: { alias: aliases() },
    build: { target: 'es2022', chunkSizeWarningLimit: 2000 },
  },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Guides', link: '/guide/capture' },
      { text: 'Reference', link: '/api/web' },
      { text: 'Examples', link: '/examples/' },
      { text: 'The lab', link: '/lab/index.html', target: '_self' },
    ],
    sidebar: {
      '/api/': [
        {
          text: 'Reference',
          items: Object.entries({
            web: 'micwire',
            codec: 'micwire/codec',
            elements: 'micwire/elements',
            metering: 'micwire/metering',
            nat: 'micwire/nat',
            node: 'micwire/node',
            receive: 'micwire/receive',
            resampler: 'micwire/resampler',
            rtp: 'micwire/rtp',
            sdp: 'micwire/sdp',
            services: 'micwire/services/*',
            sip: 'micwire/sip',
            'sip-ladder': 'micwire/sip-ladder',
            'session-server': 'micwire/session-server',
            stun: 'micwire/stun',
            testing: 'micwire/testing',
            'testing-fakes': 'micwire/testing/fakes',
            worker: 'micwire/worker',
          }).map(([page, text]) => ({ text, link: `/api/${page}` })),
        },
      ],
      '/': [
        {
          text: 'Start',
          items: [
            { text: 'What it is', link: '/' },
            ...guides({
              embedding: 'Embedding',
              browsers: 'Browsers',
              troubleshooting: 'Troubleshooting',
              glossary: 'Glossary',
            }),
            { text: 'Examples', link: '/examples/' },
          ],
        },
        {
          text: 'Devices',
          items: guides({ microphone: 'Microphone', speaker: 'Speaker', mixing: 'Mixing' }),
        },
        {
          text: 'From the mic',
          items: guides({
            capture: 'Capture',
            opus: 'Opus',
            metering: 'Metering',
            recording: 'Recording',
            elements: 'Elements',
          }),
        },
        {
          text: 'Over the wire',
          items: guides({
            session: 'Session',
            services: 'Speech services',
            protocol: 'Protocol',
            node: 'Servers in Node',
            scale: 'Many machines',
            transports: 'Transports',
            webtransport: 'WebTransport',
            'wire-format': 'Wire format',
            rtp: 'RTP',
            webrtc: 'WebRTC calls',
            whip: 'Live rooms',
            sip: 'SIP',
            'sip-ladders': 'Ladders of SIP',
            nat: 'NAT and ICE',
          }),
        },
        {
          text: 'And back',
          items: guides({
            playout: 'Playout',
            receiving: 'Receiving',
            'jitter-buffer': 'Delay',
          }),
        },
        {
          text: 'Parts and proof',
          items: guides({
            resampler: 'Resampler',
            testing: 'Testing',
            journeys: 'Journeys',
            architecture: 'Architecture',
          }),
        },
        {
          text: 'The lab',
          items: [
            { text: 'Open it', link: '/lab/index.html', target: '_self' },
            ...guides({
              lab: 'Manual',
              'lab-results': 'Results',
              'lab-definitions': 'Definitions',
              'lab-code': 'Code',
              link: 'Simulated network',
            }),
          ],
        },
        {
          text: 'Project',
          items: [
            { text: 'Changelog', link: '/changelog' },
            { text: 'Contributing', link: '/contributing' },
            { text: 'Security', link: '/security' },
          ],
        },
      ],
    },
  },
});
