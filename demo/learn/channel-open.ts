/** The options of a data channel. */
export interface ChannelChoice {
  readonly ordered: boolean;
  /** What is done about a lost message: everything, a number of retransmissions, or retransmissions for some time. */
  readonly reliability: 'all' | 'retransmits' | 'lifetime';
  /** Retransmissions, or ms. */
  readonly limit: number;
  readonly label: string;
  readonly protocol: string;
}

/** A field of a `DATA_CHANNEL_OPEN` message. */
export interface OpenField {
  readonly name: string;
  /** In bytes. */
  readonly offset: number;
  readonly length: number;
  readonly value: string;
  readonly meaning: string;
}

/** A message and its fields, in order and without gaps. */
export interface OpenMessage {
  readonly bytes: Uint8Array;
  readonly fields: readonly OpenField[];
}

const MESSAGE_TYPE = 0x03;
/** The channel types of RFC 8832 §8.2.2; unordered ones have the highest bit too. */
const CHANNEL_TYPES: Readonly<Record<ChannelChoice['reliability'], number>> = {
  all: 0x00,
  retransmits: 0x01,
  lifetime: 0x02,
};
const UNORDERED = 0x80;
/** Normal (RFC 8831 §6.4). */
const PRIORITY = 256;
const HEADER_BYTES = 12;

/** The options of `createDataChannel` for a choice. */
export function channelInit(choice: ChannelChoice): RTCDataChannelInit {
  const { ordered, reliability, limit, protocol } = choice;
  return {
    ordered,
    ...(protocol === '' ? {} : { protocol }),
    ...(reliability === 'retransmits' ? { maxRetransmits: limit } : {}),
    ...(reliability === 'lifetime' ? { maxPacketLifeTime: limit } : {}),
  };
}

/** Writes the message that opens a channel on the other side (RFC 8832 §5.1). */
export function openMessage(choice: ChannelChoice): OpenMessage {
  const { ordered, reliability, limit } = choice;
  const label = new TextEncoder().encode(choice.label);
  const protocol = new TextEncoder().encode(choice.protocol);
  const bytes = new Uint8Array(HEADER_BYTES + label.length + protocol.length);
  const view = new DataView(bytes.buffer);
  const type = CHANNEL_TYPES[reliability] + (ordered ? 0 : UNORDERED);
  const parameter = reliability === 'all' ? 0 : limit;
  view.setUint8(0, MESSAGE_TYPE);
  view.setUint8(1, type);
  view.setUint16(2, PRIORITY);
  view.setUint32(4, parameter);
  view.setUint16(8, label.length);
  view.setUint16(10, protocol.length);
  bytes.set(label, HEADER_BYTES);
  bytes.set(protocol, HEADER_BYTES + label.length);
  const fields: OpenField[] = [];
  const field = (name: string, length: number, value: string, meaning: string): void => {
    const last = fields.at(-1);
    const offset = last === undefined ? 0 : last.offset + last.length;
    fields.push({ name, offset, length, value, meaning });
  };
  field(
    'Message type',
    1,
    '0x03',
    'DATA_CHANNEL_OPEN. The answer is one byte, 0x02: DATA_CHANNEL_ACK.',
  );
  field(
    'Channel type',
    1,
    `0x${type.toString(16).padStart(2, '0')}`,
    `${TYPE_WORDS[reliability]} ${ordered ? 'In order.' : 'The highest bit: messages are delivered as they arrive.'}`,
  );
  field(
    'Priority',
    2,
    String(PRIORITY),
    'Normal. Which channel goes first when several have something to send.',
  );
  field('Reliability parameter', 4, String(parameter), PARAMETER_WORDS[reliability]);
  field('Label length', 2, String(label.length), 'In bytes of UTF-8.');
  field(
    'Protocol length',
    2,
    String(protocol.length),
    'In bytes of UTF-8; 0: no protocol is named.',
  );
  field('Label', label.length, choice.label, 'A name for people; two channels may have the same.');
  if (protocol.length > 0) {
    field(
      'Protocol',
      protocol.length,
      choice.protocol,
      'What the messages are, as with WebSockets: the browser only passes it on.',
    );
  }
  return { bytes, fields };
}

const TYPE_WORDS: Readonly<Record<ChannelChoice['reliability'], string>> = {
  all: 'Reliable: a lost message is sent again until it arrives.',
  retransmits: 'Partially reliable: a lost message is sent again a number of times.',
  lifetime: 'Partially reliable: a lost message is sent again for some time.',
};

const PARAMETER_WORDS: Readonly<Record<ChannelChoice['reliability'], string>> = {
  all: 'Unused by a reliable channel.',
  retransmits: 'maxRetransmits: at most this many times; 0: sent once and never again.',
  lifetime: 'maxPacketLifeTime: for this many ms.',
};
