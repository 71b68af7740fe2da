import type { WorkletName } from './worklet-file.ts';

/** A failed attempt to load a worklet. */
export interface LoadAttempt {
  readonly way: 'your URL' | 'the file beside the package' | 'a blob: copy' | 'a data: copy';
  /** Address of the attempt; undefined if the address could not be determined. */
  readonly url: string | undefined;
  /** The error of `addModule`, or of determining the address. */
  readonly error: unknown;
}

/** Why an attempt failed, and how to fix it. */
interface Finding {
  readonly cause: string;
  readonly cure: string;
}

/** Timeout of a probe, in ms. */
const PROBE_TIMEOUT_MS = 5000;

/**
 * Finds out why each attempt failed. `addModule` itself does not say (Chromium always rejects with the same AbortError, and reports
 * no violation when a Content-Security-Policy was the reason), so the addresses are fetched again and examined.
 *
 * @returns a human-readable message: each attempt with its cause, then the remedies.
 */
export async function explainLoadFailure(
  name: WorkletName,
  attempts: readonly LoadAttempt[],
): Promise<string> {
  const findings = await Promise.all(attempts.map((attempt) => examine(name, attempt)));
  const lines = attempts.map(({ way, url, error }, index) => {
    const address = url === undefined ? '' : ` (${shorten(url)})`;
    return `${index + 1}. ${way}${address}: ${findings[index]!.cause} [${String(error)}]`;
  });
  const cures = [...new Set(findings.map((finding) => finding.cure))].filter((cure) => cure !== '');
  return [
    `The worklet '${name}' could not be loaded.`,
    ...lines,
    ...cures.map((cure) => `Cure: ${cure}`),
  ].join('\n');
}

async function examine(name: WorkletName, { way, url, error }: LoadAttempt): Promise<Finding> {
  const own = way === 'your URL';
  const host = hostingCure(name);
  if (url === undefined) {
    return {
      cause: own
        ? 'no address'
        : way === 'the file beside the package'
          ? 'the bundler left import.meta.url without a value'
          : 'the copy carried in JavaScript could not be loaded',
      cure: name.endsWith('-opus')
        ? `write \`import 'micwire/opus-inline'\` in your app; or ${host}`
        : host,
    };
  }
  if (way === 'a blob: copy' || way === 'a data: copy') {
    const scheme = way === 'a blob: copy' ? 'blob:' : 'data:';
    return {
      cause: `blocked by the page's Content-Security-Policy (script-src without ${scheme})`,
      cure: host,
    };
  }
  return probe(name, url, own, error);
}

/** Fetches the address and judges the answer in the order in which a browser does. */
async function probe(
  name: WorkletName,
  url: string,
  own: boolean,
  error: unknown,
): Promise<Finding> {
  let address: URL;
  try {
    address = new URL(url, globalThis.document?.baseURI);
  } catch {
    return { cause: 'not a valid URL', cure: 'give an absolute URL, or one relative to the page.' };
  }
  const host = hostingCure(name);
  const where = own ? `make ${address.pathname} answer with the file: ${host}` : host;
  let response: Response;
  try {
    response = await fetch(address, { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) });
  } catch {
    return unreachable(address, where);
  }
  if (!response.ok) {
    return { cause: `${response.status} ${response.statusText}`.trim(), cure: where };
  }
  const type = response.headers.get('content-type') ?? '';
  if (!/\b(?:java|ecma)script\b/i.test(type)) {
    const shown = type || 'none';
    return {
      cause: `wrong MIME type: ${shown}${/html/i.test(type) ? ' (a page, so probably the server’s answer to an unknown path)' : ''}`,
      cure: own ? `serve it as text/javascript; if the file is not there, ${host}` : host,
    };
  }
  return judgeScript(name, await response.text(), address, error);
}

async function unreachable(address: URL, where: string): Promise<Finding> {
  const foreign = address.origin !== globalThis.origin;
  if (foreign) {
    const reached = await fetch(address, { mode: 'no-cors' }).catch(() => undefined);
    if (reached) {
      return {
        cause: `blocked by CORS: ${address.origin} sends no Access-Control-Allow-Origin for it`,
        cure: `let that server send Access-Control-Allow-Origin, or host the file on the page's own origin.`,
      };
    }
  }
  return { cause: 'not reachable (server down, or connect-src forbids the probe)', cure: where };
}

/** Judges a file that arrived as a script. There are two remaining causes: its text does not run, or the page may not run it. */
function judgeScript(name: WorkletName, script: string, address: URL, error: unknown): Finding {
  const processor = `micwire-${name}`;
  const replace = `copy the file of the installed version again: npx micwire copy <dir>.`;
  if (!script.includes(processor)) {
    return {
      cause: `a script, but not micwire's (it does not register '${processor}')`,
      cure: replace,
    };
  }
  const fault = syntaxFault(script) ?? (error instanceof SyntaxError ? error.message : undefined);
  if (fault !== undefined) return { cause: `syntax error in the file: ${fault}`, cure: replace };
  const sameOrigin = address.origin === globalThis.origin;
  return {
    cause: `the file is in order, so blocked by the page's Content-Security-Policy (script-src; worklets do not obey worker-src)`,
    cure: sameOrigin
      ? `add 'self' to the page's script-src (a nonce does not cover worklets unless 'strict-dynamic' is there too).`
      : `add ${address.origin} to the page's script-src, or host the file on the page's own origin.`,
  };
}

/** Returns the parser's error, if the page may call it: a policy without 'unsafe-eval' forbids that. */
function syntaxFault(script: string): string | undefined {
  try {
    // oxlint-disable-next-line typescript/no-implied-eval -- compiled, never called
    void new Function(script);
  } catch (error) {
    if (error instanceof SyntaxError) return error.message;
  }
  return undefined;
}

function hostingCure(name: WorkletName): string {
  return `run \`npx micwire copy <dir>\` into a folder that your server serves, and give workletUrl: '/…/${name}.js'.`;
}

function shorten(url: string): string {
  return url.length <= 120 ? url : `${url.slice(0, 60)}…`;
}
