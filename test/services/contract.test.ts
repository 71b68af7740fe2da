import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { PacketError } from '../../src/core/errors.ts';
import { bytesPerFrame } from '../../src/core/format/stream-format.ts';
import type { StreamFormat } from '../../src/core/format/stream-format.ts';
import type {
  Service,
  ServiceConnection,
  ServiceEvent,
  ServiceRequest,
  WireMessage,
} from '../../src/core/services/service.ts';
import { sizeOf } from '../helpers/bounded.ts';
import { mutateBytes, mutateText } from '../helpers/mutate.ts';
import { seededRandom } from '../helpers/random.ts';
import { mutateJson } from './mutate-json.ts';
import { BASE64, OPEN, audio, interrupted } from './service-case.ts';
import type { FixtureMessage, FixtureStep } from './service-case.ts';
import { SERVICES } from './table.ts';

/** What every service must do, whatever its messages look like. Run over the table: a service is a file, a row and its fixtures. */

const FOLDER = new URL('../../src/core/services/', import.meta.url);
const FILES = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.ts') && name !== 'service.ts')
  .map((name) => name.replace(/\.ts$/, ''));

const SEED = 20_261_128;
const HOSTILE_MESSAGES = 1500;

/** One request of each kind. */
const REQUESTS: readonly ServiceRequest[] = [
  { ...OPEN, handle: 'handle-1', frame: 48_000, connections: 3 },
  audio(),
  audio(undefined, { frame: 2, replayed: true }),
  { type: 'commit', frame: 4 },
  interrupted(undefined),
  interrupted('reply-1', 480),
  {
    type: 'interrupted',
    heard: { item: 'reply-1', frames: 0, ms: 0, unheard: ['reply-2', 'reply-3'] },
  },
  { type: 'mute', muted: true },
  { type: 'mute', muted: false },
  { type: 'mark', name: 'mark-1' },
  { type: 'clear' },
  { type: 'played', item: 'reply-1', name: null, frames: 480 },
  { type: 'played', item: 'reply-1', name: 'mark-1', frames: 240 },
  { type: 'keep-alive' },
  { type: 'message', value: { type: 'app', text: 'ü' } },
  { type: 'message', value: 'text' },
  { type: 'message', value: Uint8Array.of(1, 2, 3) },
  { type: 'end' },
];

describe('the table of services', () => {
  it('has a row for each file of src/core/services, and a file for each row', () => {
    expect(SERVICES.map(({ id }) => id).sort()).toEqual([...FILES].sort());
  });
});

describe.each(SERVICES.map((row) => [row.id, row] as const))('%s', (id, row) => {
  const services = (): Service[] => [row.create, ...row.variants].map((create) => create());

  it('is exported under its name by its file, with a doc comment', async () => {
    const name = id.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
    const exported: unknown = await import(new URL(`${id}.ts`, FOLDER).href);
    expect(Object.keys(exported as object)).toContain(name);
    const source = readFileSync(new URL(`${id}.ts`, FOLDER), 'utf8');
    expect(source).toMatch(new RegExp(`\\*/\\nexport function ${name}\\(`));
  });

  it('describes itself within the bounds that a session relies on', () => {
    for (const service of services()) {
      expect(service.id).toBe(id);
      expect(row.inputs).toContain(formatName(service.input, row.inputs));
      if (service.output !== null) {
        expect(row.outputs).toContain(formatName(service.output, row.outputs));
      }
      expect(service.chunkDurationMs).toBeGreaterThanOrEqual(1);
      expect(service.chunkDurationMs).toBeLessThanOrEqual(1000);
      expect(service.replaySpeed).toBeGreaterThan(1);
      expect(service.overlapMs).toBeGreaterThanOrEqual(0);
      expect(service.keepAliveMs).toBeGreaterThanOrEqual(0);
      expect(['binary', 'base64']).toContain(service.encoding);
      expect(['silence', 'nothing', 'keep-alive']).toContain(service.muteAs);
    }
  });

  it('has a variant for each format that its documents list', () => {
    const made = services();
    const inputs = new Set(made.map(({ input }) => formatName(input, row.inputs)));
    const outputs = made.flatMap(({ output }) => output ?? []);
    expect([...inputs].sort()).toEqual([...row.inputs].sort());
    const found = new Set(outputs.map((output) => formatName(output, row.outputs)));
    expect([...found].sort()).toEqual([...row.outputs].sort());
  });

  it('connects to the address of its documents', () => {
    const { url, connects, protocols = [] } = row.address;
    const service = row.create();
    expect(service.address(url, 'T')).toEqual({ url: connects, protocols });
    const bare = service.address(url, undefined);
    expect(bare.url.startsWith(url.split('?')[0]!)).toBe(true);
    expect(JSON.stringify(bare)).not.toContain('undefined');
  });

  it('decides after each close code whether to connect again', () => {
    const service = row.create();
    const codes = Array.from({ length: 4000 }, (_, i) => 1000 + i);
    const answers = new Set(codes.map((code) => service.afterClose(code, 'a reason')));
    expect([...answers].filter((answer) => answer !== 'retry' && answer !== 'stop')).toEqual([]);
  });

  it('refuses an unknown option', async () => {
    const name = id.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
    const module = (await import(new URL(`${id}.ts`, FOLDER).href)) as Record<
      string,
      (options: object) => Service
    >;
    expect(() => module[name]!({ sampelRate: 1 })).toThrow(TypeError);
    expect(() => module[name]!({ replaySpeed: 0 })).toThrow(RangeError);
  });

  it('encodes the requests and decodes the messages of its fixtures', () => {
    const service = row.create();
    expect(row.fixtures.length).toBeGreaterThan(0);
    for (const steps of row.fixtures) replay(service.connect(), steps);
    const { url, connects, resumes = connects } = row.address;
    expect(service.address(url, 'T').url).toBe(resumes);
  });

  it('begins every connection with its configuration, and accepts audio when it is ready', () => {
    const { readyOnOpen } = row.create();
    for (const steps of row.fixtures) {
      const [first] = steps;
      expect(first !== undefined && 'request' in first && first.request.type).toBe('open');
      let ready = readyOnOpen;
      for (const step of steps) {
        if ('request' in step && step.request.type === 'audio') expect(ready).toBe(true);
        if ('message' in step && step.events.some(({ type }) => type === 'ready')) {
          expect(ready).toBe(false);
          ready = true;
        }
      }
      expect(ready).toBe(true);
    }
  });

  it('never reuses the name of a reply', () => {
    const ended = new Set<string>();
    for (const steps of row.fixtures) {
      const named = new Set<string>();
      for (const event of steps.flatMap((step) => ('events' in step ? step.events : []))) {
        if (event.type === 'audio') {
          expect(ended).not.toContain(event.item);
          named.add(event.item);
        }
        if (event.type === 'item-end') ended.add(event.item);
      }
      // What was still arriving has ended with its connection.
      for (const item of named) ended.add(item);
    }
  });

  it('encodes requests of every kind at any time', () => {
    for (const service of services()) {
      const connection = service.connect();
      for (const round of [0, 1]) {
        for (const request of REQUESTS) {
          const messages = connection.encode(request);
          for (const message of messages) {
            expect(typeof message === 'string' || message instanceof Uint8Array).toBe(true);
          }
          if (round === 0 && request.type === 'message' && request.value === 'text') {
            expect(messages.map(comparable)).toEqual(asText(service, messages));
          }
        }
        for (const step of row.fixtures[0]!) {
          if ('message' in step) connection.decode(wireForm(step.message));
        }
      }
    }
  });

  it('sends exactly the bytes of the audio', () => {
    const random = seededRandom(SEED);
    for (const service of services()) {
      const connection = service.connect();
      connection.encode(OPEN);
      if (!service.readyOnOpen) hearUntilReady(connection, row.fixtures[0]!);
      const frameBytes = bytesPerFrame(service.input) || 1;
      // A service may have a shortest message: what it holds back comes with the next audio, or the end.
      let held = Buffer.alloc(0);
      let frame = 0;
      for (const frames of [1, 2, 160, 320, 960, 2400, 1]) {
        const bytes = Uint8Array.from({ length: frames * frameBytes }, () => random() * 256);
        const messages = connection.encode(audio(bytes, { frame, frames }));
        frame += frames;
        held = Buffer.concat([held, bytes]);
        if (messages.length === 0) continue;
        expect(messages.filter((message) => carries(message, held))).toHaveLength(1);
        held = Buffer.alloc(0);
      }
      expect(held.length).toBeLessThan(0.05 * service.input.sampleRate * frameBytes);
      const last = connection.encode({ type: 'end' });
      expect(last.filter((message) => carries(message, held)).length).toBeGreaterThanOrEqual(
        Math.min(1, held.length),
      );
    }
  });

  it('reads exactly the bytes of the audio', () => {
    const random = seededRandom(SEED);
    const service = row.create();
    for (const steps of row.fixtures) {
      for (const [index, step] of steps.entries()) {
        if (!('message' in step) || !step.events.some(({ type }) => type === 'audio')) continue;
        const text = wireForm(step.message);
        if (typeof text !== 'string' || text.split(BASE64).length !== 2) continue;
        const bytes = Uint8Array.from({ length: 640 }, () => random() * 256);
        const connection = service.connect();
        replay(connection, steps.slice(0, index), false);
        const events = connection.decode(
          text.replace(BASE64, () => Buffer.from(bytes).toString('base64')),
        );
        const got = events.flatMap((event) => (event.type === 'audio' ? [event.bytes] : []));
        expect(Buffer.concat(got).equals(bytes)).toBe(true);
      }
    }
  });

  it('keeps connections apart', () => {
    const [steps] = row.fixtures;
    const alone = outcome(row.create().connect(), steps!);
    const service = row.create();
    const other = service.connect();
    const connection = service.connect();
    const together: unknown[] = [];
    for (const step of steps!) {
      for (const fixture of row.fixtures) {
        for (const foreign of fixture) {
          if ('message' in foreign) other.decode(wireForm(foreign.message));
          else other.encode(foreign.request);
        }
      }
      together.push(...outcome(connection, [step]));
    }
    expect(withoutNumbers(together)).toEqual(withoutNumbers(alone));
  });

  it(`answers ${HOSTILE_MESSAGES} hostile messages with a PacketError at most, and remains usable`, () => {
    const random = seededRandom(SEED);
    const service = row.create();
    const messages = row.fixtures.flat().flatMap((step) => ('message' in step ? [step] : []));
    let connection = service.connect();
    let refused = 0;
    let bytesSoFar = 0;
    for (let i = 0; i < HOSTILE_MESSAGES; i++) {
      // A stream that has lost its ends of messages is not read any more.
      if (i % (service.transport === 'tcp' ? 10 : 100) === 0) {
        connection = service.connect();
        connection.encode(OPEN);
        bytesSoFar = 0;
      }
      const { message } = messages[Math.floor(random() * messages.length)]!;
      const hostile = mutated(message, random);
      let events: readonly ServiceEvent[] = [];
      try {
        events = connection.decode(hostile);
      } catch (error) {
        if (!(error instanceof PacketError)) throw failure(hostile, error);
        refused++;
      }
      if (service.transport === 'tcp')
        refused += events.filter(({ type }) => type === 'error').length;
      // A text of n characters is n bytes of payload at most, beside the object that JSON.parse makes of it. A slice of a stream may
      // end a message that came in those before.
      bytesSoFar = service.transport === 'tcp' ? bytesSoFar + hostile.length : hostile.length;
      const bound = 2000 + 60 * bytesSoFar;
      if (sizeOf(events) > bound) throw failure(hostile, new Error('it makes too much of it'));
      checkEvents(events, hostile);
      if (i % 10 === 0) {
        for (const request of REQUESTS) connection.encode(request);
      }
    }
    expect(refused).toBeGreaterThan(0);
    for (const { message } of messages) connection.decode(wireForm(message));
  });
});

/** What becomes of a text of the app's: it goes as it is, over TCP as bytes, unless a service has no messages of an app's. */
function asText({ transport }: Service, messages: readonly WireMessage[]): readonly unknown[] {
  if (transport === 'websocket') return ['text'];
  return messages.length === 0 ? [] : [comparable(Buffer.from('text'))];
}

/** Lets a connection hear its fixture up to the message after which audio may be sent. */
function hearUntilReady(connection: ServiceConnection, steps: readonly FixtureStep[]): void {
  for (const step of steps) {
    if (!('message' in step)) continue;
    connection.decode(wireForm(step.message));
    if (step.events.some(({ type }) => type === 'ready')) return;
  }
}

/** Runs the steps of one connection, and checks what comes of each. */
function replay(
  connection: ServiceConnection,
  steps: readonly FixtureStep[],
  checked: boolean = true,
): void {
  for (const step of steps) {
    if ('request' in step) {
      const messages = connection.encode(step.request);
      if (!checked) continue;
      const expected = step.messages.map((message) => comparable(message));
      const got = messages.map((message, i) => {
        const isObject = isPlainObject(step.messages[i]);
        return isObject && typeof message === 'string' ? (JSON.parse(message) as unknown) : message;
      });
      expect(got.map(comparable)).toEqual(expected);
      continue;
    }
    const events = connection.decode(wireForm(step.message));
    if (!checked) continue;
    expect(events.filter(({ type }) => type !== 'message').map(comparable)).toEqual(
      step.events.map(comparable),
    );
    if (!isPlainObject(step.message)) continue;
    const onlyAudio = step.events.length > 0 && step.events.every(({ type }) => type === 'audio');
    expect(events.filter(({ type }) => type === 'message')).toEqual(
      onlyAudio ? [] : [{ type: 'message', value: step.message }],
    );
  }
}

/** What a connection makes of steps. */
function outcome(connection: ServiceConnection, steps: readonly FixtureStep[]): unknown[] {
  return steps.flatMap((step): unknown[] =>
    'request' in step
      ? connection.encode(step.request).map(comparable)
      : connection.decode(wireForm(step.message)).map(comparable),
  );
}

/** The same with the numbers of replies left out: they count over all connections of a session. */
function withoutNumbers(values: readonly unknown[]): unknown {
  return JSON.parse(JSON.stringify(values).replace(/"([a-z]+)-\d+"/g, '"$1"'));
}

/** Bytes compare by value, whatever their class and offset are. */
function comparable(value: unknown): unknown {
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString('hex')}`;
  if (Array.isArray(value)) return value.map(comparable);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return Object.fromEntries(entries.map(([name, item]) => [name, comparable(item)]));
}

function isPlainObject(value: FixtureMessage | undefined): value is Record<string, unknown> {
  return typeof value === 'object' && !(value instanceof Uint8Array);
}

function wireForm(message: FixtureMessage): string | Uint8Array {
  return isPlainObject(message) ? JSON.stringify(message) : message;
}

function mutated(message: FixtureMessage, random: () => number): string | Uint8Array {
  if (message instanceof Uint8Array) {
    return random() < 0.1 ? Buffer.from(message).toString() : mutateBytes(message, random);
  }
  if (isPlainObject(message) && random() < 0.7) return JSON.stringify(mutateJson(message, random));
  const text = wireForm(message) as string;
  return random() < 0.1 ? mutateBytes(Buffer.from(text), random) : mutateText(text, random);
}

/** Whether a message has the payload in it: as it is, or as Base64. */
function carries(message: WireMessage, bytes: Uint8Array): boolean {
  if (typeof message === 'string') return message.includes(Buffer.from(bytes).toString('base64'));
  return Buffer.from(message).includes(Buffer.from(bytes));
}

/** Events hold what their types promise, also those of hostile messages. */
function checkEvents(events: readonly ServiceEvent[], message: string | Uint8Array): void {
  const wrong = events.find((event) => {
    switch (event.type) {
      case 'audio':
        return typeof event.item !== 'string' || !(event.bytes instanceof Uint8Array);
      case 'acknowledged':
      case 'settled':
        return !Number.isSafeInteger(event.frame);
      case 'going-away':
        return !(event.inMs >= 0);
      case 'transcript':
        return typeof event.text !== 'string' || typeof event.final !== 'boolean';
      case 'caption':
        return typeof event.text !== 'string' || !Number.isFinite(event.startMs);
      case 'error':
        return typeof event.message !== 'string' || typeof event.code !== 'string';
      case 'handle':
        return event.handle !== null && typeof event.handle !== 'string';
    }
    return false;
  });
  if (wrong !== undefined) throw failure(message, new Error(`it says ${JSON.stringify(wrong)}`));
}

function failure(message: string | Uint8Array, cause: unknown): Error {
  const shown =
    typeof message === 'string' ? JSON.stringify(message) : Buffer.from(message).toString('hex');
  return new Error(`seed ${SEED}: failed at ${shown}: ${String(cause)}`, { cause });
}

/** `'s16 24000'` of a stream, or `'s16 any'` where the list has that; ` x2` for two channels. */
function formatName(stream: StreamFormat, list: readonly string[]): string {
  const channels = stream.channels === 1 ? '' : ` x${stream.channels}`;
  const any = `${stream.format} any${channels}`;
  return list.includes(any) ? any : `${stream.format} ${stream.sampleRate}${channels}`;
}
