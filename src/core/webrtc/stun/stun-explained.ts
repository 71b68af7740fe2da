import { readUint16 } from '../../bytes.ts';
import { PacketError } from '../../errors.ts';
import { checkBytes, checkOptions } from '../../option-names.ts';
import type { OptionNames } from '../../option-names.ts';
import { isChannelData, parseChannelData } from './channel-data.ts';
import { KIND_WORDS, packetKind } from './packet-kind.ts';
import { hexText, stunAttributeName, stunAttributeRow } from './stun-attribute-table.ts';
import { hasRightFingerprint, isSignature, isSignatureOf } from './stun-integrity.ts';
import { STUN_ATTRIBUTE, STUN_CLASS, STUN_METHOD, parseStun } from './stun-message.ts';
import type { StunAttribute, StunMessage } from './stun-message.ts';

/** A part of a message with its explanation. */
export interface StunField {
  /** Its name in the RFC, such as `'XOR-MAPPED-ADDRESS'`. */
  readonly name: string;
  /** Where it begins in the datagram, in bytes. An attribute begins with its type and length. */
  readonly offset: number;
  /** Length in bytes; for an attribute, with its header and padding. */
  readonly length: number;
  /** Its value in readable form. Text has at most 80 characters and no control characters; of bytes, the first 32 are in hexadecimal. */
  readonly value: string;
  /** One or two sentences in plain words. */
  readonly explanation: string;
  /** Where the standard defines it, such as `'RFC 8489 §14.2'`. */
  readonly clause: string;
  /** What is wrong with it; empty if nothing is. */
  readonly fault: string;
}

/** A STUN or TURN message, field by field. */
export interface ExplainedStun {
  readonly kind: 'stun' | 'channel-data';
  /** Method and class, such as `'Binding request'`; or `'ChannelData'`. */
  readonly title: string;
  /** All fields from the first byte to the last, without gaps. */
  readonly fields: readonly StunField[];
}

/** Options of `explainStun`. */
export interface ExplainStunOptions {
  /** Key to check signatures with: from `longTermKey`, or a password in UTF-8. @default null: signatures are not checked */
  readonly key?: Uint8Array | null;
}

const NAMES = { key: 1 } satisfies OptionNames<ExplainStunOptions>;

/**
 * Parses a STUN or TURN message and explains each of its fields.
 * @param bytes one datagram
 * @throws PacketError `truncated`, `oversized`, `unknown-type` or `bad-field`, and no other error. An attribute that cannot be
 * read has a `fault` instead
 */
export function explainStun(bytes: Uint8Array, options: ExplainStunOptions = {}): ExplainedStun {
  checkBytes('bytes', bytes);
  checkOptions('explainStun', options, NAMES);
  const { key = null } = options;
  if (key !== null) checkBytes('key', key);
  if (isChannelData(bytes)) return explainChannelData(bytes);
  const message = parseStun(bytes);
  return {
    kind: 'stun',
    title: `${methodName(message)} ${CLASS_WORDS[message.class]!}`,
    fields: [...headerFields(message), ...attributeFields(message, key)],
  };
}

const METHODS: ReadonlyMap<number, { readonly name: string; readonly words: string }> = new Map([
  [
    STUN_METHOD.binding,
    { name: 'Binding', words: 'which address the sender has, and whether it is reached' },
  ],
  [STUN_METHOD.allocate, { name: 'Allocate', words: 'a port at the TURN server' }],
  [STUN_METHOD.refresh, { name: 'Refresh', words: 'how long the port at the TURN server stays' }],
  [STUN_METHOD.send, { name: 'Send', words: 'data for a peer, to be relayed' }],
  [STUN_METHOD.data, { name: 'Data', words: 'data of a peer, relayed' }],
  [
    STUN_METHOD.createPermission,
    { name: 'CreatePermission', words: 'whose data the relay lets in' },
  ],
  [STUN_METHOD.channelBind, { name: 'ChannelBind', words: 'a short number for a peer' }],
]);

const CLASS_WORDS: Readonly<Record<number, string>> = {
  [STUN_CLASS.request]: 'request',
  [STUN_CLASS.indication]: 'indication',
  [STUN_CLASS.success]: 'success response',
  [STUN_CLASS.error]: 'error response',
};

/** The meaning of each class. */
const CLASS_SENTENCES: Readonly<Record<number, string>> = {
  [STUN_CLASS.request]: 'A request: it is sent again until its answer comes',
  [STUN_CLASS.indication]: 'An indication: nobody answers it',
  [STUN_CLASS.success]: 'The answer to a request that was granted',
  [STUN_CLASS.error]: 'The answer to a request that was refused',
};

function methodName({ method }: StunMessage): string {
  return METHODS.get(method)?.name ?? `Method 0x${method.toString(16)}`;
}

function headerFields(message: StunMessage): StunField[] {
  const { bytes } = message;
  const about = METHODS.get(message.method)?.words ?? 'something that this code does not know';
  const clause = message.method === STUN_METHOD.binding ? 'RFC 8489 §5' : 'RFC 8656 §17';
  const field = (
    name: string,
    offset: number,
    length: number,
    value: string,
    explanation: string,
    where = 'RFC 8489 §5',
  ): StunField => ({ name, offset, length, value, explanation, clause: where, fault: '' });
  return [
    field(
      'Message type',
      0,
      2,
      `0x${readUint16(bytes, 0).toString(16).padStart(4, '0')}`,
      `${CLASS_SENTENCES[message.class]!}. It is about ${about}.`,
      clause,
    ),
    field(
      'Message length',
      2,
      2,
      String(readUint16(bytes, 2)),
      'Bytes of all attributes, without these 20 of the header.',
    ),
    field(
      'Magic cookie',
      4,
      4,
      '0x2112a442',
      'Always this number: it tells STUN from other packets, and hides addresses.',
    ),
    field(
      'Transaction ID',
      8,
      12,
      hexText(message.transaction),
      'A random number that the answer repeats: nobody who has not seen the request can make it.',
    ),
  ];
}

function attributeFields(message: StunMessage, key: Uint8Array | null): StunField[] {
  const { bytes } = message;
  const counted = new Set(message.attributes.map(({ offset }) => offset));
  const fields: StunField[] = [];
  // Show attributes that do not count too: the parser leaves them out.
  for (let offset = 20; offset < bytes.length;) {
    const type = readUint16(bytes, offset);
    const valueBytes = readUint16(bytes, offset + 2);
    const end = offset + 4 + valueBytes;
    const padding = (4 - (valueBytes % 4)) % 4;
    const attribute = { type, offset, value: bytes.subarray(offset + 4, end) };
    const field = attributeField(message, attribute, key);
    const length = 4 + valueBytes + padding;
    const ignored = 'It follows the signature or the fingerprint, and does not count.';
    fields.push({
      ...field,
      length,
      explanation: counted.has(offset) ? field.explanation : ignored,
    });
    offset += length;
  }
  return fields;
}

function attributeField(
  message: StunMessage,
  attribute: StunAttribute,
  key: Uint8Array | null,
): StunField {
  const { type, offset, value } = attribute;
  const base = { name: stunAttributeName(type), offset, length: 4 + value.length };
  const row = stunAttributeRow(type);
  if (row === undefined) {
    const explanation =
      type < 0x8000
        ? 'An attribute that is not explained here, and that a receiver must know: else it refuses the request with 420.'
        : 'An attribute that is not explained here. Receivers pass over it.';
    return { ...base, value: hexText(value), explanation, clause: 'RFC 8489 §14', fault: '' };
  }
  const { clause } = row;
  try {
    const described = row.describe(value, message.transaction);
    const fault = faultOf(message, attribute, key);
    const checked = fault === '' && key !== null && isSignature(type);
    const explanation = checked
      ? `${described.explanation} It fits the key.`
      : described.explanation;
    return { ...base, value: described.value, explanation, clause, fault };
  } catch (error) {
    if (!(error instanceof PacketError)) throw error;
    return { ...base, value: hexText(value), explanation: '', clause, fault: error.message };
  }
}

function faultOf(message: StunMessage, attribute: StunAttribute, key: Uint8Array | null): string {
  if (attribute.type === STUN_ATTRIBUTE.fingerprint) {
    return hasRightFingerprint(message) === false ? 'The checksum does not fit the message.' : '';
  }
  if (key === null || !isSignature(attribute.type)) return '';
  return isSignatureOf(message, attribute, key) ? '' : 'The signature does not fit the key.';
}

function explainChannelData(bytes: Uint8Array): ExplainedStun {
  const { channel, data } = parseChannelData(bytes);
  const clause = 'RFC 8656 §12.4';
  const fields: StunField[] = [
    {
      name: 'Channel number',
      offset: 0,
      length: 2,
      value: `0x${channel.toString(16)}`,
      explanation: 'Stands for the peer that it was bound to by ChannelBind.',
      clause,
      fault: channel > 0x4fff ? 'RFC 8656 ends at 0x4fff; clients of RFC 5766 go further.' : '',
    },
    {
      name: 'Length',
      offset: 2,
      length: 2,
      value: String(data.length),
      explanation: 'Bytes of the data, without padding.',
      clause,
      fault: '',
    },
    {
      name: 'Application data',
      offset: 4,
      length: data.length,
      value: `${data.length} bytes`,
      explanation: `What is relayed: ${KIND_WORDS[packetKind(data)]}.`,
      clause,
      fault: '',
    },
  ];
  const end = 4 + data.length;
  if (end < bytes.length) {
    fields.push({
      name: 'Padding',
      offset: end,
      length: bytes.length - end,
      value: `${bytes.length - end} bytes`,
      explanation: 'Fills words of 4 bytes: needed over TCP, and allowed over UDP.',
      clause: 'RFC 8656 §12.5',
      fault: '',
    });
  }
  return { kind: 'channel-data', title: 'ChannelData', fields };
}
