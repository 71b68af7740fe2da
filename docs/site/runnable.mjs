/**
 * The snippets of the guides that a page can run: those that need nothing but a microphone, an AudioContext and what they import
 * from micwire. `virtual:runnable` has them by name: `docs/capture.md:0` is the first block of docs/capture.md that is marked `ts`.
 */
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseAst } from 'rollup/parseAst';
import { transformWithEsbuild } from 'vite';

const BLOCK = /^```ts\n(.*?)^```/gms;
const IMPORT = /^import\b[^;]*;\n/gm;
/** What waits for a click: the page has a button of its own. */
const CLICK =
  /^document\.querySelector\('button'\)\?\.addEventListener\('click', async \(\) => \{\n(.*?)^\}\);$/ms;
/** What a snippet may speak of without making it: the page makes it. */
const MADE = ['context', 'microphone', 'source', 'track'];
/** What a snippet may use of the page and of the language. A connection to a server is not among it. */
const GLOBALS = new Set(
  `AbortSignal Array AudioContext AudioWorkletNode Blob ConstantSourceNode Date Error Float32Array Float64Array GainNode
  Infinity Int16Array JSON Map Math MediaStream NaN Number Object OfflineAudioContext OscillatorNode Promise Set String
  URL Uint8Array clearInterval clearTimeout console globalThis navigator performance queueMicrotask requestAnimationFrame
  setInterval setTimeout undefined`.split(/\s+/),
);
/** Where a snippet imports from: entries for servers and for tests run elsewhere. */
const ENTRY = /^micwire(?!\/(node|session-server|testing|worker|elements))/;

/** @typedef {{ readonly needs: readonly string[], readonly module: string }} Runnable */

/**
 * @param {string} code
 * @returns {Promise<Runnable | null>} null: it needs what a page of the site has not
 */
async function runnableOf(code) {
  const plain = code.replace(CLICK, '$1');
  const imports = plain.match(IMPORT)?.join('') ?? '';
  const body = plain.replaceAll(IMPORT, '');
  if (/^(export|declare)\b/m.test(body)) return null;
  // A function, so that it can run again.
  const source = `${imports}export default async function () {\n${body}}\n`;
  const { code: module } = await transformWithEsbuild(source, 'snippet.ts', {
    sourcemap: false,
    // Imports that only the function uses would look unused.
    tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } },
  });
  const { free, modules, isHeard, asksServer } = namesOf(parseAst(module));
  if (!isHeard || asksServer || !modules.every((name) => ENTRY.test(name))) return null;
  if (!free.every((name) => GLOBALS.has(name) || MADE.includes(name))) return null;
  return { needs: free.filter((name) => MADE.includes(name)), module };
}

/**
 * The names that a module uses and does not declare anywhere, and what it imports from.
 *
 * @param {object} program
 */
function namesOf(program) {
  const declared = new Set();
  const used = new Set();
  /** @type {string[]} */
  const modules = [];
  let isHeard = false;
  let asksServer = false;
  const declare = (/** @type {any} */ pattern) => {
    if (pattern?.type === 'Identifier') declared.add(pattern.name);
    else if (pattern?.type === 'ObjectPattern') {
      for (const property of pattern.properties) declare(property.value ?? property.argument);
    } else if (pattern?.type === 'ArrayPattern') pattern.elements.forEach(declare);
    else if (pattern?.type === 'AssignmentPattern') declare(pattern.left);
    else if (pattern?.type === 'RestElement') declare(pattern.argument);
  };
  const visit = (/** @type {any} */ node, /** @type {any} */ parent, /** @type {string} */ key) => {
    if (Array.isArray(node)) return node.forEach((each) => visit(each, parent, key));
    if (typeof node?.type !== 'string') return;
    if (node.type === 'ImportDeclaration') {
      modules.push(node.source.value);
      for (const { local } of node.specifiers) declared.add(local.name);
      return;
    }
    if (node.type === 'VariableDeclarator' || node.type === 'FunctionDeclaration') declare(node.id);
    if (node.type === 'CatchClause') declare(node.param);
    if (/Function/.test(node.type)) node.params.forEach(declare);
    const isName = (key === 'property' || key === 'key') && !parent.computed;
    if (node.type === 'Identifier' && !isName) used.add(node.name);
    if (node.type === 'Literal' && /^(wss?:|https?:|\/)/.test(String(node.value)))
      asksServer = true;
    // It says something, or it is heard.
    if (isName && ['log', 'connect'].includes(node.name)) isHeard = true;
    for (const [name, child] of Object.entries(node)) visit(child, node, name);
  };
  visit(program, null, '');
  const free = [...used].filter((name) => !declared.has(name));
  return { free, modules, isHeard, asksServer };
}

/**
 * @param {string} root
 * @returns {Promise<ReadonlyMap<string, Runnable>>} by the snippet's name
 */
export async function runnableSnippets(root) {
  const snippets = new Map();
  const guides = (await readdir(join(root, 'docs'))).filter((name) => name.endsWith('.md'));
  for (const file of ['README.md', ...guides.map((name) => `docs/${name}`)]) {
    const text = await readFile(join(root, file), 'utf8');
    for (const [index, [, code = '']] of [...text.matchAll(BLOCK)].entries()) {
      const runnable = await runnableOf(code);
      if (runnable !== null) snippets.set(`${file}:${index}`, runnable);
    }
  }
  return snippets;
}

/**
 * @param {ReadonlyMap<string, Runnable>} snippets
 * @returns {import('vite').Plugin}
 */
export function runnable(snippets) {
  return {
    name: 'micwire-runnable',
    resolveId: (id) => (/^(virtual:runnable$|snippet:)/.test(id) ? `\0${id}` : undefined),
    load(id) {
      if (id !== '\0virtual:runnable') return snippets.get(id.replace('\0snippet:', ''))?.module;
      const rows = [...snippets].map(([name, { needs }]) => {
        const module = JSON.stringify(`snippet:${name}`);
        return `${JSON.stringify(name)}: { needs: ${JSON.stringify(needs)}, load: () => import(${module}) },`;
      });
      return `export const RUNNABLE = {\n${rows.join('\n')}\n};\n`;
    },
  };
}
