/** What `npm run test:types` compiles the packed library with. docs/embedding.md has the table of it. */

/** Oldest first. Each is `typescript-VERSION` in test/fixtures/types/package.json. */
export const VERSIONS = ['5.4', '5.5', '5.6', '5.7', '5.8', '5.9', '6.0', '7.0'];

/** The oldest and the newest. */
export const QUICK_VERSIONS = ['5.4', '7.0'];

/** @type {Readonly<Record<string, { readonly module: string, readonly moduleResolution: string }>>} */
export const RESOLUTIONS = {
  bundler: { module: 'esnext', moduleResolution: 'bundler' },
  nodenext: { module: 'nodenext', moduleResolution: 'nodenext' },
};

/** Entries that run in any scope. `services/*` stands for each of them. */
const ANY_SCOPE = [
  'codec',
  'metering',
  'nat',
  'receive',
  'resampler',
  'rtp',
  'sdp',
  'services/*',
  'sip-ladder',
  'stun',
];

/**
 * A global scope: its libraries and types, and the entries that promise to compile there.
 *
 * @typedef {object} TypesSetting
 * @property {string} title
 * @property {readonly string[]} lib
 * @property {readonly string[]} types
 * @property {readonly string[]} entries - `''` is `micwire` itself
 */

/** Each is compiled with the app `NAME.ts` of test/fixtures/types. @type {Readonly<Record<string, TypesSetting>>} */
export const SETTINGS = {
  web: {
    title: 'a page',
    lib: ['es2022', 'dom'],
    types: [],
    entries: [
      '',
      'opus-inline',
      'elements',
      'elements/*',
      'min',
      'sip',
      ...ANY_SCOPE,
      'testing',
      'testing/fakes',
    ],
  },
  worker: {
    title: 'a Worker',
    lib: ['es2022', 'webworker'],
    types: [],
    entries: ['worker', ...ANY_SCOPE],
  },
  node: {
    title: 'Node without DOM',
    lib: ['es2022'],
    types: ['node'],
    entries: [...ANY_SCOPE, 'node', 'session-server', 'testing'],
  },
  worklet: {
    title: 'a worklet',
    lib: ['es2022'],
    types: ['audioworklet'],
    entries: ANY_SCOPE,
  },
};

/** @returns {string} the part of docs/embedding.md that says what is compiled */
export function typesTable() {
  const range = `${VERSIONS[0]} to ${VERSIONS.at(-1)}`;
  const rows = Object.values(SETTINGS).map(
    ({ title, lib, types }) => `| ${title} | ${list(lib)} | ${list(types)} | ${range} |`,
  );
  const entries = Object.values(SETTINGS).map(({ title, entries: all }) => {
    const own = all.filter((entry) => !ANY_SCOPE.includes(entry));
    const names = own.map((entry) => ['micwire', entry].filter(Boolean).join('/'));
    return `- ${title}: ${[...(own.length > 0 ? [list(names)] : []), 'those of any scope'].join(', ')}`;
  });
  return [
    '| in | `lib` | `types` | TypeScript |',
    '| --- | --- | --- | --- |',
    ...rows,
    '',
    'The entries that compile there:',
    '',
    ...entries,
    `- any scope: ${list(ANY_SCOPE.map((entry) => `micwire/${entry}`))}`,
  ]
    .map((line) => wrapped(line))
    .join('\n');
}

/** Breaks a long line of a list, as a guide does. @param {string} line */
function wrapped(line) {
  if (line.startsWith('|')) return line;
  return line.replaceAll(/(.{1,115})(?: |$)/g, '$1\n  ').trimEnd();
}

/** @param {readonly string[]} names */
function list(names) {
  return names.map((name) => `\`${name}\``).join(', ') || 'none';
}
