import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
// @ts-expect-error -- its types lack what programs need
import { create, ts } from '@custom-elements-manifest/analyzer';
// @ts-expect-error -- the analyzer has no types for its plugins
import { litPlugin } from '@custom-elements-manifest/analyzer/src/features/framework-plugins/lit/lit.js';
import { ROOT } from './run.mjs';

/** The custom properties that every element takes, in the order of `src/elements/shared/theme.ts`. */
const PROPERTIES = {
  '--micwire-ground': 'Ground of panels, buttons and fields.',
  '--micwire-track': 'Ground of bars and waveforms.',
  '--micwire-line': 'Borders of panels.',
  '--micwire-line-strong': 'Borders of buttons and fields.',
  '--micwire-ink': 'Text and marks.',
  '--micwire-ink-soft': 'Captions, scales and units.',
  '--micwire-accent': 'Bars, waveforms and the main button.',
  '--micwire-on-accent': 'Text on `--micwire-accent` and on `--micwire-alert`.',
  '--micwire-warn': 'The part of a bar that is loud; integrated loudness.',
  '--micwire-alert': 'The part of a bar that is too loud, clipping, and failures.',
  '--micwire-focus': 'Ring of what has the focus.',
  '--micwire-radius': 'Corners.',
  '--micwire-font': 'Font.',
  '--micwire-mono': 'Font of figures.',
};
const PROPERTY = /var\((--micwire-[\w-]+), (.+)\);$/;

/** @typedef {{ name: string, description?: string, default?: string, privacy?: string, static?: boolean }} Member */

/**
 * Describes the elements of `src/elements` in the form of custom-elements-manifest 1.0: for editors, and for the tables of
 * docs/elements.md. What is private is left out.
 *
 * @returns {Promise<import('custom-elements-manifest/schema').Package>}
 */
export async function elementManifest() {
  const folder = join(ROOT, 'src/elements');
  const files = (await readdir(folder)).filter((name) => /^(?!index).+\.ts$/.test(name)).sort();
  const sources = await Promise.all(
    files.map(async (name) => {
      const text = await readFile(join(folder, name), 'utf8');
      return ts.createSourceFile(builtPath(name), text, ts.ScriptTarget.ES2015, true);
    }),
  );
  const manifest = create({ modules: sources, plugins: litPlugin(), context: { dev: false } });
  const cssProperties = await themeProperties();
  for (const file of manifest.modules) {
    for (const declaration of /** @type {any[]} */ (file.declarations)) {
      declaration.members = declaration.members?.filter(
        (/** @type {Member} */ { privacy, static: isStatic }) =>
          privacy === undefined && isStatic !== true,
      );
      if (declaration.tagName === undefined) continue;
      declaration.cssProperties = cssProperties;
      file.exports?.push({
        kind: 'custom-element-definition',
        name: declaration.tagName,
        declaration: { name: declaration.name, module: file.path },
      });
    }
  }
  return manifest;
}

/** @param {string} name */
function builtPath(name) {
  return `dist/src/elements/${name.replace('.ts', '.js')}`;
}

/** The custom properties with their defaults. @throws where the theme has others than the list above */
async function themeProperties() {
  const theme = await readFile(join(ROOT, 'src/elements/shared/theme.ts'), 'utf8');
  const flat = theme
    .replaceAll(/\(\n\s+/g, '(')
    .replaceAll(/,\n\s+/g, ', ')
    .replaceAll(/\n\s+\);/g, ');');
  /** @type {Map<string, string>} */
  const defaults = new Map();
  for (const line of flat.split('\n')) {
    const [, name, value] = PROPERTY.exec(line) ?? [];
    if (name !== undefined && value !== undefined) defaults.set(name, value);
  }
  const [found, known] = [[...defaults.keys()], Object.keys(PROPERTIES)];
  if (found.join() !== known.join()) {
    throw new Error(
      `The theme has ${found.join(', ')}, and scripts/element-manifest.mjs ${known.join(', ')}.`,
    );
  }
  return Object.entries(PROPERTIES).map(([name, description]) => ({
    name,
    description,
    default: defaults.get(name),
  }));
}
