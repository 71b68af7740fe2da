import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeAll, afterAll, describe, expect, it, vi } from 'vitest';
import { MicwireError } from '../src/core/errors.ts';
import { METER_WORKLET } from '../src/web/meter-worklet.ts';
import { PLAYOUT_WORKLET } from '../src/web/playout-worklet.ts';
import { loadWorklet } from '../src/web/worklet-loader.ts';

/** A context that refuses the addresses that `refuse` matches, as Chromium does: always the same error. */
function contextRefusing(refuse: (url: string) => boolean) {
  const asked: string[] = [];
  const addModule = async (url: string): Promise<void> => {
    asked.push(url);
    await Promise.resolve();
    if (refuse(url)) throw new DOMException("Unable to load a worklet's module.", 'AbortError');
  };
  return { asked, audioWorklet: { addModule }, state: 'suspended' };
}
const schemeOf = (url: string): string => url.slice(0, url.indexOf(':'));
const refuseAll = (): boolean => true;

async function failureOf(promise: Promise<void>): Promise<MicwireError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(MicwireError);
  return error as MicwireError;
}

afterEach(() => void vi.unstubAllGlobals());

describe('the chain', () => {
  it('ends with the file beside the package if that loads', async () => {
    const context = contextRefusing(() => false);
    await loadWorklet(context, METER_WORKLET);
    expect(context.asked).toHaveLength(1);
    expect(context.asked[0]).toMatch(/\/worklets\/meter\.js$/);
  });

  it('tries a blob: copy, then a data: copy of the same script', async () => {
    const revoked = vi.spyOn(URL, 'revokeObjectURL');
    const context = contextRefusing((url) => !url.startsWith('data:'));
    await loadWorklet(context, METER_WORKLET);
    expect(context.asked.map(schemeOf)).toEqual(['file', 'blob', 'data']);
    const script = decodeURIComponent(context.asked[2]!.slice(context.asked[2]!.indexOf(',') + 1));
    expect(script).toContain('micwire-meter');
    expect(revoked.mock.calls).toEqual([[context.asked[1]]]);
    revoked.mockRestore();
  });

  it('stops at the user’s URL, even if it fails', async () => {
    const context = contextRefusing(refuseAll);
    await failureOf(loadWorklet(context, METER_WORKLET, { url: 'https://host.invalid/meter.js' }));
    expect(context.asked).toEqual(['https://host.invalid/meter.js']);
  });

  it('accepts the user’s URL as a string, a URL or a function of the name', async () => {
    for (const url of [
      'https://host.invalid/meter.js',
      new URL('https://host.invalid/meter.js'),
      (name: string) => `https://host.invalid/${name}.js`,
      (name: string) => new URL(`https://host.invalid/${name}.js`),
    ]) {
      const context = contextRefusing(() => false);
      await loadWorklet(context, METER_WORKLET, { url });
      expect(context.asked).toEqual(['https://host.invalid/meter.js']);
    }
  });
});

describe('the cache', () => {
  it('shares one load among simultaneous and later calls', async () => {
    const context = contextRefusing(() => false);
    await Promise.all([loadWorklet(context, METER_WORKLET), loadWorklet(context, METER_WORKLET)]);
    await loadWorklet(context, METER_WORKLET);
    expect(context.asked).toHaveLength(1);
  });

  it('is per context, per worklet and per address', async () => {
    const context = contextRefusing(() => false);
    await loadWorklet(context, METER_WORKLET);
    await loadWorklet(context, PLAYOUT_WORKLET);
    await loadWorklet(context, METER_WORKLET, { url: 'https://host.invalid/a.js' });
    await loadWorklet(context, METER_WORKLET, { url: 'https://host.invalid/a.js' });
    expect(context.asked).toHaveLength(3);
    const other = contextRefusing(() => false);
    await loadWorklet(other, METER_WORKLET);
    expect(other.asked).toHaveLength(1);
  });

  it('forgets a failure, so that a later call tries again', async () => {
    let down = true;
    const context = contextRefusing(() => down);
    const url = 'https://host.invalid/meter.js';
    await failureOf(loadWorklet(context, METER_WORKLET, { url }));
    down = false;
    await loadWorklet(context, METER_WORKLET, { url });
    expect(context.asked).toHaveLength(2);
  });
});

describe('arguments', () => {
  const context = contextRefusing(() => false);
  it('that are wrong reject with the expected type', async () => {
    await expect(loadWorklet(null as never, METER_WORKLET)).rejects.toThrow(TypeError);
  });

  it('a closed context is refused', async () => {
    const error = await failureOf(loadWorklet({ ...context, state: 'closed' }, METER_WORKLET));
    expect(error.code).toBe('closed');
  });

  it('a context without AudioWorklet is refused, with the reason', async () => {
    // What standardized-audio-context-mock 10 and old engines have.
    const bare = await failureOf(loadWorklet({ audioWorklet: {} as never }, METER_WORKLET));
    expect([bare.code, bare.message]).toEqual(['unsupported', expect.stringContaining('engine')]);
    vi.stubGlobal('isSecureContext', false);
    const insecure = await failureOf(loadWorklet({}, METER_WORKLET));
    expect(insecure.message).toContain('HTTPS');
  });
});

describe('a failure names cause and cure', () => {
  type Answer = (request: IncomingMessage, response: ServerResponse) => void;
  const listen = (answer: Answer): Promise<Server> =>
    new Promise((resolve) => {
      const server = createServer(answer);
      server.listen(0, '127.0.0.1', () => resolve(server));
    });
  const originOf = (server: Server): string =>
    `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const GOOD = "(() => { registerProcessor('micwire-meter', class {}); })();";
  let server: Server;
  beforeAll(async () => {
    server = await listen((request, response) => {
      const send = (status: number, type: string, body: string): void =>
        void response.writeHead(status, { 'content-type': type }).end(body);
      const path = request.url ?? '';
      if (path === '/good.js') send(200, 'text/javascript', GOOD);
      else if (path === '/page.js') send(200, 'text/html; charset=utf-8', '<!doctype html>');
      else if (path === '/other.js') send(200, 'application/javascript', 'void 0;');
      else if (path === '/broken.js') send(200, 'text/javascript', GOOD.slice(0, -4));
      else if (path === '/silent.js') request.socket.destroy();
      else send(404, 'text/plain', 'nothing here');
    });
    vi.stubGlobal('origin', originOf(server));
  });
  afterAll(() => void server.close());

  async function explain(path: string, base: string = originOf(server)): Promise<string> {
    vi.stubGlobal('origin', originOf(server));
    const error = await failureOf(
      loadWorklet(contextRefusing(refuseAll), METER_WORKLET, { url: new URL(path, base) }),
    );
    expect(error.code).toBe('worklet-load');
    expect((error.cause as Error).name).toBe('AbortError');
    expect(error.message).toContain('your URL');
    expect(error.message).toContain('Cure: ');
    return error.message;
  }

  it('404', async () => {
    expect(await explain('/missing/meter.js')).toMatch(
      /404 Not Found.*\nCure: make \/missing\/meter\.js answer with the file: run `npx micwire copy/s,
    );
  });

  it('MIME type', async () => {
    expect(await explain('/page.js')).toMatch(/wrong MIME type: text\/html.*text\/javascript/s);
  });

  it('syntax', async () => {
    expect(await explain('/broken.js')).toMatch(/syntax error in the file: .*copy the file/s);
  });

  it('another script', async () => {
    expect(await explain('/other.js')).toMatch(/does not register 'micwire-meter'/);
  });

  it('Content-Security-Policy, when nothing else is wrong', async () => {
    expect(await explain('/good.js')).toMatch(
      /Content-Security-Policy.*add 'self' to .*script-src/s,
    );
  });

  it('Content-Security-Policy of a page on another origin', async () => {
    const elsewhere = await listen((_, response) => {
      response.writeHead(200, { 'content-type': 'text/javascript' }).end(GOOD);
    });
    const origin = originOf(elsewhere);
    const message = await explain('/good.js', origin);
    elsewhere.close();
    expect(message).toContain(`add ${origin} to the page's script-src`);
  });

  it('CORS', async () => {
    // Node's fetch does not enforce CORS; a browser's rejects unless the mode is no-cors.
    const real = globalThis.fetch;
    vi.stubGlobal('fetch', async (url: URL, init?: RequestInit) => {
      if (init?.mode !== 'no-cors') throw new TypeError('Failed to fetch');
      return real(url, init);
    });
    const elsewhere = await listen((_, response) => response.end(GOOD));
    const origin = originOf(elsewhere);
    const message = await explain('/good.js', origin);
    elsewhere.close();
    expect(message).toContain(`blocked by CORS: ${origin} sends no Access-Control-Allow-Origin`);
  });

  it('a server that does not answer', async () => {
    expect(await explain('/silent.js')).toContain('not reachable');
  });

  it('of each way, when the packaged chain failed as a whole', async () => {
    vi.stubGlobal('fetch', async () => new Response('', { status: 404, statusText: 'Not Found' }));
    const error = await failureOf(loadWorklet(contextRefusing(refuseAll), METER_WORKLET));
    expect(error.message).toMatch(
      /1\. the file beside the package \(file:.*404.*\n2\. a blob: copy .*script-src without blob:.*\n3\. a data: copy .*without data:.*\nCure: run `npx micwire copy <dir>`.*workletUrl/,
    );
    // One cure, said once.
    expect(error.message.match(/Cure:/g)).toHaveLength(1);
  });
});
