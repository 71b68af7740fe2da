import { checkText } from '../option-names.ts';
import { PacketError } from '../errors.ts';

/** Content type of an {@link IceFragment} (RFC 8840 §9). */
export const ICE_FRAGMENT_TYPE = 'application/trickle-ice-sdpfrag';

/** Characters of the longest fragment that is read. */
const MAX_FRAGMENT_LENGTH = 65_536;
/** Most candidates that are taken from a fragment: a machine with many interfaces has about thirty. */
const MAX_CANDIDATES = 128;
const MAX_CANDIDATE_LENGTH = 1024;
/** The beginning of a candidate (RFC 8839 §5.1): a browser refuses a whole description because of a bad one. */
const CANDIDATE = /^a=candidate:\S{1,32} \d{1,3} \S+ \d{1,10} \S+ \d{1,5} typ \S/;
/** RFC 8839 §5.4, except for the set of characters: some servers use others. */
const UFRAG = /^\S{4,256}$/;
const PASSWORD = /^\S{22,256}$/;

/** What one side of ICE sends to the other without a whole session description (RFC 8840 §9). */
export interface IceFragment {
  readonly ufrag: string;
  readonly password: string;
  /** The media section's `a=mid`; empty if there is no section. */
  readonly mid: string;
  /** Candidates as in the attribute, with the word `candidate:`. */
  readonly candidates: readonly string[];
  /** Whether no more candidates will follow. */
  readonly isComplete: boolean;
}

/**
 * Reads a fragment. If it has several media sections, the first one counts: the others share its transport (RFC 9725 §4.4.1).
 * Leaves out candidates that cannot be read (RFC 9725 §4.3.2).
 * @throws PacketError `oversized` or `bad-field`, and no other error
 */
export function parseIceFragment(text: string): IceFragment {
  checkText('text', text);
  if (text.length > MAX_FRAGMENT_LENGTH) {
    const got = `got ${text.length}`;
    throw new PacketError(
      'oversized',
      `An ICE fragment may have ${MAX_FRAGMENT_LENGTH} characters, ${got}.`,
    );
  }
  const lines = upToSecondSection(text);
  const ufrag = attribute(lines, 'ice-ufrag');
  const password = attribute(lines, 'ice-pwd');
  if (!UFRAG.test(ufrag) || !PASSWORD.test(password)) {
    throw new PacketError(
      'bad-field',
      'An ICE fragment must have an a=ice-ufrag and an a=ice-pwd.',
    );
  }
  const candidates: string[] = [];
  for (const line of lines) {
    const isTaken = line.length <= MAX_CANDIDATE_LENGTH && CANDIDATE.test(line);
    if (isTaken && candidates.length < MAX_CANDIDATES) candidates.push(line.slice(2));
  }
  const isComplete = lines.includes('a=end-of-candidates');
  return { ufrag, password, mid: attribute(lines, 'mid'), candidates, isComplete };
}

/**
 * Writes a fragment: the ICE attributes of this side's session description, and candidates.
 * @param sdp this side's description, with a media section
 * @param candidates candidates with the word `candidate:`
 */
export function writeIceFragment(
  sdp: string,
  candidates: readonly string[],
  isComplete: boolean,
): string {
  const lines = upToSecondSection(sdp);
  const isWanted = (line: string): boolean =>
    /^(m=|a=(mid|ice-ufrag|ice-pwd|group):|a=ice-lite$)/.test(line);
  return [
    ...lines.filter(isWanted),
    ...candidates.map((candidate) => `a=${candidate}`),
    ...(isComplete ? ['a=end-of-candidates'] : []),
    '',
  ].join('\r\n');
}

/**
 * Returns the session description with the ICE values of a fragment: both sides' descriptions after a restart (RFC 9725 §4.3.3).
 * If the fragment has no candidates, those of the description stay.
 */
export function withIceFragment(sdp: string, fragment: IceFragment): string {
  const { ufrag, password, candidates, isComplete } = fragment;
  const isReplaced = candidates.length > 0;
  const lines: string[] = [];
  let sections = 0;
  const endFirstSection = (): void => {
    if (sections !== 1 || !isReplaced) return;
    for (const candidate of candidates) lines.push(`a=${candidate}`);
    if (isComplete) lines.push('a=end-of-candidates');
  };
  for (const line of linesOf(sdp)) {
    if (line.startsWith('m=')) {
      endFirstSection();
      sections++;
    }
    if (line.startsWith('a=ice-ufrag:')) lines.push(`a=ice-ufrag:${ufrag}`);
    else if (line.startsWith('a=ice-pwd:')) lines.push(`a=ice-pwd:${password}`);
    else if (!isReplaced || !/^a=(candidate:|end-of-candidates)/.test(line)) lines.push(line);
  }
  endFirstSection();
  return `${lines.join('\r\n')}\r\n`;
}

function linesOf(text: string): string[] {
  return text.split(/\r\n|\r|\n/).filter((line) => line !== '');
}

function upToSecondSection(text: string): readonly string[] {
  const lines = linesOf(text);
  const isSection = (line: string): boolean => line.startsWith('m=');
  const first = lines.findIndex(isSection);
  const second = lines.findIndex((line, i) => i > first && isSection(line));
  return first < 0 || second < 0 ? lines : lines.slice(0, second);
}

/** Returns the value of the last attribute with this name: a section's takes precedence over the session's. */
function attribute(lines: readonly string[], name: string): string {
  const start = `a=${name}:`;
  return (
    lines
      .findLast((line) => line.startsWith(start))
      ?.slice(start.length)
      .trim() ?? ''
  );
}
