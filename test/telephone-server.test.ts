import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { TelephoneServer } from '../demo/server/telephone.ts';
import type { LabTelephones, TelephoneOptions } from '../demo/server/telephone.ts';

let http: Server | undefined;
let server: TelephoneServer | undefined;
afterEach(async () => {
  await server?.close();
  http?.close();
});

/** Serves it, and asks it. */
async function serve(options: TelephoneOptions | null) {
  server = new TelephoneServer(options);
  http = createServer(server.answer).listen(0, '127.0.0.1');
  await new Promise((resolve) => http!.once('listening', resolve));
  const { port } = http.address() as AddressInfo;
  return async (path: string, init: RequestInit = {}) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, init);
    const body = await response.text();
    return { status: response.status, told: body === '' ? null : JSON.parse(body) };
  };
}

class FakeTelephones implements LabTelephones {
  readonly lines: readonly string[] = ['sip:phone@sip.test'];
  readonly calls: string[] = [];
  isClosed = false;
  /** One of its programs ends, as in a crash. */
  crash!: () => void;
  readonly ended: Promise<void> = new Promise((resolve) => (this.crash = resolve));

  accountOf(user: string): ReturnType<LabTelephones['accountOf']> {
    return { url: 'ws://127.0.0.1:1', uri: `sip:${user}@sip.test`, password: 'secret' };
  }
  async dial(line: string, user: string): Promise<void> {
    if (line !== 'phone') throw new Error('no such line');
    this.calls.push(`${line} ${user}`);
  }
  async close(): Promise<void> {
    this.isClosed = true;
  }
}

describe('the telephone of the lab’s server', () => {
  it('reports that the lab was started without it', async () => {
    const ask = await serve(null);
    const why = 'The lab was started without its telephone: npm start -- --phone.';
    expect(await ask('/')).toEqual({ status: 200, told: { why } });
  });

  it('assigns each page a user of its own, and starts once', async () => {
    const telephones = new FakeTelephones();
    let opened = 0;
    const open = async () => {
      opened++;
      return telephones;
    };
    const ask = await serve({ open });
    const told = (await Promise.all([ask('/'), ask('/')])).map((answer) => answer.told);
    expect(told[0].account.uri).toMatch(/^sip:page-[0-9a-f]{8}@sip\.test$/);
    expect(told[0].account.uri).not.toBe(told[1].account.uri);
    expect(opened).toBe(1);
    const user = told[0].account.uri.slice(4).replace('@sip.test', '');
    expect(await ask(`/dial/phone/${user}`, { method: 'POST' })).toEqual({ status: 200, told: {} });
    expect(telephones.calls).toEqual([`phone ${user}`]);
    expect((await ask(`/dial/desk/${user}`, { method: 'POST' })).told).toEqual({
      why: 'no such line',
    });
    await server!.close();
    expect(telephones.isClosed).toBe(true);
  });

  it('starts new programs if one has ended, and closes the remaining ones', async () => {
    const opened: FakeTelephones[] = [];
    const ask = await serve({
      open: async () => {
        opened.push(new FakeTelephones());
        return opened.at(-1)!;
      },
    });
    await ask('/');
    opened[0]!.crash();
    await expect.poll(() => opened[0]!.isClosed).toBe(true);
    expect((await ask('/')).told.lines).toHaveLength(1);
    expect(opened.map(({ isClosed }) => isClosed)).toEqual([true, false]);
    await server!.close();
    expect(opened[1]!.isClosed).toBe(true);
  });

  it('tries again if it did not start, as when a program is missing', async () => {
    const failures = [new Error('kamailio has ended')];
    const ask = await serve({
      open: async () => {
        const error = failures.pop();
        if (error !== undefined) throw error;
        return new FakeTelephones();
      },
    });
    expect((await ask('/')).told).toEqual({ why: 'kamailio has ended' });
    expect((await ask('/')).told.lines).toHaveLength(1);
  });

  it('refuses other pages, and other requests', async () => {
    const ask = await serve({ open: async () => new FakeTelephones() });
    const origin = { headers: { origin: 'https://evil.example' } };
    expect(await ask('/', origin)).toEqual({ status: 403, told: null });
    expect(await ask('/dial/phone/page-ab', { method: 'POST', ...origin })).toMatchObject({
      status: 403,
    });
    for (const path of ['/', '/dial/phone', '/dial/phone/bob', '/dial/phone/page-ab%0a']) {
      expect((await ask(path, { method: 'POST' })).status, path).toBe(405);
    }
  });
});
