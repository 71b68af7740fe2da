import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { rewriteCandidates } from '../demo/server/rewrite-candidates.ts';
import type { SignallingServerOptions } from '../demo/server/signalling.ts';
import type { CallSplice } from '../demo/server/signalling-rooms.ts';
import { MicwireError } from '../src/core/errors.ts';
import type { WebSocketLike } from '../src/core/socket.ts';
import { MAX_SIGNAL_LENGTH } from '../src/core/webrtc/signal-message.ts';
import type { SignalMessage } from '../src/core/webrtc/signal-message.ts';
import { WebSocketSignalling } from '../src/web/webrtc/websocket-signalling.ts';
import type { SignallingState } from '../src/web/webrtc/signalling.ts';
import type { WebSocketSignallingOptions } from '../src/web/webrtc/websocket-signalling.ts';
import { seededRandom } from './helpers/random.ts';
import type { SignallingRig, TestPeer } from './helpers/signalling-server.ts';
import { startSignalling } from './helpers/signalling-server.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function start(options?: SignallingServerOptions): Promise<SignallingRig> {
  const rig = await startSignalling(options);
  cleanups.push(() => rig.close());
  return rig;
}

async function pair(rig: SignallingRig, link = ''): Promise<[waited: TestPeer, came: TestPeer]> {
  const waited = await rig.connect(rig.origin, link).opened();
  waited.join('kitchen');
  await expect.poll(() => waited.types()).toEqual(['joined']);
  const came = await rig.connect(rig.origin, link).opened();
  came.join('kitchen');
  await expect.poll(() => came.types()).toEqual(['joined', 'ready']);
  await expect.poll(() => waited.types()).toEqual(['joined', 'ready']);
  return [waited, came];
}

const offer: SignalMessage = {
  type: 'describe',
  kind: 'offer',
  sdp: [
    'v=0',
    'a=group:BUNDLE 0 1',
    'm=audio 9 UDP/TLS/RTP/SAVPF 111',
    'a=candidate:1 1 udp 2122194687 192.0.2.2 51764 typ host',
    'a=end-of-candidates',
    'a=mid:0',
    'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
    'a=mid:1',
    '',
  ].join('\r\n'),
};
const candidate: SignalMessage = {
  type: 'candidate',
  candidate: 'candidate:1 1 udp 2122194687 192.0.2.2 51764 typ host',
  mid: '0',
  index: 0,
};

describe('the signalling server', () => {
  it('connects two peers: the one that waited is the callee; and forwards their messages', async () => {
    const rig = await start();
    const [waited, came] = await pair(rig);
    expect(waited.replies[1]).toEqual({ type: 'ready', role: 'callee' });
    expect(came.replies[1]).toEqual({ type: 'ready', role: 'caller' });
    came.say(offer);
    came.say(candidate);
    await expect.poll(() => waited.replies.slice(2)).toEqual([offer, candidate]);
    waited.say({ type: 'bye', reason: 'enough' });
    await expect.poll(() => came.replies.slice(2)).toEqual([{ type: 'bye', reason: 'enough' }]);
    expect(rig.signalling.rooms).toBe(1);
  });

  it('forwards only the known fields', async () => {
    const [waited, came] = await pair(await start());
    came.say({ ...candidate, extra: 'x', __proto__: null });
    await expect.poll(() => waited.replies.slice(2)).toEqual([candidate]);
  });

  it('sends bye when a peer leaves, and gives its place to no other peer', async () => {
    const rig = await start();
    const [waited, came] = await pair(rig);
    came.socket.close();
    await expect.poll(() => waited.types()).toEqual(['joined', 'ready', 'bye']);
    const late = await rig.connect().opened();
    late.join('kitchen');
    await expect.poll(() => late.replies[0]).toMatchObject({ type: 'error', code: 'room-full' });
    waited.socket.close();
    await expect.poll(() => rig.signalling.rooms).toBe(0);
    await pair(rig);
  });

  it('keeps a peer connected when its partner is cut off: the call may still be up', async () => {
    const rig = await start();
    const [waited, came] = await pair(rig);
    came.socket.terminate();
    await expect.poll(() => rig.signalling.connections).toBe(1);
    waited.say(candidate);
    await expect.poll(() => waited.types()).toEqual(['joined', 'ready', 'joined', 'error']);
    expect(waited.replies[3]).toMatchObject({ code: 'no-peer' });
    expect(rig.signalling.rooms).toBe(1);
  });

  const seatOf = ({ replies }: TestPeer): string => (replies[0] as { seat: string }).seat;

  it('lets a peer that was cut off return to its place, and informs both when it is there', async () => {
    const rig = await start();
    const [waited, came] = await pair(rig);
    expect(seatOf(waited)).not.toBe(seatOf(came));
    waited.socket.terminate();
    await expect.poll(() => came.types()).toEqual(['joined', 'ready', 'joined']);
    const again = await rig.connect().opened();
    again.say({ type: 'join', room: 'kitchen', seat: seatOf(waited), role: 'callee' });
    await expect.poll(() => came.types()).toEqual(['joined', 'ready', 'joined', 'ready']);
    expect(again.replies).toEqual([
      { type: 'joined', room: 'kitchen', seat: seatOf(waited) },
      { type: 'ready', role: 'callee' },
    ]);
    came.say(offer);
    await expect.poll(() => again.replies.slice(2)).toEqual([offer]);
    again.socket.close();
    await expect.poll(() => came.replies.at(-1)).toMatchObject({ type: 'bye' });
  });

  it('gives the place to the newer of two connections, if it has not noticed that the older is gone', async () => {
    const rig = await start();
    const [waited, came] = await pair(rig);
    const again = await rig.connect().opened();
    again.say({ type: 'join', room: 'kitchen', seat: seatOf(came) });
    await expect.poll(() => came.closeCode).toBe(1008);
    await expect.poll(() => waited.types()).toEqual(['joined', 'ready', 'joined', 'ready']);
    await expect.poll(() => again.types()).toEqual(['joined', 'ready']);
    // The end of the older one frees nothing.
    waited.say(candidate);
    await expect.poll(() => again.replies.slice(2)).toEqual([candidate]);
    expect(rig.signalling.rooms).toBe(1);
  });

  it('holds a place for a limited time, and sends bye to a peer that returns after the other has left', async () => {
    const rig = await start({ holdMs: 300 });
    const [waited, came] = await pair(rig);
    came.socket.terminate();
    await expect.poll(() => waited.types()).toEqual(['joined', 'ready', 'joined']);
    waited.socket.close();
    await expect.poll(() => rig.signalling.connections).toBe(0);
    const again = await rig.connect().opened();
    again.say({ type: 'join', room: 'kitchen', seat: seatOf(came) });
    await expect.poll(() => again.types()).toEqual(['joined', 'ready', 'bye']);
    again.socket.terminate();
    await expect.poll(() => rig.signalling.rooms).toBe(0);
    // Both cut off: the room lasts as long as the places.
    for (const peer of await pair(rig)) peer.socket.terminate();
    await expect.poll(() => rig.signalling.connections).toBe(0);
    expect(rig.signalling.rooms).toBe(1);
    await expect.poll(() => rig.signalling.rooms).toBe(0);
  });

  it('reconnects two peers that it has forgotten, in their roles, and lets no stranger between them', async () => {
    const rig = await start();
    let seats = 0;
    const back = async (role: unknown): Promise<TestPeer> => {
      const peer = await rig.connect().opened();
      peer.say({ type: 'join', room: 'kitchen', seat: `forgotten ${++seats}`, role });
      await expect.poll(() => peer.replies.length).toBeGreaterThan(0);
      return peer;
    };
    const caller = await back('caller');
    expect((await back('caller')).replies).toMatchObject([{ type: 'error', code: 'room-full' }]);
    const stranger = await rig.connect().opened();
    stranger.join('kitchen');
    await expect.poll(() => stranger.replies).toMatchObject([{ type: 'error', code: 'room-full' }]);
    const callee = await back('callee');
    await expect.poll(() => callee.replies[1]).toEqual({ type: 'ready', role: 'callee' });
    await expect.poll(() => caller.replies[1]).toEqual({ type: 'ready', role: 'caller' });
    const odd = await back('host');
    expect(odd.replies).toMatchObject([{ type: 'error', code: 'bad-message' }]);
  });

  it('frees the room of a peer that waited in vain', async () => {
    const rig = await start();
    const waited = await rig.connect().opened();
    waited.join('kitchen');
    await expect.poll(() => rig.signalling.rooms).toBe(1);
    waited.socket.close();
    await expect.poll(() => rig.signalling.rooms).toBe(0);
  });

  it('refuses a third peer, a room too many, a connection too many and a foreign page', async () => {
    const rig = await start({ maxRooms: 1, maxConnections: 4 });
    await pair(rig);
    const third = await rig.connect().opened();
    third.join('kitchen');
    await expect.poll(() => third.closeCode).toBe(1008);
    expect(third.replies).toMatchObject([{ type: 'error', code: 'room-full' }]);
    const other = await rig.connect().opened();
    other.join('cellar');
    await expect.poll(() => other.closeCode).toBe(1008);
    expect(other.replies).toMatchObject([{ type: 'error', code: 'too-many-rooms' }]);
    const foreign = rig.connect('https://evil.example');
    await expect.poll(() => foreign.refusal).toBe(403);
    await Promise.all([rig.connect().opened(), rig.connect().opened()]);
    const fifth = rig.connect();
    await expect.poll(() => fifth.refusal).toBe(503);
  });

  it('requires a join first, once, and soon', async () => {
    const rig = await start({ joinTimeoutMs: 50 });
    const idle = await rig.connect().opened();
    const hasty = await rig.connect().opened();
    hasty.say(offer);
    await expect.poll(() => hasty.closeCode).toBe(1008);
    expect(hasty.replies).toMatchObject([{ type: 'error', code: 'not-joined' }]);
    const twice = await rig.connect().opened();
    twice.join('a');
    twice.join('b');
    await expect.poll(() => twice.closeCode).toBe(1008);
    await expect.poll(() => idle.closeCode).toBe(1008);
    expect(rig.signalling.rooms).toBe(0);
  });

  it('answers a ping, whether joined or not', async () => {
    const rig = await start();
    const peer = await rig.connect().opened();
    peer.say({ type: 'ping' });
    peer.join('kitchen');
    peer.say({ type: 'ping', more: 1 });
    await expect.poll(() => peer.types()).toEqual(['pong', 'joined', 'pong']);
    expect(peer.replies[0]).toEqual({ type: 'pong' });
  });

  it('closes a connection that floods it', async () => {
    const rig = await start({ maxMessagesPerSecond: 10 });
    const [waited, came] = await pair(rig);
    for (let i = 0; i < 100; i++) came.say(candidate);
    await expect.poll(() => came.closeCode).toBe(1008);
    expect(came.replies.at(-1)).toMatchObject({ type: 'error', code: 'too-fast' });
    expect(waited.types().filter((type) => type === 'candidate').length).toBeLessThan(25);
  });

  it('closes a connection that sends a message longer than any description', async () => {
    const rig = await start();
    const peer = await rig.connect().opened();
    peer.say('x'.repeat(MAX_SIGNAL_LENGTH + 1));
    await expect.poll(() => peer.closeCode).toBe(1009);
  });

  it('closes a connection that does not answer pings', async () => {
    // Long enough for a lively peer to answer on a busy machine.
    const rig = await start({ pingIntervalMs: 1000 });
    const peer = await rig.connect().opened();
    peer.join('kitchen');
    await expect.poll(() => peer.types()).toEqual(['joined']);
    peer.socket.pause();
    await expect.poll(() => rig.signalling.connections).toBe(0);
    expect(rig.signalling.rooms).toBe(0);
  });

  it('answers hostile messages with a typed error, and continues', async () => {
    const rig = await start({ maxMessagesPerSecond: 10_000, maxConnections: 1000 });
    const random = seededRandom(7);
    const pieces = ['"', '{', '}', '[', 'null', '1e999', '\\', '\u0000', ':', ',', 'type', 'join'];
    const seeds = [offer, candidate, { type: 'join', room: 'a' }, { type: 'bye' }];
    let peer = await rig.connect().opened();
    const codes = new Set<string>();
    for (let i = 0; i < 1500; i++) {
      let text = JSON.stringify(seeds[Math.floor(random() * seeds.length)]);
      for (let edits = Math.floor(random() * 4); edits >= 0; edits--) {
        const at = Math.floor(random() * text.length);
        const piece = pieces[Math.floor(random() * pieces.length)]!;
        text = text.slice(0, at) + piece + text.slice(at + Math.floor(random() * 5));
      }
      if (random() < 0.05) peer.socket.send(Buffer.from(text));
      else peer.say(text);
      if (i % 50 === 49 || peer.socket.readyState !== WebSocket.OPEN) {
        const before = peer;
        await expect.poll(() => before.replies.length).toBeGreaterThan(0);
        for (const reply of before.replies) if (reply.type === 'error') codes.add(reply.code);
        before.socket.close();
        peer = await rig.connect().opened();
      }
    }
    expect([...codes].toSorted()).toEqual(['bad-message', 'not-joined']);
    peer.socket.close();
    await expect.poll(() => rig.signalling.connections).toBe(0);
    expect(rig.signalling.rooms).toBe(0);
    await pair(rig);
  });
});

describe('a call over the simulated network', () => {
  function engine(): {
    splices: number;
    renewed: number;
    closed: number;
    open: () => Promise<CallSplice>;
  } {
    const at = (port: number) => ({ address: '127.0.0.1', port });
    const state = {
      splices: 0,
      renewed: 0,
      closed: 0,
      open: async (): Promise<CallSplice> => {
        state.splices++;
        return {
          sendTo: { caller: at(1111), callee: at(2222) },
          renew: async () => {
            const add = ++state.renewed;
            // As another process takes its time: what is said meanwhile waits.
            await new Promise((resolve) => setTimeout(resolve, 5));
            return { caller: at(1111 + add), callee: at(2222 + add) };
          },
          close: () => void state.closed++,
        };
      },
    };
    return state;
  }

  it('gives each side the engine as its only path, and closes that with the call', async () => {
    const link = engine();
    const rig = await start({ openSplice: () => link.open() });
    const [callee, caller] = await pair(rig, 'lane-1');
    caller.say(offer);
    caller.say(candidate);
    callee.say({ ...offer, kind: 'answer' });
    await expect.poll(() => caller.types()).toEqual(['joined', 'ready', 'describe']);
    await expect.poll(() => callee.types()).toEqual(['joined', 'ready', 'describe']);
    const toCallee = callee.replies[2] as { sdp: string };
    const toCaller = caller.replies[2] as { sdp: string };
    expect(toCallee.sdp).not.toContain('192.0.2.2');
    expect(toCallee.sdp.match(/a=candidate.*/g)).toEqual([
      'a=candidate:1 1 udp 2130706431 127.0.0.1 2222 typ host',
      'a=candidate:1 1 udp 2130706431 127.0.0.1 2222 typ host',
    ]);
    expect(toCaller.sdp).toContain('127.0.0.1 1111 typ host');
    caller.socket.close();
    callee.socket.close();
    await expect.poll(() => link.closed).toBe(1);
    expect(link.splices).toBe(1);
  });

  it('sends a call over another splice after a restart of ICE, in order', async () => {
    const link = engine();
    const rig = await start({ openSplice: () => link.open() });
    const [callee, caller] = await pair(rig, 'lane-1');
    const ports = (peer: typeof callee) =>
      peer.replies.flatMap((reply) =>
        reply.type === 'describe' ? [/127\.0\.0\.1 (\d+) typ/.exec(reply.sdp)?.[1]] : [reply.type],
      );
    caller.say(offer);
    callee.say({ ...offer, kind: 'answer' });
    await expect.poll(() => ports(caller)).toEqual(['joined', 'ready', '1111']);
    callee.say({ type: 'restart' });
    await expect.poll(() => ports(caller)).toEqual(['joined', 'ready', '1111', 'restart']);
    caller.say(offer);
    caller.say({ type: 'bye', reason: '' });
    await expect.poll(() => ports(callee)).toEqual(['joined', 'ready', '2222', '2223', 'bye']);
    callee.say({ ...offer, kind: 'answer' });
    await expect.poll(() => ports(caller).at(-1)).toBe('1112');
    expect([link.splices, link.renewed]).toEqual([1, 1]);
  });

  it('ends the call if no other path can be opened', async () => {
    const link = engine();
    const renew = () => Promise.reject(new Error('no ports left'));
    const rig = await start({ openSplice: async () => ({ ...(await link.open()), renew }) });
    const [callee, caller] = await pair(rig, 'lane-1');
    caller.say(offer);
    caller.say(offer);
    await expect.poll(() => callee.types().at(-1)).toBe('error');
    expect(callee.types().slice(0, 4)).toEqual(['joined', 'ready', 'describe', 'bye']);
    await expect.poll(() => rig.signalling.rooms).toBe(0);
    expect(link.closed).toBe(1);
  });

  it('does not pass on host candidates to peers behind simulated routers', async () => {
    const rig = await start();
    const [waited, came] = await pair(rig, '&router=1');
    const candidate = (type: string) => ({
      type: 'candidate',
      candidate: `candidate:1 1 udp 1 192.0.2.1 9 typ ${type}`,
      mid: '0',
      index: 0,
    });
    for (const type of ['host', 'srflx', 'host', 'relay']) came.say(candidate(type));
    await expect
      .poll(() => waited.replies.filter(({ type }) => type === 'candidate'))
      .toEqual([candidate('srflx'), candidate('relay')]);
  });

  it.each([
    ['', '&router=1', 'not behind'],
    ['&router=1', '', 'is behind'],
  ])('refuses a peer if the two do not agree on routers: %s, %s', async (first, second, words) => {
    const rig = await start();
    const waited = await rig.connect(rig.origin, first).opened();
    waited.join('a');
    await expect.poll(() => waited.types()).toEqual(['joined']);
    const came = await rig.connect(rig.origin, second).opened();
    came.join('a');
    await expect.poll(() => came.closeCode).toBe(1008);
    expect(came.replies).toMatchObject([{ type: 'error', code: 'refused' }]);
    expect(JSON.stringify(came.replies)).toContain(words);
    expect(waited.types()).toEqual(['joined']);
  });

  it('refuses an address with an invalid link name', async () => {
    const rig = await start({ openSplice: () => engine().open() });
    for (const link of ['a%20b', '..%2F', 'x'.repeat(65)]) {
      const peer = rig.connect(rig.origin, link);
      await expect.poll(() => peer.refusal).toBe(400);
    }
  });

  it('refuses a call without an engine, and with one that fails', async () => {
    const without = await start();
    const peer = await without.connect(without.origin, 'lane-1').opened();
    peer.join('kitchen');
    await expect.poll(() => peer.replies[0]).toMatchObject({ type: 'error', code: 'refused' });
    const failing = await start({ openSplice: () => Promise.reject(new Error('no ports left')) });
    const first = await failing.connect(failing.origin, 'lane-1').opened();
    first.join('kitchen');
    await expect.poll(() => first.types()).toEqual(['joined']);
    const second = await failing.connect(failing.origin, 'lane-1').opened();
    second.join('kitchen');
    await expect.poll(() => first.closeCode).toBe(1008);
    expect(first.replies[1]).toMatchObject({ code: 'refused' });
    expect((first.replies[1] as { message: string }).message).toContain('no ports left');
    await expect.poll(() => failing.signalling.rooms).toBe(0);
  });

  it('informs both when the path of their call is lost, and frees the room', async () => {
    const link = engine();
    let lose = (_reason: string): void => {};
    const lost = new Promise<string>((resolve) => {
      lose = resolve;
    });
    const rig = await start({ openSplice: async () => ({ ...(await link.open()), lost }) });
    const peers = await pair(rig, 'lane-1');
    lose('The simulated network has ended. Open it again.');
    for (const peer of peers) {
      await expect.poll(() => peer.types()).toEqual(['joined', 'ready', 'bye', 'error']);
      expect(peer.replies[2]).toMatchObject({
        reason: 'The simulated network has ended. Open it again.',
      });
      expect(peer.replies[3]).toMatchObject({ code: 'refused' });
    }
    await expect.poll(() => rig.signalling.rooms).toBe(0);
    await pair(rig);
  });

  it('closes a splice that opens after one peer has left', async () => {
    const link = engine();
    let release = (): void => {};
    const wait = new Promise<void>((resolve) => {
      release = resolve;
    });
    const rig = await start({ openSplice: () => wait.then(link.open) });
    const first = await rig.connect(rig.origin, 'lane-1').opened();
    first.join('kitchen');
    await expect.poll(() => first.types()).toEqual(['joined']);
    const second = await rig.connect(rig.origin, 'lane-1').opened();
    second.join('kitchen');
    await expect.poll(() => second.types()).toEqual(['joined']);
    second.socket.close();
    await expect.poll(() => rig.signalling.connections).toBe(1);
    release();
    await expect.poll(() => link.closed).toBe(1);
    expect(first.types()).toEqual(['joined']);
  });
});

describe('rewriteCandidates', () => {
  it('drops trickled candidates and lets a bye pass', () => {
    const only = { address: '127.0.0.1', port: 5 };
    expect(rewriteCandidates(candidate, only)).toBeNull();
    const bye: SignalMessage = { type: 'bye', reason: '' };
    expect(rewriteCandidates(bye, only)).toBe(bye);
  });

  it('does not add candidates to a description without media', () => {
    const message: SignalMessage = { type: 'describe', kind: 'offer', sdp: 'v=0\n\ns=-' };
    expect(rewriteCandidates(message, { address: '::1', port: 5 })).toMatchObject({
      sdp: 'v=0\r\ns=-\r\n',
    });
  });
});

describe('WebSocketSignalling', () => {
  /** Messages that have reached any of the sockets. */
  let arrived = 0;
  /** Those of each signalling, the latest last. */
  const sockets = new Map<WebSocketSignalling, WebSocket[]>();

  function open(
    rig: SignallingRig,
    options: Partial<WebSocketSignallingOptions> = {},
  ): WebSocketSignalling {
    const own: WebSocket[] = [];
    const signalling = WebSocketSignalling.create(`${rig.origin}/signal`, {
      room: 'kitchen',
      firstDelayMs: 20,
      maxDelayMs: 100,
      createSocket(url) {
        const socket = new WebSocket(url, { origin: rig.origin });
        socket.on('message', () => arrived++);
        own.push(socket);
        return socket;
      },
      ...options,
    });
    sockets.set(signalling, own);
    cleanups.push(() => signalling.close());
    return signalling;
  }

  async function ready(rig: SignallingRig) {
    const callee = open(rig);
    await expect.poll(() => callee.state).toBe('waiting');
    const caller = open(rig);
    await expect.poll(() => [callee.state, caller.state]).toEqual(['ready', 'ready']);
    const heard: SignalMessage[] = [];
    callee.addEventListener('message', ({ data }) => heard.push(data));
    return { callee, caller, heard };
  }
  /** Polling may miss it. */
  const becomes = (signalling: WebSocketSignalling, state: SignallingState): Promise<void> =>
    new Promise((resolve) => {
      signalling.addEventListener('statechange', () => {
        if (signalling.state === state) resolve();
      });
    });
  const cut = async (signalling: WebSocketSignalling): Promise<void> => {
    const noticed = becomes(signalling, 'connecting');
    sockets.get(signalling)!.at(-1)!.terminate();
    await noticed;
  };

  it('reconnects when its connection was cut, and sends the messages from meanwhile', async () => {
    const { callee, caller, heard } = await ready(await start());
    const states: string[] = [];
    const errors: unknown[] = [];
    caller.addEventListener('statechange', () => states.push(caller.state));
    caller.addEventListener('error', ({ detail }) => errors.push(detail));
    await cut(caller);
    caller.send(candidate);
    caller.send(offer);
    caller.send(candidate);
    await expect.poll(() => heard).toEqual([offer, candidate]);
    expect([caller.role, callee.role]).toEqual(['caller', 'callee']);
    expect(states).toEqual(['connecting', 'waiting', 'ready']);
    expect(errors).toMatchObject([{ code: 'transport' }]);
    expect(errors[0]).toBeInstanceOf(MicwireError);
    expect(caller.error).toBeNull();
  });

  it('survives a restart of the server', async () => {
    const rig = await start();
    const { callee, caller, heard } = await ready(rig);
    const noticed = becomes(caller, 'connecting');
    await rig.restart();
    await noticed;
    caller.send(offer);
    await expect.poll(() => heard).toEqual([offer]);
    expect([caller.role, callee.role]).toEqual(['caller', 'callee']);
    expect([caller.state, callee.state]).toEqual(['ready', 'ready']);
  });

  it.each([1000, 1008, 3003])('does not reconnect after close code %i', async (code) => {
    const server = new WebSocketServer({ port: 0 });
    cleanups.push(() => new Promise((resolve) => server.close(resolve)));
    let connections = 0;
    server.on('connection', (socket) => {
      connections++;
      socket.on('message', () => {
        socket.send('{"type":"joined","room":"kitchen"}');
        socket.close(code, 'enough');
      });
    });
    const { port } = server.address() as AddressInfo;
    const url = `ws://127.0.0.1:${port}`;
    const signalling = WebSocketSignalling.create(url, {
      ...{ room: 'kitchen', firstDelayMs: 1, maxDelayMs: 1 },
      createSocket: (address) => new WebSocket(address),
    });
    await expect.poll(() => signalling.state).toBe('closed');
    expect(signalling.error?.message).toContain(`for good: enough (code ${code})`);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(connections).toBe(1);
  });

  it('does not reconnect when the server refuses its place', async () => {
    const rig = await start({ holdMs: 0 });
    const { callee, caller } = await ready(rig);
    await cut(caller);
    await expect.poll(() => caller.state).toBe('closed');
    expect(caller.error?.message).toContain('Two are in room');
    expect(callee.state).toBe('ready');
  });

  it('gives up a connection that holds bytes and moves none, with a code that keeps its place', async () => {
    vi.useFakeTimers();
    cleanups.push(() => vi.useRealTimers());
    const closed: (number | undefined)[] = [];
    const made: WebSocketLike[] = [];
    const signalling = WebSocketSignalling.create('ws://127.0.0.1:9', {
      room: 'kitchen',
      createSocket() {
        let bufferedAmount = 0;
        const socket: WebSocketLike = {
          ...{ binaryType: '', onopen: null, onmessage: null, onclose: null, onerror: null },
          // It takes nothing off this machine.
          get bufferedAmount() {
            return bufferedAmount;
          },
          send(message) {
            bufferedAmount += message.length;
          },
          close: (code) => closed.push(code),
        };
        made.push(socket);
        return socket;
      },
    });
    cleanups.push(() => signalling.close());
    made[0]!.onopen!({} as never);
    made[0]!.onmessage!({ data: '{"type":"joined","room":"kitchen","seat":"s"}' } as never);
    expect(signalling.state).toBe('waiting');
    await vi.advanceTimersByTimeAsync(12_000);
    expect([signalling.state, closed, made.length]).toEqual(['connecting', [4000], 2]);
    // Its own end has no code: to the server, the end of the call.
    await signalling.close();
    expect(closed).toEqual([4000, undefined]);
  });

  it.each([
    ['keeps a server that is silent but answers', true],
    ['gives up a server that no longer answers', false],
  ])('%s', async (_what, answers) => {
    vi.useFakeTimers();
    cleanups.push(() => vi.useRealTimers());
    const made: WebSocketLike[] = [];
    const sent: string[] = [];
    const signalling = WebSocketSignalling.create('ws://127.0.0.1:9', {
      room: 'kitchen',
      pingIntervalMs: 2000,
      createSocket() {
        const socket: WebSocketLike = {
          ...{ binaryType: '', onopen: null, onmessage: null, onclose: null, onerror: null },
          // The system takes everything off it, as one does whose network is gone.
          bufferedAmount: 0,
          send(message) {
            sent.push(message as string);
            if (answers) socket.onmessage!({ data: '{"type":"pong"}' } as never);
          },
          close() {},
        };
        made.push(socket);
        return socket;
      },
    });
    cleanups.push(() => signalling.close());
    made[0]!.onopen!({} as never);
    made[0]!.onmessage!({ data: '{"type":"joined","room":"kitchen","seat":"s"}' } as never);
    await vi.advanceTimersByTimeAsync(answers ? 60_000 : 8000);
    const pings = sent.filter((message) => message === '{"type":"ping"}').length;
    expect([signalling.state, signalling.error]).toEqual([
      answers ? 'waiting' : 'connecting',
      null,
    ]);
    expect(made).toHaveLength(answers ? 1 : 2);
    if (answers) expect(pings).toBeGreaterThan(20);
    else expect(pings).toBe(1);
  });

  it('close() while it waits to reconnect: no further attempt, no event', async () => {
    const rig = await start();
    const { caller } = await ready(rig);
    await cut(caller);
    const made = sockets.get(caller)!.length;
    const states: string[] = [];
    caller.addEventListener('statechange', () => states.push(caller.state));
    await caller.close();
    await caller.close();
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(states).toEqual(['closed']);
    expect(caller.error).toBeNull();
    expect(sockets.get(caller)!.length).toBe(made);
  });
  it('waits for the other peer, takes its role, and keeps messages until there is a listener', async () => {
    const rig = await start();
    const first = open(rig);
    const states: string[] = [];
    first.addEventListener('statechange', () => states.push(first.state));
    await expect.poll(() => first.state).toBe('waiting');
    const second = open(rig);
    await expect.poll(() => [first.state, second.state]).toEqual(['ready', 'ready']);
    expect([first.role, second.role]).toEqual(['callee', 'caller']);
    expect(states).toEqual(['waiting', 'ready']);
    const received: SignalMessage[] = [];
    const before = arrived;
    second.send(offer);
    second.send(candidate);
    await expect.poll(() => arrived).toBe(before + 2);
    first.addEventListener('message', ({ data }) => received.push(data));
    await expect.poll(() => received).toEqual([offer, candidate]);
    void second.close();
    await expect.poll(() => received.at(-1)).toMatchObject({ type: 'bye' });
    expect(second.error).toBeNull();
  });

  it('reports why it failed: no server, a full room', async () => {
    const rig = await start();
    const [a, b, c] = [open(rig), open(rig), open(rig)];
    await expect
      .poll(() => [a, b, c].map(({ state }) => state).toSorted())
      .toEqual(['closed', 'ready', 'ready']);
    const refused = [a, b, c].find(({ state }) => state === 'closed')!;
    expect(refused.error).toBeInstanceOf(MicwireError);
    expect(refused.error?.message).toContain('Two are in room');
    await rig.close();
    const nowhere = open(rig);
    await expect.poll(() => nowhere.state).toBe('closed');
    expect(nowhere.error?.message).toContain('cannot be reached');
  });

  it('refuses a room that is not a name', async () => {
    const options = { room: 'a b' };
    expect(() => WebSocketSignalling.create('ws://localhost/signal', options)).toThrow(TypeError);
  });
});
