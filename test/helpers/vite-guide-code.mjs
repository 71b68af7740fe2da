import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { transformWithOxc } from 'vite';

const IMPORT = /^guide:([\w./-]+\.md):(\d+)$/;
/** What a user's click would start. */
const CLICK =
  /^document\.querySelector\('button'\)\?\.addEventListener\('click', async \(\) => \{\n(.*?)^\}\);$/ms;
const ID = /^\0guide:([\w./-]+\.md):(\d+)\.ts$/;

/**
 * Lets a test import the code of a guide as it is printed: `import('guide:README.md:0')` is the first block marked `ts`. What
 * waits for a click on a button runs at once, and the module ends with it.
 *
 * @returns {import('vite').Plugin}
 */
export function guideCode() {
  return {
    name: 'micwire-guide-code',
    enforce: 'pre',
    resolveId(id) {
      return IMPORT.test(id) ? `\0${id}.ts` : undefined;
    },
    async load(id) {
      const [, file, index] = ID.exec(id) ?? [];
      if (file === undefined) return undefined;
      const path = fileURLToPath(new URL(`../../${file}`, import.meta.url));
      this.addWatchFile(path);
      const text = await readFile(path, 'utf8');
      const blocks = [...text.matchAll(/^```ts\n(.*?)^```/gms)].map(([, code]) => code);
      const code = blocks[Number(index)];
      if (code === undefined) throw new Error(`${file} has no code block ${index}.`);
      // Vite leaves types in modules without a file.
      const clicked = code.replace(CLICK, '{\n$1}');
      const { code: plain } = await transformWithOxc(`${clicked}\nexport {};`, 'guide.ts');
      return { code: plain, moduleType: 'js' };
    },
  };
}
