import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { transformWithOxc } from 'vite';

const IMPORT = /^guide:([\w./-]+\.md):(\d+)$/;
const ID = /^\0guide:([\w./-]+\.md):(\d+)\.ts$/;

/**
 * Lets a test import the code of a guide as it is printed: `import('guide:README.md:0')` is the first block marked `ts`.
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
      const { code: plain } = await transformWithOxc(`${code}\nexport {};`, 'guide.ts');
      return { code: plain, moduleType: 'js' };
    },
  };
}
