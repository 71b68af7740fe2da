import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { joinBytes, utf8Bytes } from '../src/core/bytes.ts';
import {
  AUDIOSOCKET_RATES,
  audiosocketAudio,
  nextAudiosocketMessage,
} from '../src/core/services/shared/audiosocket-messages.ts';
import { ByteQueue } from '../src/core/services/shared/tcp-messages.ts';
import { serveAudioSocket } from '../src/node/audio-socket.ts';
import type { AudioSocketCall, AudioSocketOptions } from '../src/node/audio-socket.ts';
import { busy } from './helpers/busy.ts';
import { eventually } from './helpers/eventually.ts';
import { mutateBytes } from './helpers/mutate.ts';
import { seededRandom } from './helpers/random.ts';
import { bytesAt } from './helpers/stream-client.ts';
import { wait, connected, readAll, expectBytes } from './helpers/tcp-client.ts';
import type { Client } from './helpers/tcp-client.ts';

const UUID = '40325ec2-5efd-4bd3-805f-53576e581d13';
const UUID_MESSAGE = Uint8Array.of(1, 0, 16, ...Buffer.from(UUID.replaceAll('-', ''), 'hex'));
const HANGUP = Uint8Array.of(0, 0, 0);
const key = (digit: string) => Uint8Array.of(3, 0, 1, digit.charCodeAt(0));

/** Audio in messages of 20 ms, as Asterisk sends it. */
function speech(sampleRate: number, bytes: Uint8Array): Uint8Array {
  const length = Math.round(sampleRate / 50) * 2;
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += length) {
    parts.push(...audiosocketAudio(sampleRate, bytes.subarray(at, at + length)));
  }
  return joinBytes(parts);
}

const call = (options: AudioSocketOptions = {}) =>
  connected((socket) => serveAudioSocket(socket, options));

/** The audio that Asterisk was sent. */
function played(client: Client): { readonly audio: Uint8Array; readonly kinds: readonly number[] } {
  const queue = new ByteQueue();
  queue.push(client.bytes);
  const parts: Uint8Array[] = [];
  const kinds: number[] = [];
  for (let one = nextAudiosocketMessage(queue); one !== null; one = nextAudiosocketMessage(queue)) {
    kinds.push(one.kind);
    parts.push(one.payload);
  }
  return { audio: joinBytes(parts), kinds };
}

describe('serveAudioSocket', () => {
  it('delivers every sample of a call, at each rate', async () => {
    for (const sampleRate of AUDIOSOCKET_RATES) {
      const [client, taken] = await call();
      const all = bytesAt(`rate ${sampleRate}`, 0, sampleRate / 10);
      await client.send(joinBytes([UUID_MESSAGE, speech(sampleRate, all), HANGUP]));
      const stream = await taken;
      expect(stream.id).toBe(UUID);
      expect(stream.format).toEqual({ format: 's16', sampleRate, channels: 1 });
      expect(stream.address).toBe('127.0.0.1');
      const chunks = await readAll(stream);
      expectBytes(stream, chunks, all);
      expect(stream.ending).toBe('bye');
      expect(await stream.ended).toBe('bye');
      await eventually(() => expect(client.isEnded).toBe(true));
    }
  });

  it('gives the same result wherever the stream is cut', async () => {
    const audio = bytesAt('cut', 0, 40);
    const keys: string[] = [];
    const whole = joinBytes([
      UUID_MESSAGE,
      ...audiosocketAudio(8000, audio.subarray(0, 30)),
      key('5'),
      ...audiosocketAudio(8000, audio.subarray(30)),
      HANGUP,
    ]);
    for (let cut = 1; cut < whole.length; cut++) {
      const [client, taken] = await call({ digit: (digit) => keys.push(digit) });
      await client.send(whole.subarray(0, cut));
      // Its own event for each part.
      if (cut % 8 === 0) await wait(2);
      await client.send(whole.subarray(cut));
      const stream = await taken;
      expectBytes(stream, await readAll(stream), audio);
      expect(stream.ending).toBe('bye');
    }
    expect(keys.join('')).toBe('5'.repeat(whole.length - 1));
  }, 30_000);

  it('reads messages that arrive in pieces of any length', async () => {
    for (let seed = 1; seed <= 5; seed++) {
      const random = seededRandom(seed);
      const [client, taken] = await call();
      const all = bytesAt(`pieces ${seed}`, 0, 60_000);
      const sending = client.sendInPieces(
        joinBytes([UUID_MESSAGE, speech(16_000, all), HANGUP]),
        random,
      );
      const stream = await taken;
      expectBytes(stream, await readAll(stream), all);
      await sending;
    }
  }, 30_000);

  it('stops reading from Asterisk while the reader is slow, and loses nothing', async () => {
    const [client, taken] = await call({ queuedMs: 500 });
    const all = bytesAt('slow', 0, 2_000_000);
    void client.send(joinBytes([UUID_MESSAGE, speech(8000, all), HANGUP]));
    const stream = await taken;
    await eventually(() => expect(stream.stats.queuedFrames).toBeGreaterThan(4000));
    await wait(100);
    // One slice of the socket may come after the last one that fitted.
    expect(stream.stats.receivedFrames).toBeLessThan(4000 + 40_000);
    expectBytes(stream, await readAll(stream), all);
    expect(stream.ending).toBe('bye');
  });

  it('plays audio whole and in order', async () => {
    const [client, taken] = await call({ sampleRate: 16_000 });
    await client.send(UUID_MESSAGE);
    const stream = await taken;
    const all = bytesAt('reply', 0, 6000);
    const sent = await Promise.all([
      stream.play(all.subarray(0, 2002)),
      stream.play(all.subarray(2002, 9000)),
      stream.play(all.subarray(9000)),
    ]);
    expect(sent).toEqual([1001, 3499, 1500]);
    stream.hangup();
    expect(await stream.ended).toBe('closed');
    await eventually(() => expect(client.isEnded).toBe(true));
    const { audio, kinds } = played(client);
    expect(kinds).toEqual([...kinds.slice(0, -1).map(() => 0x12), 0x00]);
    expect(Buffer.compare(audio, all)).toBe(0);
    expect(await stream.play(all)).toBe(0);
  });

  it('stops playing on request: each frame was sent or dropped', async () => {
    const [client, taken] = await call({ sampleRate: 8000 });
    await client.send(UUID_MESSAGE);
    const stream = await taken;
    const all = bytesAt('barge-in', 0, 80_000);
    const playing = stream.play(all);
    await eventually(() => expect(played(client).audio.length).toBeGreaterThan(640));
    const dropped = stream.stopPlaying();
    const sent = await playing;
    expect(sent + dropped).toBe(80_000);
    expect(stream.playingFrames).toBe(0);
    await eventually(() => expect(played(client).audio.length).toBe(2 * sent));
    expect(Buffer.compare(played(client).audio, all.subarray(0, 2 * sent))).toBe(0);
    // What the call does not play any more when it is over is told, too.
    const rest = stream.play(all);
    client.socket.destroy();
    expect(await rest).toBeLessThan(80_000);
    expect(await stream.ended).toMatch(/^(bye|lost)$/);
  });

  it('reports keys, including those before the first audio', async () => {
    const keys: [string, string][] = [];
    const digit = (one: string, of: AudioSocketCall) => keys.push([one, of.id]);
    const [client, taken] = await call({ digit });
    await client.send(joinBytes([UUID_MESSAGE, key('1'), key('#')]));
    await client.send(joinBytes([...audiosocketAudio(8000, bytesAt('k', 0, 160)), key('A')]));
    await taken;
    await eventually(() =>
      expect(keys).toEqual([
        ['1', UUID],
        ['#', UUID],
        ['A', UUID],
      ]),
    );
  });

  it('starts a call without audio at 8 kHz', async () => {
    const [client, taken] = await call();
    await client.send(UUID_MESSAGE);
    const stream = await taken;
    expect(stream.format.sampleRate).toBe(8000);
    client.socket.end();
    expect(await readAll(stream)).toEqual([]);
    expect(stream.ending).toBe('bye');
  });

  it('distinguishes a call that was hung up from one whose connection broke within a message', async () => {
    const audio = bytesAt('end', 0, 320);
    const whole = joinBytes([UUID_MESSAGE, ...audiosocketAudio(8000, audio)]);
    const [client, taken] = await call();
    client.socket.end(whole);
    const stream = await taken;
    expectBytes(stream, await readAll(stream), audio);
    expect(await stream.ended).toBe('bye');
    const [other, cut] = await call();
    other.socket.end(joinBytes([whole, audiosocketAudio(8000, audio)[0]!.subarray(0, 99)]));
    const broken = await cut;
    expectBytes(broken, await readAll(broken), audio);
    expect(await broken.ended).toBe('lost');
  });

  it('talks with an Asterisk that supports only one kind of audio, whatever its rate', async () => {
    const [client, taken] = await call({ sampleRate: 16_000 });
    const audio = bytesAt('old', 0, 320);
    await client.send(joinBytes([UUID_MESSAGE, ...audiosocketAudio(8000, audio)]));
    const stream = await taken;
    await eventually(() => expect(stream.stats.receivedFrames).toBe(320));
    expect(await stream.play(audio)).toBe(320);
    stream.hangup();
    expectBytes(stream, await readAll(stream), audio);
    expect(stream.format.sampleRate).toBe(16_000);
    await eventually(() => expect(client.isEnded).toBe(true));
    expect(played(client)).toEqual({ audio, kinds: [0x10, 0x00] });
  });

  it('refuses a connection that is not AudioSocket, and one that never sends its UUID', async () => {
    const first: readonly (readonly [Uint8Array, RegExp])[] = [
      [utf8Bytes('GET / HTTP/1.1\r\nHost: example.org\r\n\r\n'.repeat(1000)), /must be the UUID/],
      [Uint8Array.of(1, 0, 4, 1, 2, 3, 4), /must have 16 bytes, got 4/],
      [joinBytes(audiosocketAudio(8000, bytesAt('x', 0, 160))), /must be the UUID/],
    ];
    for (const [bytes, message] of first) {
      const [client, taken] = await call();
      void client.send(bytes);
      await expect(taken).rejects.toMatchObject({
        name: 'MicwireError',
        code: 'transport',
        message: expect.stringMatching(message),
      });
      await eventually(() => expect(client.isEnded).toBe(true));
    }
    const [silent, never] = await call({ helloMs: 20 });
    await expect(never).rejects.toThrow(/did not tell its UUID/);
    await eventually(() => expect(silent.isEnded).toBe(true));
    const [gone, lost] = await call();
    gone.socket.destroy();
    await expect(lost).rejects.toThrow(/closed it before the call had begun/);
  });

  it('ends a call whose audio has an unclear format, and survives other bad messages', async () => {
    const audio = bytesAt('bad', 0, 160);
    for (const bad of [
      joinBytes(audiosocketAudio(16_000, audio)),
      Uint8Array.of(0x10, 0, 3, 1, 2, 3),
      joinBytes(Array.from({ length: 65 }, () => Uint8Array.of(0x77, 0, 1, 9))),
    ]) {
      const [client, taken] = await call();
      await client.send(joinBytes([UUID_MESSAGE, ...audiosocketAudio(8000, audio), bad]));
      const stream = await taken;
      expectBytes(stream, await readAll(stream), audio);
      expect(stream.ending).toBe('lost');
      expect(stream.error).toMatchObject({ name: 'PacketError' });
    }
    const [client, taken] = await call();
    const odd = Array.from({ length: 60 }, (_, i) => Uint8Array.of(0x70 + (i % 9), 0, 2, 7, 7));
    await client.send(
      joinBytes([UUID_MESSAGE, ...odd, ...audiosocketAudio(8000, audio), UUID_MESSAGE, HANGUP]),
    );
    const stream = await taken;
    expectBytes(stream, await readAll(stream), audio);
    expect(stream.ending).toBe('bye');
  });

  it('ends a call that has been silent for too long, but not one whose reader is slow', async () => {
    const [client, taken] = await call({ idleMs: 60, queuedMs: 20 });
    const all = bytesAt('idle', 0, 1600);
    await client.send(joinBytes([UUID_MESSAGE, speech(8000, all)]));
    const stream = await taken;
    await wait(200);
    expect(stream.ending).toBeNull();
    const chunks = await readAll(stream);
    expectBytes(stream, chunks, all);
    expect(stream.ending).toBe('lost');
  });

  it('keeps a call whose audio came while this process was busy', async () => {
    const [client, taken] = await call({ idleMs: 300 });
    await client.send(joinBytes([UUID_MESSAGE, speech(8000, bytesAt('busy', 0, 160))]));
    const stream = await taken;
    for (let frame = 160; frame <= 320; frame += 160) {
      await wait(100);
      const sent = client.send(speech(8000, bytesAt('busy', frame, 160)));
      busy(350);
      await sent;
    }
    expect(stream.ending).toBeNull();
    await client.send(HANGUP);
    expectBytes(stream, await readAll(stream), bytesAt('busy', 0, 480));
    expect(stream.ending).toBe('bye');
  });

  it('waits for a UUID that came while this process was busy', async () => {
    const [client, taken] = await call({ helloMs: 200 });
    const sent = client.send(joinBytes([UUID_MESSAGE, speech(8000, bytesAt('busy', 0, 160))]));
    busy(250);
    await sent;
    expect((await taken).id).toBe(UUID);
  });

  it('refuses options that are wrong', async () => {
    const [, errors] = await connected((socket) =>
      [
        { sampleRate: 22_050 },
        { samplerate: 8000 },
        { digit: 'x' },
        { queuedMs: 0 },
        { queuedBytes: 1.5 },
      ].map((options) => {
        try {
          void serveAudioSocket(socket, options as AudioSocketOptions);
          return '';
        } catch (error) {
          return String(error);
        }
      }),
    );
    expect(errors).toEqual([
      expect.stringContaining('RangeError: sampleRate must be one of 8000,'),
      expect.stringContaining("Did you mean 'sampleRate'?"),
      expect.stringContaining('TypeError: digit must be a function'),
      expect.stringContaining('RangeError: queuedMs'),
      expect.stringContaining('RangeError: queuedBytes'),
    ]);
    expect(() => serveAudioSocket({} as Socket)).toThrow(TypeError);
  });
});

describe('hostile clients', () => {
  it('can break only their own connection to an AudioSocket server', async () => {
    const audio = bytesAt('hostile', 0, 800);
    const good = joinBytes([UUID_MESSAGE, speech(8000, audio), key('1'), HANGUP]);
    for (let seed = 1; seed <= 150; seed++) {
      const random = seededRandom(seed);
      const [client, taken] = await call({ queuedMs: 50 });
      client.socket.end(mutateBytes(good, random));
      const stream = await taken.catch((error: unknown) => error);
      if (stream instanceof Error) {
        expect(stream).toMatchObject({ name: 'MicwireError', code: 'transport' });
        continue;
      }
      const chunks = await readAll(stream as AudioSocketCall);
      const bytes = joinBytes(chunks.map((chunk) => chunk.bytes));
      expectBytes(stream as AudioSocketCall, chunks, bytes);
      expect(['bye', 'lost']).toContain(await (stream as AudioSocketCall).ended);
    }
  }, 60_000);
});
