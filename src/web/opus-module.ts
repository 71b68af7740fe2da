import { checkOptions } from '../core/option-names.ts';
import type { OptionNames } from '../core/option-names.ts';
import { describe } from '../core/arguments.ts';
import type { OpusModule } from '../core/codec/opus-library.ts';
import { MicwireError } from '../core/errors.ts';
import { decodeBase64 } from '../core/base64/base64.ts';
import { opusCopies } from './opus-copies.ts';
import { packageFile } from './package-file.ts';

/** Where to load libopus from. */
export interface OpusLoadOptions {
  /**
   * Your own copy of `libopus.wasm` (`npx micwire copy <dir>` makes one). If given, no other location is tried.
   * @default the package's file, or else the JavaScript copy of `import 'micwire/opus-inline'`
   */
  readonly url?: string | URL | undefined;
}
const NAMES = { url: 1 } satisfies OptionNames<OpusLoadOptions>;

/** Pending and finished loads, by address. A failed load is removed. */
const loads = new Map<string, Promise<WebAssembly.Module>>();
const PACKAGED = '';

/**
 * Loads and compiles libopus, once for this thread; simultaneous calls share one load. The download is 161 kB, compressed. The
 * module can be posted to Workers and passed to worklets.
 *
 * @throws TypeError when `url` is not a URL; MicwireError 'codec-load' when every attempt failed: its message lists each attempt
 *   with its cause and remedy
 */
export async function loadOpusModule(options: OpusLoadOptions = {}): Promise<OpusModule> {
  checkOptions('loadOpusModule', options, NAMES);
  const { url } = options;
  if (url !== undefined && typeof url !== 'string' && !(url instanceof URL)) {
    return Promise.reject(new TypeError(`url must be a string or a URL, got ${describe(url)}.`));
  }
  const key = url === undefined ? PACKAGED : String(url);
  const earlier = loads.get(key);
  if (earlier) return earlier;
  const load = key === PACKAGED ? loadPackaged() : loadGiven(key);
  loads.set(key, load);
  load.catch(() => loads.delete(key));
  return load;
}

/**
 * Returns what can be passed to an audio thread as the module: the module itself, or its bytes, fetched again, where the engine or
 * the page's policy does not allow modules to be cloned. A worklet then compiles the bytes, which delays its first audio.
 * @throws MicwireError 'codec-load'
 */
export async function passableOpusModule(
  module: OpusModule,
  options: OpusLoadOptions,
): Promise<OpusModule> {
  try {
    structuredClone(module);
    return module;
  } catch {
    const { url } = options;
    if (url !== undefined) return fileBytes(String(url));
    return fileBytes(packagedUrl()).catch(inlineBytes);
  }
}

async function loadGiven(url: string): Promise<WebAssembly.Module> {
  try {
    return await compileFile(url);
  } catch (error) {
    throw explain([`your URL ${url}: ${String(error)}`], error);
  }
}

async function loadPackaged(): Promise<WebAssembly.Module> {
  const failed: string[] = [];
  let first: unknown;
  try {
    return await compileFile(packagedUrl());
  } catch (error) {
    first = error;
    failed.push(`the file beside the package: ${String(error)}`);
  }
  try {
    return await WebAssembly.compile(await inlineBytes());
  } catch (error) {
    failed.push(`a copy carried in JavaScript: ${String(error)}`);
    throw explain(failed, isRefusal(error) ? error : first);
  }
}

function packagedUrl(): string {
  // A bundler recognizes the file only when it is written in this form, without a comment that makes it ignore the file.
  return packageFile(new URL('../../wasm/libopus.wasm', import.meta.url));
}

async function inlineBytes(): Promise<Uint8Array<ArrayBuffer>> {
  const { default: text } = await opusCopies().library();
  return decodeBase64(text) as Uint8Array<ArrayBuffer>;
}

async function fileBytes(url: string): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetch(url);
  if (!response.ok) throw explain([`${url}: the server answered ${response.status}`], undefined);
  return new Uint8Array(await response.arrayBuffer());
}

async function compileFile(url: string): Promise<WebAssembly.Module> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`the server answered ${response.status}`);
  // Servers that do not know the type send a different one, and streaming compilation then fails. A fallback page has the type of a
  // page.
  const type = response.headers.get('content-type') ?? '';
  if (type.startsWith('text/html')) throw new Error('the server sent a page instead');
  if (type === 'application/wasm') return WebAssembly.compileStreaming(response);
  return WebAssembly.compile(await response.arrayBuffer());
}

/** Returns true if the page does not allow WebAssembly at all, from any source. */
function isRefusal(error: unknown): boolean {
  return /content security policy|unsafe-eval|blocked by CSP/i.test(String(error));
}

function explain(failed: readonly string[], cause: unknown): MicwireError {
  const cure = isRefusal(cause)
    ? "The page's Content-Security-Policy forbids WebAssembly: add 'wasm-unsafe-eval' to its script-src."
    : "Write `import 'micwire/opus-inline'` in your app; or copy the file with `npx micwire copy <dir>`, serve it, and give " +
      'its address as opusUrl.';
  return new MicwireError(
    'codec-load',
    `libopus could not be loaded. Tried ${failed.join('; ')}. ${cure}`,
    { cause },
  );
}
