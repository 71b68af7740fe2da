import { parseIceCandidate } from 'micwire/sdp';
import type { IceCandidateType } from 'micwire/sdp';

/** One word of a candidate, or two that belong together. */
export interface CandidatePart {
  readonly name: string;
  readonly value: string;
  readonly meaning: string;
  readonly clause: string;
}

/** The three numbers in a priority (RFC 8445 §5.1.2.1). */
export interface PriorityTerms {
  /** 0 to 126. */
  readonly typePreference: number;
  /** 0 to 65535. */
  readonly localPreference: number;
  readonly component: number;
}

/** What RFC 8445 §5.1.2.2 recommends for each type. */
export const TYPE_PREFERENCES: Readonly<Record<IceCandidateType, number>> = {
  host: 126,
  prflx: 110,
  srflx: 100,
  relay: 0,
};

const TYPE_WORDS: Readonly<Record<IceCandidateType, string>> = {
  host: 'An address of the machine itself.',
  srflx:
    'Server reflexive: the address that a STUN server saw the request come from, which a NAT has assigned.',
  prflx: 'Peer reflexive: an address that nobody signalled; it appeared when a check came from it.',
  relay: 'Relayed: a port at a TURN server, which passes on what arrives there.',
};

/** Words behind the type that browsers add. Each has a value. */
const EXTENSIONS: Readonly<Record<string, readonly [meaning: string, clause: string]>> = {
  tcptype: [
    'Who opens the TCP connection. An active one opens it, and its port 9 is only a placeholder; a passive one waits for it.',
    'RFC 6544 §4.5',
  ],
  generation: ['Counts ICE restarts in old engines. Nobody needs it.', 'not standardised'],
  ufrag: [
    'The user fragment of the gathering that it belongs to: after an ICE restart, old candidates can be told from new ones.',
    'W3C webrtc, RTCIceCandidate',
  ],
  'network-id': ['Chromium’s own: a number for the network interface.', 'not standardised'],
  'network-cost': [
    'Chromium’s own: what the interface costs, 0 (wired) to 999. Between equals the cheaper one wins.',
    'not standardised',
  ],
};

/** Takes a priority apart. */
export function priorityTerms(priority: number): PriorityTerms {
  return {
    typePreference: Math.floor(priority / 2 ** 24),
    localPreference: Math.floor(priority / 2 ** 8) % 2 ** 16,
    component: 256 - (priority % 2 ** 8),
  };
}

/** Puts a priority together (RFC 8445 §5.1.2.1). */
export function priorityOf({ typePreference, localPreference, component }: PriorityTerms): number {
  return 2 ** 24 * typePreference + 2 ** 8 * localPreference + (256 - component);
}

/**
 * Priority of a pair (RFC 8445 §6.1.2.3): both sides compute the same. More than a `number` holds exactly.
 * @param controlling priority of the controlling side's candidate, which is mostly the caller's
 */
export function pairPriority(controlling: number, controlled: number): bigint {
  const least = BigInt(Math.min(controlling, controlled));
  const most = BigInt(Math.max(controlling, controlled));
  return 2n ** 32n * least + 2n * most + (controlling > controlled ? 1n : 0n);
}

/** Takes a candidate apart, word by word. @throws PacketError for any other text */
export function candidateParts(text: string): readonly CandidatePart[] {
  const candidate = parseIceCandidate(text);
  const { foundation, component, protocol, priority, address, port, type } = candidate;
  const { typePreference, localPreference } = priorityTerms(priority);
  const parts: CandidatePart[] = [
    {
      name: 'Foundation',
      value: foundation,
      meaning:
        'The same for candidates of one type, base address, protocol and server. When a pair works, pairs of the same two foundations are tried next.',
      clause: 'RFC 8445 §5.1.1.3',
    },
    {
      name: 'Component',
      value: String(component),
      meaning:
        component === 1
          ? 'RTP, and whatever shares its port: here everything.'
          : 'RTCP on a port of its own.',
      clause: 'RFC 8839 §5.1',
    },
    {
      name: 'Transport',
      value: protocol,
      meaning:
        protocol === 'tcp'
          ? 'TCP: for networks that let no UDP through. Audio waits behind lost packets there.'
          : 'UDP: a lost packet holds up no other.',
      clause: 'RFC 8839 §5.1',
    },
    {
      name: 'Priority',
      value: String(priority),
      meaning: `2²⁴ × ${typePreference} + 2⁸ × ${localPreference} + (256 − ${component}) = ${priority}. ${preferenceWords(type, protocol, typePreference)} The local preference ${localPreference} ranks this side’s addresses among themselves.`,
      clause: 'RFC 8445 §5.1.2.1',
    },
    { name: 'Address', value: address, meaning: addressWords(address), clause: 'RFC 8839 §5.1' },
    {
      name: 'Port',
      value: String(port),
      meaning: 'Where packets for this side go.',
      clause: 'RFC 8839 §5.1',
    },
    { name: 'Type', value: type, meaning: TYPE_WORDS[type], clause: 'RFC 8445 §5.1.1' },
  ];
  const words = text.trim().split(/\s+/);
  const from = words.indexOf('typ') + 2;
  for (let i = from; i + 1 < words.length; i += 2) {
    const [name, value] = [words[i]!, words[i + 1]!];
    // They belong together, and the second adds nothing.
    if (name === 'rport') continue;
    const [meaning, clause] =
      name === 'raddr'
        ? [
            'The address behind it, for diagnosis: browsers write 0.0.0.0 and port 0 where they hide it.',
            'RFC 8839 §5.1',
          ]
        : (EXTENSIONS[name] ?? ['An extension that this page does not know.', '']);
    const shown = name === 'raddr' ? `${value}:${candidate.relatedPort}` : value;
    parts.push({
      name: name === 'raddr' ? 'Related address' : name,
      value: shown,
      meaning,
      clause,
    });
  }
  return parts;
}

function preferenceWords(type: IceCandidateType, protocol: string, preference: number): string {
  const recommended = TYPE_PREFERENCES[type];
  if (preference === recommended) {
    return `The type preference ${preference} is what the standard recommends for ${type}.`;
  }
  const reason =
    protocol === 'tcp'
      ? 'TCP comes after UDP here.'
      : type === 'relay'
        ? 'The browser ranks relays by how the server is reached.'
        : 'A browser may choose.';
  return `The standard recommends the type preference ${recommended} for ${type}; here it is ${preference}. ${reason}`;
}

function addressWords(address: string): string {
  if (address.endsWith('.local')) {
    return 'A name in place of the address (mDNS): only hosts on the same network can ask whose it is. Browsers hide host addresses like this from pages without a permission for the microphone.';
  }
  return address.includes(':') ? 'An IPv6 address.' : 'An IPv4 address.';
}
