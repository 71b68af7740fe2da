import { describe } from '../arguments.ts';
import { checkObject, checkOptions, checkText } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import { cut, plain } from './sip-label.ts';
import type { SipLadderEntry } from './sip-ladder.ts';

/** The parts that both drawings of a ladder have in common. */
interface Ladder {
  /** Names of the participants, in order of appearance. */
  readonly names: readonly string[];
  readonly rows: readonly Row[];
}

interface Row {
  /** ms since the first message. */
  readonly atMs: number;
  readonly from: number;
  readonly to: number;
  readonly label: string;
  readonly isRetransmission: boolean;
}

/** Most participants and messages in a drawing: more could not be read. */
const MAX_NAMES = 16;
const MAX_ROWS = 2000;

function layOut(entries: readonly SipLadderEntry[]): Ladder {
  if (!Array.isArray(entries)) {
    throw new TypeError(`entries must be an array of them, got ${describe(entries)}.`);
  }
  for (const entry of entries) {
    checkObject('entries must be those of a SipLadder', entry, 'atMs', 'from', 'to', 'label');
  }
  const names: string[] = [];
  const indexOf = (name: string): number => {
    const shown = plain(name);
    const found = names.indexOf(shown);
    if (found >= 0) return found;
    return names.length < MAX_NAMES ? names.push(shown) - 1 : MAX_NAMES - 1;
  };
  const start = entries[0]?.atMs ?? 0;
  const rows = entries.slice(0, MAX_ROWS).map((entry): Row => {
    const [from, to] = [indexOf(entry.from), indexOf(entry.to)];
    const { label, isRetransmission } = entry;
    return { atMs: entry.atMs - start, from, to, label, isRetransmission };
  });
  return { names, rows };
}

/** Most columns between two participants in a ladder as text. */
const MAX_GAP = 64;

/**
 * Draws a ladder as text, for consoles and notes: one line per message, one column per participant. Times are ms since the first
 * message. A retransmission is marked `again`. Draws at most the first 2000 messages.
 * @param entries the entries of a ladder, or some of them, such as those of one call
 */
export function sipLadderText(entries: readonly SipLadderEntry[]): string {
  const { names, rows } = layOut(entries);
  const labels = rows.map((row) => (row.isRetransmission ? `${row.label} again` : row.label));
  const longest = Math.max(
    0,
    ...rows.map((row, i) => labels[i]!.length / Math.max(1, Math.abs(row.to - row.from))),
    ...names.map((name) => name.length),
  );
  const gap = Math.min(MAX_GAP, Math.ceil(longest) + 8);
  const margin = 12 + Math.ceil(Math.max(0, (names[0]?.length ?? 0) - 4) / 2);
  const line = (): string[] => {
    const cells = Array<string>(margin + gap * Math.max(0, names.length - 1) + 1).fill(' ');
    for (let i = 0; i < names.length; i++) cells[margin + gap * i] = '|';
    return cells;
  };
  const head: string[] = [];
  for (const [i, name] of names.entries()) {
    put(head, Math.max(0, margin + gap * i - Math.floor(name.length / 2)), name);
  }
  const lines = rows.map(({ atMs, from, to }, i) => {
    const cells = line();
    const time = `${Math.round(atMs)} ms`;
    put(cells, Math.max(0, 10 - time.length), time);
    drawArrow(cells, margin + gap * from, margin + gap * to, ` ${labels[i]!} `);
    return cells.join('').trimEnd();
  });
  const headLine = Array.from(head, (cell: string | undefined) => cell ?? ' ');
  return [headLine.join('').trimEnd(), ...lines].join('\n');
}

function put(cells: string[], at: number, text: string): void {
  for (const [i, character] of Array.from(text).entries()) cells[at + i] = character;
}

function drawArrow(cells: string[], from: number, to: number, label: string): void {
  if (from === to) {
    put(cells, from + 1, label);
    return;
  }
  const [left, right] = from < to ? [from, to] : [to, from];
  for (let i = left + 1; i < right; i++) cells[i] = '-';
  const room = right - left - 3;
  const shown = label.length <= room ? label : `${cut(label, room - 1)} `;
  put(cells, left + 2 + Math.floor((room - shown.length) / 2), shown);
  cells[from < to ? right - 1 : left + 1] = from < to ? '>' : '<';
}

/** Options of {@link sipLadderSvg}. */
export interface SipLadderSvgOptions {
  /** Title of the picture, for people who cannot see it. @default 'SIP ladder' */
  readonly title?: string;
  /** Prefix of the ids in the picture: letters, digits and `-`. Pictures on one page need different ones. @default 'sip-ladder' */
  readonly id?: string;
}
const SVG_NAMES = { title: 1, id: 1 } satisfies OptionNames<SipLadderSvgOptions>;

const TIME_WIDTH = 90;
const COLUMN_WIDTH = 260;
const ROW_HEIGHT = 26;
const HEAD_HEIGHT = 36;
/** Most messages that the description lists one by one. */
const MAX_TOLD = 50;

/**
 * Draws a ladder as SVG. It takes its colour from the page (`currentColor`), uses the system's font, and has a title and a
 * description for screen readers. The text of messages is escaped. A retransmission has a dashed arrow. Draws at most the first
 * 2000 messages.
 * @param entries the entries of a ladder, or some of them, such as those of one call
 * @returns one `svg` element, for a file or a page
 */
export function sipLadderSvg(
  entries: readonly SipLadderEntry[],
  options: SipLadderSvgOptions = {},
): string {
  checkOptions('sipLadderSvg', options, SVG_NAMES);
  const { title = 'SIP ladder', id = 'sip-ladder' } = options;
  checkText('title', title);
  if (typeof id !== 'string' || !/^[A-Za-z][A-Za-z0-9-]{0,63}$/.test(id)) {
    throw new TypeError('id must be 1 to 64 letters, digits and -, with a letter first.');
  }
  const { names, rows } = layOut(entries);
  const width = TIME_WIDTH + COLUMN_WIDTH * Math.max(1, names.length - 1) + 80;
  const height = HEAD_HEIGHT + ROW_HEIGHT * (rows.length + 1);
  const x = (column: number): number => TIME_WIDTH + 30 + COLUMN_WIDTH * column;
  const heads = names.map(
    (name, i) =>
      `<text x="${x(i)}" y="20" text-anchor="middle" font-weight="bold">${escapeXml(name)}</text>` +
      `<path d="M${x(i)} ${HEAD_HEIGHT - 8}V${height}" stroke="currentColor" opacity="0.4"/>`,
  );
  const arrows = rows.map((row, i) => {
    const y = HEAD_HEIGHT + ROW_HEIGHT * (i + 1) - 6;
    const time = `<text x="${TIME_WIDTH}" y="${y}" text-anchor="end">${Math.round(row.atMs)} ms</text>`;
    return time + svgArrow(row, x(row.from), x(row.to), y);
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="${id}-title ${id}-desc"`,
    ` viewBox="0 0 ${width} ${height}" width="${width}" height="${height}"`,
    ` fill="currentColor" stroke="none" font-family="system-ui, sans-serif" font-size="12">`,
    `<title id="${id}-title">${escapeXml(title)}</title>`,
    `<desc id="${id}-desc">${escapeXml(wordsOf(names, rows))}</desc>`,
    ...heads,
    ...arrows,
    '</svg>',
  ].join('');
}

function svgArrow({ label, isRetransmission }: Row, from: number, to: number, y: number): string {
  const words = escapeXml(isRetransmission ? `${label} again` : label);
  if (from === to) return `<text x="${from + 8}" y="${y}">${words}</text>`;
  const side = from < to ? -1 : 1;
  const dash = isRetransmission ? ' stroke-dasharray="5 4"' : '';
  const tip = `${to},${y} ${to + 8 * side},${y - 4} ${to + 8 * side},${y + 4}`;
  return (
    `<path d="M${from} ${y}H${to}" stroke="currentColor"${dash}/>` +
    `<polygon points="${tip}"/>` +
    `<text x="${(from + to) / 2}" y="${y - 4}" text-anchor="middle">${words}</text>`
  );
}

function wordsOf(names: readonly string[], rows: readonly Row[]): string {
  const told = rows.slice(0, MAX_TOLD).map(({ atMs, from, to, label, isRetransmission }) => {
    const again = isRetransmission ? ', sent again' : '';
    return `${Math.round(atMs)} ms, ${names[from]} to ${names[to]}: ${label}${again}.`;
  });
  const more = rows.length > MAX_TOLD ? [`And ${rows.length - MAX_TOLD} more.`] : [];
  return [`${rows.length} messages between ${names.join(', ')}.`, ...told, ...more].join(' ');
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeXml(text: string): string {
  // XML 1.0 §2.2 allows no control characters, and has no escapes for them.
  // oxlint-disable-next-line no-control-regex
  const clean = text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd');
  return clean.replace(/[&<>"']/g, (character) => ENTITIES[character]!);
}
