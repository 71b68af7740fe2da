import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { toolFile } from '../../scripts/run.mjs';
import type { ServiceRequest } from '../../src/core/services/service.ts';
import { OPEN, audio, interrupted } from './service-case.ts';
import type { ServiceCase } from './service-case.ts';
import { SERVICES } from './table.ts';
import { VENDOR_TYPES } from './vendor-types.ts';
import type { VendorTypes, WireObject } from './vendor-types.ts';

/*
 * Compiles our messages against the types that vendors publish: those that services encode, and those of our fixtures that they are to
 * understand. Each becomes a constant of the vendor's type in a file of TypeScript. `node scripts/vendor-types.mjs` installs the packages.
 */

const FOLDER = fileURLToPath(new URL('../../node_modules/.vendor-types', import.meta.url));
const LOCK = readFileSync(new URL('package-lock.json', import.meta.url), 'utf8');
const INSTALLED = join(FOLDER, 'installed.json');
const installed = existsSync(INSTALLED) && readFileSync(INSTALLED, 'utf8') === LOCK;

/** What every type is to refuse: else its check would say nothing. */
const WRONG = '{ micwireHasNoSuchField: 1 }';

const HEAD = `
/** The values of enumerations, as JSON has them. */
type Wire<T> = T extends string ? \`\${T}\` : T extends object ? { [K in keyof T]: Wire<T[K]> } : T;
type Replaced<T, U> = Omit<T, keyof U> & U;
export type Used = Wire<0> | Replaced<object, object>;
`;

const REQUESTS: readonly ServiceRequest[] = [
  OPEN,
  { ...OPEN, handle: 'handle-1', frame: 48_000, connections: 1 },
  audio(),
  { type: 'commit', frame: 4 },
  interrupted('reply-1', 480),
  { type: 'mute', muted: true },
  { type: 'mute', muted: false },
  { type: 'keep-alive' },
  { type: 'end' },
];

/** Faults of a service's file, by line. */
const faults = new Map<string, string[]>();

describe.skipIf(!installed)(
  `the types of vendors (skipped where \`node scripts/vendor-types.mjs\` has not installed them)`,
  () => {
    beforeAll(async () => {
      const check = join(FOLDER, 'check');
      await rm(check, { recursive: true, force: true });
      await mkdir(check, { recursive: true });
      const lines = new Map<string, readonly string[]>();
      for (const [id, types] of Object.entries(VENDOR_TYPES)) {
        const row = SERVICES.find((one) => one.id === id);
        if (row === undefined) continue;
        const source = sourceOf(row, types);
        lines.set(id, source.split('\n'));
        await writeFile(join(check, `${id}.ts`), source);
      }
      await writeFile(join(check, 'tsconfig.json'), JSON.stringify({ compilerOptions: OPTIONS }));
      for (const [id, fault] of await compile(check)) {
        const [line, message] = fault;
        const shown = lines.get(id)?.[line - 1]?.slice(0, 400) ?? '';
        faults.set(id, [...(faults.get(id) ?? []), `${message}\n    ${shown}`]);
      }
    }, 120_000);

    it('have an entry only for services in the table', () => {
      const ids = SERVICES.map(({ id }) => id);
      expect(Object.keys(VENDOR_TYPES).filter((id) => !ids.includes(id))).toEqual([]);
    });

    it.each(Object.keys(VENDOR_TYPES))('fit the messages of %s', (id) => {
      expect(faults.get(id)?.join('\n') ?? '').toBe('');
    });

    it('are found by the compiler', () => {
      expect(faults.get('')?.join('\n') ?? '').toBe('');
    });
  },
);

const OPTIONS = {
  target: 'es2023',
  module: 'esnext',
  moduleResolution: 'bundler',
  lib: ['es2023', 'dom', 'dom.iterable', 'dom.asynciterable'],
  types: [],
  strict: true,
  noEmit: true,
  // The vendors' own declarations are not what is looked at.
  skipLibCheck: true,
};

/** A constant for each message, on a line of its own. */
function sourceOf(row: ServiceCase, types: VendorTypes): string {
  const imports = Object.entries(types.from).map(
    ([name, file]) => `import type * as ${name} from '../node_modules/${file}';`,
  );
  const up = new Map(upMessages(row).map((message) => [JSON.stringify(message), message]));
  const constants = [
    ...constantsOf('up', [...up.values()], types.up, types),
    ...constantsOf('down', downMessages(row), types.down, types),
  ];
  return [...imports, HEAD, ...constants, ''].join('\n');
}

function constantsOf(
  direction: string,
  messages: readonly WireObject[],
  typeOf: VendorTypes['up'],
  { named = (message) => message }: VendorTypes,
): string[] {
  const lines: string[] = [];
  const wanted = new Set<string>();
  for (const [index, message] of messages.entries()) {
    const type = typeOf?.(message);
    if (type === undefined) continue;
    wanted.add(type);
    const literal = JSON.stringify(named(message));
    lines.push(`export const ${direction}${index}: ${type} = ${literal};`);
  }
  for (const [index, type] of [...wanted].entries()) {
    lines.push('// @ts-expect-error A type that takes anything would check nothing.');
    lines.push(`export const ${direction}Wrong${index}: ${type} = ${WRONG};`);
  }
  return lines;
}

/** What the service sends, with each of its options, but for messages of the app's. */
function upMessages({ create, variants, fixtures }: ServiceCase): WireObject[] {
  const messages: unknown[] = [];
  const service = create();
  for (const steps of fixtures) {
    const connection = service.connect();
    for (const step of steps) {
      if ('message' in step) {
        const { message } = step;
        const isText = typeof message === 'string' || message instanceof Uint8Array;
        connection.decode(isText ? message : JSON.stringify(message));
      } else if (step.request.type !== 'message') {
        messages.push(...connection.encode(step.request));
      }
    }
  }
  for (const variant of variants) {
    const connection = variant().connect();
    for (const request of REQUESTS) messages.push(...connection.encode(request));
  }
  return messages.flatMap(objectOf);
}

function downMessages({ fixtures }: ServiceCase): WireObject[] {
  return fixtures.flat().flatMap((step) => {
    if (!('message' in step)) return [];
    const { message } = step;
    return typeof message === 'string' || message instanceof Uint8Array ? [] : [message];
  });
}

/** Only messages of JSON have types. */
function objectOf(message: unknown): WireObject[] {
  if (typeof message !== 'string' || !message.startsWith('{')) return [];
  return [JSON.parse(message) as WireObject];
}

/** @returns for each fault the file, without a path and `.ts`; '' for a fault of none: the line and the message */
async function compile(folder: string): Promise<(readonly [string, readonly [number, string]])[]> {
  const args = [toolFile('typescript', 'tsc'), '-p', folder, '--pretty', 'false'];
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    cwd: folder,
    maxBuffer: 2 ** 26,
  }).catch((error: unknown) => error as { stdout: string });
  return stdout
    .split('\n')
    .filter((line) => line.includes('error TS'))
    .map((line) => {
      const match = /([\w-]+)\.ts\((\d+),\d+\): (.*)$/.exec(line);
      if (match === null) return ['', [0, line]] as const;
      return [match[1]!, [Number(match[2]), match[3]!]] as const;
    });
}
