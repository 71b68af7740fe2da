/**
 * Makes the site's pages of the project's Markdown: `README.md` is the first page, `docs/` the guides, `docs/api/` the reference,
 * and each folder of `examples/` a page with its sources. Links are rewritten; a link to anything else becomes text.
 */
import { copyFile, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, extname, join, posix } from 'node:path';

/** Pages that are not in docs/. */
const PAGES = {
  'README.md': 'index.md',
  'CHANGELOG.md': 'changelog.md',
  'CONTRIBUTING.md': 'contributing.md',
  'SECURITY.md': 'security.md',
  'examples/README.md': 'examples/index.md',
};
const LINK = /(!?\[[^\]]*\])\(([^)\s]+)\)/g;
const LANGUAGES = {
  '.tsx': 'tsx',
  '.ts': 'ts',
  '.vue': 'vue',
  '.svelte': 'svelte',
  '.html': 'html',
};

/**
 * @param {string} root - the project's folder
 * @param {string} target - emptied first
 * @returns {Promise<ReadonlyMap<string, string>>} the page of each file of Markdown
 */
export async function makePages(root, target) {
  const sources = new Map(Object.entries(PAGES));
  for (const name of await readdir(join(root, 'docs'))) {
    if (name.endsWith('.md')) sources.set(`docs/${name}`, `guide/${name}`);
  }
  for (const name of await readdir(join(root, 'docs/api'))) {
    if (name.endsWith('.md') && !name.endsWith('.api.md'))
      sources.set(`docs/api/${name}`, `api/${name}`);
  }
  const examples = (await readdir(join(root, 'examples'), { withFileTypes: true }))
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
  const pages = new Map(sources);
  for (const name of examples) pages.set(`examples/${name}`, `examples/${name}.md`);
  pages.set('examples/voice-client/README.md', 'examples/voice-client.md');
  pages.set('docs/api', 'api/web.md');

  await rm(target, { recursive: true, force: true });
  const write = async (/** @type {string} */ page, /** @type {string} */ text) => {
    await mkdir(dirname(join(target, page)), { recursive: true });
    await writeFile(join(target, page), text);
  };
  for (const [source, page] of sources) {
    const text = await readFile(join(root, source), 'utf8');
    const images = new Set();
    await write(page, relink(text, source, page, pages, images));
    for (const image of images) {
      await mkdir(join(target, 'guide'), { recursive: true });
      await copyFile(join(root, image), join(target, imagePage(image)));
    }
  }
  for (const name of examples) await write(`examples/${name}.md`, await examplePage(root, name));
  return pages;
}

/** @param {string} image - a file of docs/ */
function imagePage(image) {
  return `guide/${posix.basename(image)}`;
}

/**
 * @param {string} text
 * @param {string} source
 * @param {string} page
 * @param {ReadonlyMap<string, string>} pages
 * @param {Set<unknown>} images - gets those that the text shows
 */
function relink(text, source, page, pages, images) {
  // Code is printed as it is.
  const parts = text.split(/(^```.*?^```$)/ms);
  return parts
    .map((part, index) =>
      index % 2 === 1
        ? part.replace(/^```hex/, '```txt')
        : part.replaceAll(/<!--.*?-->\n*/gs, '').replaceAll(LINK, (whole, label, address) => {
            if (/^(\w+:|#)/.test(address)) return whole;
            const [path, hash] = address.split('#');
            const file = posix.join(posix.dirname(source), path).replace(/\/$/, '');
            const tail = hash === undefined ? '' : `#${hash}`;
            if (/\.(svg|png)$/.test(file)) {
              images.add(file);
              return `${label}(./${posix.relative(posix.dirname(page), imagePage(file))})`;
            }
            const known = pages.get(file);
            if (known === undefined) return label.slice(1, -1);
            return `${label}(./${posix.relative(posix.dirname(page), known)}${tail})`;
          }),
    )
    .join('');
}

/**
 * @param {string} root
 * @param {string} name
 */
async function examplePage(root, name) {
  const folder = join(root, 'examples', name);
  const files = (await readdir(folder)).filter((file) => extname(file) in LANGUAGES);
  // What the page shows first is what the app does; its set-up comes last.
  const order = (/** @type {string} */ file) =>
    /^(vite\.config|index\.html|main\.tsx$)/.test(file) ? 1 : 0;
  files.sort((one, other) => order(one) - order(other) || one.localeCompare(other));
  const blocks = await Promise.all(
    files.map(async (file) => {
      const code = await readFile(join(folder, file), 'utf8');
      const language = LANGUAGES[/** @type {keyof typeof LANGUAGES} */ (extname(file))];
      return `## ${file}\n\n\`\`\`${language} [source]\n${code}\`\`\`\n`;
    }),
  );
  const start = `\`\`\`sh\nnpm run example -- ${name}\n\`\`\``;
  return `# Example: ${name}\n\n${start}\n\n${blocks.join('\n')}`;
}
