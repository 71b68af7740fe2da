import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { SIZE_USES } from '../scripts/size-uses.mjs';
import { bundleWorker, bundleWorklet } from '../scripts/bundle-worklet.mjs';
import { opusWasm } from '../scripts/opus-wasm.mjs';

/*
 * What the guides say about the repository and the API: links, paths, commands, error codes, defaults, sizes. Snippets are
 * held by guide-snippets.test.ts.
 */

const ROOT = join(import.meta.dirname, '..');
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
const GUIDES: readonly string[] = [
  ...['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md'],
  ...readdirSync(join(ROOT, 'docs')).flatMap((name) =>
    name.endsWith('.md') ? [`docs/${name}`] : [],
  ),
];

/** A guide without its blocks of code. */
function prose(guide: string): string {
  return read(guide).replaceAll(/^```.*?^```$/gms, '');
}

/** The anchors of a guide's headings, as GitHub makes them. */
function anchors(guide: string): Set<string> {
  const headings = [...prose(guide).matchAll(/^#+ (.+)$/gm)].map(([, text = '']) => text);
  return new Set(
    headings.map((text) =>
      text
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(/\s/g, '-'),
    ),
  );
}

/** Every source of the library, by its path. */
const SOURCES: Readonly<Record<string, string>> = Object.fromEntries(
  readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => [`src/${name}`, read(`src/${name}`)]),
);

/** The members of an interface that have a default in their doc comments. */
function defaultsOf(name: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const text of Object.values(SOURCES)) {
    const body = new RegExp(`interface ${name}\\b[^{]*\\{\\n(.*?)^\\}`, 'ms').exec(text)?.[1];
    if (body === undefined) continue;
    for (const [, comment = '', member = ''] of body.matchAll(
      /\/\*\*((?:(?!\*\/).)*?)\*\/\s*readonly (\w+)\??:/gs,
    )) {
      const value = /@default\s+((?:.|\n(?!\s*\*\s*@))*)/.exec(comment)?.[1];
      if (value !== undefined) found.set(member, value.replaceAll(/\s*\n\s*\*?\s*/g, ' ').trim());
    }
  }
  return found;
}

/** The rows of the tables under a heading `| option | default | …`. */
function optionRows(guide: string): { readonly names: string[]; readonly cell: string }[] {
  const tables = [
    ...prose(guide).matchAll(/^\| option \| default \|.*\n\|[ -|]*\n((?:\|.*\n)*)/gm),
  ];
  return tables.flatMap(([, rows = '']) =>
    rows
      .trim()
      .split('\n')
      .map((row) => {
        const [, first = '', cell = ''] = row.split('|');
        const names = [...first.matchAll(/`(\w+)`/g)].map(([, name = '']) => name);
        return { names, cell: cell.trim() };
      }),
  );
}

describe('links and paths of the guides', () => {
  test.each(GUIDES)('%s: every link leads to a file and a heading', (guide) => {
    for (const [, target = ''] of prose(guide).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue;
      const [path = '', anchor] = target.split('#');
      const file = path === '' ? guide : relative(ROOT, join(ROOT, dirname(guide), path));
      expect(existsSync(join(ROOT, file)), `${guide} → ${target}`).toBe(true);
      if (anchor !== undefined)
        expect([...anchors(file)], `${guide} → ${target}`).toContain(anchor);
    }
  });

  test.each(GUIDES)('%s: every path of this repository exists', (guide) => {
    const path = /`((?:src|test|demo|bench|scripts|docs|wasm|worklets|\.ci)\/[\w./-]+)`/g;
    for (const [, name = ''] of prose(guide).matchAll(path)) {
      // `src/x/index.ts`, `worklets/x.ts`: what a reader is to add.
      if (/\/x[./-]|\bNAME\b/.test(name)) continue;
      expect(existsSync(join(ROOT, name)), `${guide}: ${name}`).toBe(true);
    }
  });

  test('every command of the guides exists', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const suites = readdirSync(join(ROOT, 'bench')).flatMap((file) => {
      return /^(.+)\.bench\.m?[jt]s$/.exec(file)?.[1] ?? [];
    });
    for (const guide of GUIDES) {
      for (const [, name = ''] of read(guide).matchAll(/npm run ([a-z:]+)/g)) {
        expect(Object.keys(scripts), guide).toContain(name);
      }
      for (const [, suite = ''] of read(guide).matchAll(/npm run bench -- ([a-z-]+)/g)) {
        expect(suites, guide).toContain(suite);
      }
    }
  });
});

describe('the API in the guides', () => {
  const union = (name: string): string[] => {
    const body = new RegExp(`type ${name} =(.*?);\\n\\n`, 's').exec(
      SOURCES['src/core/errors.ts']!,
    )?.[1];
    return [...body!.matchAll(/\| '([\w-]+)'/g)].map(([, code = '']) => code).sort();
  };

  test('docs/troubleshooting.md has every code of MicwireError, and no other', () => {
    const rows = [...read('docs/troubleshooting.md').matchAll(/^\| `'([\w-]+)'` \|/gm)];
    expect(rows.map(([, code = '']) => code).sort()).toEqual(union('MicwireErrorCode'));
  });

  test('docs/wire-format.md has every reason of PacketError, and no other', () => {
    const section = read('docs/wire-format.md').split('## What a decoder refuses')[1]!;
    const rows = [...section.matchAll(/^\| `([\w-]+)` \|/gm)];
    expect(rows.map(([, reason = '']) => reason).sort()).toEqual(union('PacketErrorReason'));
  });

  const OPTIONS: Readonly<Record<string, readonly string[]>> = {
    'docs/capture.md': ['CaptureOptions', 'CaptureSettings', 'CommonCaptureOptions'],
    'docs/opus.md': ['OpusCaptureOptions', 'OpusOptions'],
    'docs/playout.md': ['PlayoutOptions'],
    'docs/receiving.md': ['ReceiverOptions'],
    'docs/transports.md': [
      'WebSocketTransportOptions',
      'WaterMarkOptions',
      'BackOffOptions',
      'HeartbeatOptions',
    ],
    'docs/webrtc.md': ['CallOptions'],
    'docs/rtp.md': ['RedundancyOptions', 'RedundancyControllerOptions', 'RtpStream'],
  };

  test.each(Object.keys(OPTIONS))(
    '%s: the defaults of its tables are those of the code',
    (guide) => {
      const known = new Map(OPTIONS[guide]!.flatMap((name) => [...defaultsOf(name)]));
      let compared = 0;
      for (const { names, cell } of optionRows(guide)) {
        for (const name of names) {
          // A number or a word in quotes can be compared; sentences are for readers.
          const literal = /^(-?[\d.]+|'[\w-]+'|true|false)(?=$|[\s,;])/.exec(
            known.get(name) ?? '',
          )?.[1];
          if (literal === undefined) continue;
          const plain = literal === 'false' ? /false|off/ : literal;
          expect(cell, `${guide}: ${name}`).toMatch(plain);
          compared++;
        }
      }
      expect(compared).toBeGreaterThan(1);
    },
  );

  test('docs/metering.md: the settings of meters have the defaults of the code', () => {
    const rows = read('docs/metering.md')
      .split('| meter | settings and defaults |')[1]!
      .split('\n\n')[0]!
      .replaceAll('−', '-');
    const names = ['PeakMeterOptions', 'PeakHoldOptions', 'RmsMeterOptions', 'PpmMeterOptions'];
    names.push('VuMeterOptions', 'ActivityDetectorOptions');
    for (const name of names) {
      for (const [member, value] of defaultsOf(name)) {
        const literal = /^(-?[\d./]+|'\w+')/.exec(value)?.[1];
        if (literal === undefined) continue;
        expect(rows, `${name}.${member}`).toMatch(new RegExp(`\`${member}\` \`?${literal}`));
      }
    }
  });
});

describe('sizes in the guides', () => {
  const kilobytes = (data: string | Uint8Array): number =>
    Math.round(gzipSync(data, { level: 9 }).length / 1000);

  test('docs/opus.md states the download sizes of Opus', async () => {
    const guide = read('docs/opus.md');
    const library = kilobytes((await opusWasm()).bytes);
    const worker = kilobytes((await bundleWorker('opus', { minify: true })).code);
    const worklet = kilobytes((await bundleWorklet('capture-opus', { minify: true })).code);
    const told = (row: string): number[] => {
      const cell = guide.split(`| ${row} | `)[1]!.split(' |')[0]!;
      return [...cell.matchAll(/(\d+) kB/g)].map(([, number]) => Number(number));
    };
    for (const [row, sizes] of [
      ['libopus on the audio thread', [library, worklet]],
      ['libopus in a Worker', [library, worker]],
      ["the engine's encoder in a Worker", [worker]],
    ] as const) {
      const differences = told(row).map((size, i) => Math.abs(size - sizes[i]!));
      expect(differences, row).toHaveLength(sizes.length);
      expect(Math.max(...differences), `${row}: ${sizes.join(' + ')} kB`).toBeLessThanOrEqual(1);
    }
  });

  const budget = JSON.parse(read('size-budget.json')) as Record<string, number>;

  test('README.md states the download size of each use, as in the budget', () => {
    const told = Object.entries(SIZE_USES).flatMap(([name, { title }]) => {
      if (title === undefined) return [];
      const row = read('README.md').split(`| ${title} |`)[1]!.split('\n')[0]!;
      return [{ name, inAll: Number(/([\d.]+) \|$/.exec(row)![1]) }];
    });
    expect(told.length).toBeGreaterThan(4);
    for (const { name, inAll } of told) {
      const limit = budget[`${name}: in all`]! / 1000;
      expect(inAll - 0.05, name).toBeLessThanOrEqual(limit);
      expect(inAll, name).toBeGreaterThan(0.9 * limit);
    }
  });

  test('docs/resampler.md states the download sizes of plans, as in the budget', () => {
    const guide = read('docs/resampler.md');
    const size = (name: string): number => Math.round(budget[name]! / 1000);
    const lean = size('resampler, usual rates: page');
    const more = size('resampler, usual rates: on demand');
    expect(guide).toMatch(
      new RegExp(`\\| \`loadResamplerPlan\`[^|]*\\| ${lean} kB +\\| ${more} kB more +\\|`),
    );
    expect(guide).toMatch(
      new RegExp(`\\| \`Resampler\`[^|]*\\| ${size('resampler: page')} kB +\\|`),
    );
  });

  test('docs/architecture.md states how short a processor is', () => {
    const names = readdirSync(join(ROOT, 'worklets')).filter((name) =>
      /^[\w-]+(?<!globals\.d)\.ts$/.test(name),
    );
    for (const name of names) {
      const lines = read(`worklets/${name}`).trimEnd().split('\n').length;
      expect(lines, name).toBeLessThan(150);
    }
    expect(read('docs/architecture.md')).toMatch(/a shell has fewer\s+than\s+150\s+lines/);
  });
});
