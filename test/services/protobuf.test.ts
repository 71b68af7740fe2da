import { describe, expect, it } from 'vitest';
import { PacketError } from '../../src/core/errors.ts';
import { pipecat } from '../../src/core/services/pipecat.ts';
import {
  bytesField,
  protobufField,
  readProtobuf,
  varintField,
} from '../../src/core/services/shared/protobuf.ts';
import { bytesOf } from '../helpers/hex.ts';
import { integer, noise } from '../helpers/packet-streams.ts';
import { seededRandom } from '../helpers/random.ts';

describe('Protocol Buffers', () => {
  it('writes a varint as the documents have it', () => {
    // protobuf.dev/programming-guides/encoding: field 1, 150.
    expect(varintField(1, 150)).toEqual(bytesOf('08 96 01'));
    // Field 2, "testing".
    expect(bytesField(2, Buffer.from('testing'))).toEqual(bytesOf('12 07 74 65 73 74 69 6e 67'));
  });

  it('decodes the fields that it encodes', () => {
    for (let seed = 1; seed <= 100; seed++) {
      const random = seededRandom(seed);
      const fields = Array.from({ length: integer(8, random) }, () => {
        const number = 1 + integer(2 ** 20, random);
        if (random() < 0.5) {
          const value = integer(2 ** integer(53, random), random);
          return { number, value, bytes: undefined };
        }
        return { number, value: 0, bytes: noise(integer(300, random), random) };
      });
      const message = Buffer.concat(
        fields.map(({ number, value, bytes }) =>
          bytes === undefined ? varintField(number, value) : bytesField(number, bytes),
        ),
      );
      const read = readProtobuf(message).map(({ bytes, ...field }) => ({
        ...field,
        bytes: bytes && Uint8Array.from(bytes),
      }));
      expect(read, `seed ${seed}`).toEqual(fields);
    }
  });

  it('skips fields of other wire types, and uses the last of several', () => {
    const message = bytesOf(
      '09 01 02 03 04 05 06 07 08 // 64 bits\n 08 01 15 01 02 03 04 // 32 bits\n 08 02',
    );
    expect(readProtobuf(message).map(({ value }) => value)).toEqual([1, 2]);
    expect(protobufField(readProtobuf(message), 1)?.value).toBe(2);
    expect(protobufField(readProtobuf(message), 2)).toBeUndefined();
  });

  it.each([
    ['a varint without end', '08 80', 'truncated'],
    ['a varint of more than 64 bits', '08 ff ff ff ff ff ff ff ff ff ff 01', 'bad-field'],
    ['bytes that are longer than the message', '0a 05 01 02', 'truncated'],
    ['bytes that are longer than what is left of it', '08 01 08 01 0a 03 01 02', 'truncated'],
    ['a length of 2^63', '0a ff ff ff ff ff ff ff ff 7f', 'truncated'],
    ['half of 64 bits', '09 01 02 03', 'truncated'],
    ['a group', '0b', 'unknown-type'],
    ['more fields than anybody has', '08 01 '.repeat(257), 'oversized'],
  ])('refuses %s', (_what, hex, reason) => {
    expect(() => readProtobuf(bytesOf(hex))).toThrow(expect.objectContaining({ reason }) as Error);
  });
});

describe('pipecat', () => {
  const frame = (...fields: readonly Uint8Array[]): Uint8Array => bytesField(2, ...fields);
  const pcm = bytesField(3, new Uint8Array(4));

  it.each([
    ['text', 'text'],
    ['no frame', new Uint8Array(0)],
    ['a frame of an unknown kind', bytesField(9)],
    ['audio without a rate', frame(pcm, varintField(5, 1))],
    ['audio of no channel', frame(pcm, varintField(4, 16_000))],
    ['audio of 100 channels', frame(pcm, varintField(4, 16_000), varintField(5, 100))],
    ['half a frame of audio', frame(pcm, varintField(4, 16_000), varintField(5, 3))],
    ['a message that is not JSON', bytesField(4, bytesField(1, Buffer.from('{')))],
    ['a message without data', bytesField(4)],
  ])('refuses %s', (_what, message) => {
    expect(() => pipecat().connect().decode(message)).toThrow(PacketError);
  });

  it('informs the pipeline only of interruptions that are not its own', () => {
    const connection = pipecat().connect();
    const heard = { item: undefined, frames: 0, ms: 0, unheard: [] };
    connection.decode(bytesField(5));
    expect(connection.encode({ type: 'interrupted', heard })).toEqual([]);
    expect(connection.encode({ type: 'interrupted', heard })).toEqual([bytesField(5)]);
    expect(connection.encode({ type: 'interrupted', heard })).toEqual([bytesField(5)]);
  });
});
