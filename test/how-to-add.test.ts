/** CONTRIBUTING's "How to add …", followed step by step in a copy of the repository, whose suites then run. */
import { afterEach, expect, test } from 'vitest';
import { copyProject } from './helpers/project-copy.ts';
import type { ProjectCopy } from './helpers/project-copy.ts';

let copy: ProjectCopy | undefined;
afterEach(async () => copy?.delete());

/** The binary framing behind a byte of its own. */
const MARKED_FRAMING = `\
import { PacketError } from '../errors.ts';
import { binaryFraming } from './binary.ts';
import type { SelfDescribingFraming } from './framing.ts';
import { checkMessage } from './packet.ts';

const MARK = 0x2a;

function withoutMark(message: string | Uint8Array): Uint8Array {
  if (typeof message === 'string') throw new PacketError('unknown-type', 'The message is text.');
  checkMessage(message);
  if (message.length === 0) throw new PacketError('truncated', 'The message is empty.');
  if (message[0] !== MARK) throw new PacketError('unknown-type', 'The mark is another.');
  return message.subarray(1);
}

export const markedFraming: SelfDescribingFraming = {
  name: 'marked',
  message: 'bytes',
  formats: binaryFraming.formats,
  createEncoder(stream) {
    const encoder = binaryFraming.createEncoder(stream);
    return {
      encode: (packet) => Uint8Array.of(MARK, ...(encoder.encode(packet) as Uint8Array)),
      reset: () => encoder.reset(),
    };
  },
  createDecoder(stream) {
    const decoder = binaryFraming.createDecoder(stream);
    return {
      decode: (message) => decoder.decode(withoutMark(message)),
      reset: () => decoder.reset(),
    };
  },
  layout: (message) => [
    { name: 'mark', byteOffset: 0, byteLength: 1 },
    ...binaryFraming
      .layout(withoutMark(message))
      .map((field) => ({ ...field, byteOffset: field.byteOffset + 1 })),
  ],
};
`;

test('a framing is added by a file and its lines in the table, and the contract and fuzz tests run over it', async () => {
  copy = await copyProject();
  await copy.add('src/core/framing/marked.ts', MARKED_FRAMING);
  const lines = await copy.besideLines('src/core/framing/framings.ts', /\bbinary/, (line) =>
    line.replaceAll('binary', 'marked'),
  );
  expect(lines).toBeGreaterThan(0);
  const passed = await copy.test('test/framing.test.ts', 'test/framing-fuzz.test.ts');
  expect(passed.filter((name) => name.includes('marked')).length).toBeGreaterThan(5);
}, 120_000);

/** The mean of |sample| since the last reset, per channel. */
const MEAN_METER = `\
import { SIZES, meterInSlices } from './meter-kernel.ts';
import { createReading } from './meter-reading.ts';
import { openKernel } from './open-meter-kernel.ts';

export const MEAN_FIELDS = { mean: ['channels', 0] };
export const MEAN_SETTINGS = {};

export class MeanMeter {
  constructor(options) {
    const { channels, kernel } = openKernel(options);
    this.channels = channels;
    this.kernel = kernel;
    this.sums = new Float64Array(channels);
    this.frames = new Float64Array(1);
  }

  createReading() {
    return createReading(MEAN_FIELDS, this.channels);
  }

  read(out) {
    this.store(out.values, 0);
  }

  process(block, from, frames) {
    meterInSlices(this.kernel, this, block, from, frames);
  }

  meter(_present, frames) {
    this.kernel.scan(0, frames);
    for (let c = 0; c < this.channels; c++) {
      this.sums[c] += this.kernel.scanned[this.kernel.scanAt(c) + SIZES];
    }
    this.frames[0] += frames;
  }

  store(target, at) {
    for (let c = 0; c < this.channels; c++) {
      target[at + c] = this.frames[0] === 0 ? 0 : this.sums[c] / this.frames[0];
    }
    return at + this.channels;
  }

  reset() {
    this.kernel.reset();
    this.sums.fill(0);
    this.frames.fill(0);
  }
}
`;

const MEAN_TEST = `\
import { expect, test } from 'vitest';
import { MeterBank } from '../src/core/metering/meter-bank.ts';

test('the mean meter reads the mean of the magnitudes', () => {
  const bank = new MeterBank({ sampleRate: 48000, channels: 2, meters: ['vu', 'mean'] });
  const block = [new Float32Array(480).fill(-0.5), new Float32Array(480).fill(0.25)];
  bank.process(block, 0, 480);
  const reading = bank.createReading();
  bank.read(reading);
  expect([...reading.mean]).toEqual([0.5, 0.25]);
});
`;

test('a meter is added by a file and a line beside each line of another meter, and the suites of meters run over it', async () => {
  copy = await copyProject();
  await copy.add('src/core/metering/mean-meter.ts', MEAN_METER);
  const beside = (line: string): string =>
    line.replaceAll('VU', 'MEAN').replaceAll('Vu', 'Mean').replaceAll('vu', 'mean');
  for (const file of ['meter-table.ts', 'meter-bank.ts']) {
    const lines = await copy.besideLines(`src/core/metering/${file}`, /\b#?vu\b|Vu|VU_/, beside);
    expect(lines, file).toBeGreaterThan(2);
  }
  await copy.add('test/mean-meter.test.ts', MEAN_TEST);
  const suites = ['meter-bank', 'meter-processor', 'mean-meter'].map(
    (name) => `test/${name}.test.ts`,
  );
  const passed = await copy.test(...suites);
  expect(passed.filter((name) => name.includes('mean')).length).toBeGreaterThan(1);
}, 120_000);

test('a format is added by a row and its vectors, and every suite over formats runs over it', async () => {
  copy = await copyProject();
  const row = "  s8: { coding: 'signed', bytes: 1, wav: 1, code: 15 },";
  expect(await copy.besideLines('src/core/format/formats.ts', /^  s32: /, () => row)).toBe(1);
  const vectors = await copy.besideLines(
    'test/sample-format.test.ts',
    /^  s24: /,
    () => '  s8: 1 / 2 ** 7,',
  );
  expect(vectors).toBe(1);
  const suites = ['formats', 'sample-format', 'framing'];
  const passed = await copy.test(...suites.map((name) => `test/${name}.test.ts`));
  const own = passed.filter((name) => /\bs8\b/.test(name));
  for (const part of ['captured', 'messages', 'WAV', 'played', 'received', 'row of', 'NaN']) {
    expect(own.filter((name) => name.includes(part)).length, part).toBeGreaterThan(0);
  }
}, 120_000);

/** A service that says what it hears. */
const PARROT = `\
import { checkOptions } from '../option-names.ts';
import type { Service } from './service.ts';
import { need, textOf } from './shared/json-fields.ts';
import { messageConnection } from './shared/message-connection.ts';
import { UnnamedReplies, ReplyNames } from './shared/replies.ts';
import { SERVICE_OPTION_NAMES, mono16, serviceBase } from './shared/service-base.ts';
import type { ServiceOptions } from './shared/service-base.ts';

/** A parrot. */
export function parrot(options: ServiceOptions = {}): Service {
  checkOptions('parrot', options, SERVICE_OPTION_NAMES);
  const names = new ReplyNames();
  return {
    ...serviceBase(options, { readyOnOpen: true }),
    id: 'parrot',
    input: mono16(16_000),
    output: mono16(16_000),
    encoding: 'binary',
    connect: () => {
      const replies = new UnnamedReplies(names);
      return messageConnection({
        requests: { audio: ({ audio }) => [audio.bytes] },
        bytes: (bytes) => [{ type: 'audio', item: replies.item, bytes }],
        json: (fields) => (need(textOf(fields, 'type'), 'type') === 'silent' ? replies.end() : []),
      });
    },
  };
}
`;

const PARROT_ROW = `\
import { parrot } from '../../src/core/services/parrot.ts';
import { BYTES, OPEN, audio } from './service-case.ts';
import type { FixtureStep, ServiceCase } from './service-case.ts';

const says = (item: string): FixtureStep[] => [
  { request: OPEN, messages: [] },
  { request: audio(), messages: [BYTES] },
  { message: BYTES, events: [{ type: 'audio', item, bytes: BYTES }] },
  { message: { type: 'silent' }, events: [{ type: 'item-end', item }] },
];

export const PARROTS: readonly ServiceCase[] = [
  {
    id: 'parrot',
    create: () => parrot(),
    variants: [],
    inputs: ['s16 16000'],
    outputs: ['s16 16000'],
    address: { url: 'ws://127.0.0.1', connects: 'ws://127.0.0.1?token=T' },
    fixtures: [says('reply-1'), says('reply-2')],
  },
];
`;

test('a speech service is added by a file and a row, and the contract suite runs over it', async () => {
  copy = await copyProject();
  await copy.add('src/core/services/parrot.ts', PARROT);
  await copy.add('test/services/parrots.ts', PARROT_ROW);
  const lines = await copy.besideLines('test/services/table.ts', /RECOGNIZERS/, (line) =>
    line.replace('RECOGNIZERS', 'PARROTS').replace('recognizers', 'parrots'),
  );
  expect(lines).toBe(2);
  const passed = await copy.test('test/services/contract.test.ts');
  expect(passed.filter((name) => name.startsWith('parrot ')).length).toBeGreaterThan(10);
}, 120_000);
