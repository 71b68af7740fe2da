import { readFileSync } from 'node:fs';
import type { Service } from '../../src/core/services/service.ts';
import type { ServiceCase } from './service-case.ts';

/** The parts of docs/services.md that follow from the table of services. */

const FOLDER = new URL('../../src/core/services/', import.meta.url);
const WIDTH = 120;

/** Kinds of services, with the title of their tables. */
const KINDS = {
  agents: 'Agents, translators and servers of your own',
  recognizers: 'Recognizers',
  calls: 'Calls, with the session in the place of the telephone network',
} as const;

/** A call whose stream comes again. The others are over with their connection. */
const CALLS_THAT_RETURN = ['genesys-audiohook'];

function kindOf(service: Service): keyof typeof KINDS {
  if (service.output === null) return 'recognizers';
  const isCall = service.afterClose(1006, '') === 'stop' || CALLS_THAT_RETURN.includes(service.id);
  return isCall ? 'calls' : 'agents';
}

/** What each service takes and sends. */
export function formatTable(rows: readonly ServiceCase[]): string {
  return tables(rows, ['service', 'takes', 'sends', 'chunks', 'token'], (row, service) => [
    formats(row.inputs),
    sends(row),
    `${service.chunkDurationMs} ms`,
    tokenPlace(row),
  ]);
}

/** What a lost connection costs with each service. */
export function lossTable(rows: readonly ServiceCase[]): string {
  const columns = ['service', 'acknowledges', 'sent again', 'speed', 'keep-alive', 'muted'];
  return tables(rows, columns, (row, service) => [
    service.acknowledges ? 'yes' : 'no',
    sentAgain(row, service),
    `${service.replaySpeed} ×`,
    service.keepAliveMs === 0 ? 'none' : `after ${service.keepAliveMs / 1000} s`,
    service.muteAs,
  ]);
}

/** What of each service is not confirmed, as its doc comment has it. */
export function unconfirmedList(rows: readonly ServiceCase[]): string {
  const items = rows.map(({ id }) => [id, unconfirmed(id)] as const);
  const open = items.filter(([, text]) => text !== undefined);
  return open.map(([id, text]) => wrapped(`- \`${id}\`: ${text}`)).join('\n');
}

function tables(
  rows: readonly ServiceCase[],
  columns: readonly string[],
  cells: (row: ServiceCase, service: Service) => readonly string[],
): string {
  const parts = Object.entries(KINDS).map(([kind, title]) => {
    const lines = rows.flatMap((row) => {
      const service = row.create();
      if (kindOf(service) !== kind) return [];
      return [`| \`${row.id}\` | ${cells(row, service).join(' | ')} |`];
    });
    const head = `| ${columns.join(' | ')} |\n| ${columns.map(() => '---').join(' | ')} |`;
    return `${title}:\n\n${head}\n${lines.join('\n')}`;
  });
  return parts.join('\n\n');
}

/** `'s16, mulaw/alaw 8 kHz'` of `['s16 any', 'mulaw 8000', 'alaw 8000']`. */
function formats(names: readonly string[]): string {
  const rates = new Map<string, string>();
  for (const name of names) {
    const [format = '', rate = '', channels] = name.split(' ');
    const what = channels === 'x2' ? `${format} stereo` : format;
    const before = rates.get(what);
    const khz = rate === 'any' ? '' : String(Number(rate) / 1000);
    rates.set(what, before === undefined ? khz : `${before}/${khz}`);
  }
  const parts = [...new Set(rates.values())].map((khz) => {
    const all = [...rates].filter(([, of]) => of === khz).map(([format]) => format);
    return khz === '' ? all.join(', ') : `${all.join('/')} ${shortened(khz)} kHz`;
  });
  return parts.join(', ');
}

/** Many rates as their range. */
function shortened(khz: string): string {
  const rates = khz.split('/');
  return rates.length > 4 ? `${rates[0]}–${rates.at(-1)}` : khz;
}

function sends({ inputs, outputs }: ServiceCase): string {
  if (outputs.length === 0) return 'text';
  const text = formats(outputs);
  if (text === formats(inputs)) return 'the same';
  const mono = inputs.filter((name) => !name.endsWith(' x2'));
  return text === formats(mono) ? 'the same, mono' : text;
}

/** Where the token goes. */
function tokenPlace({ address }: ServiceCase): string {
  if (address.protocols?.some((name) => /T|\.token\./.test(name))) return 'subprotocol';
  const added = /[?&]([\w-]+)=T(&|$)/.exec(address.connects);
  return added === null ? 'address' : `\`?${added[1]}\``;
}

function sentAgain(row: ServiceCase, service: Service): string {
  if (service.afterClose(1006, '') === 'stop') return 'nothing: the call is over';
  const events = row.fixtures.flat().flatMap((step) => ('events' in step ? step.events : []));
  const ms = service.overlapMs;
  const resumes = events.some(({ type }) => type === 'handle');
  if (service.acknowledges && ms === 0) return 'what is not acknowledged';
  if (events.some(({ type }) => type === 'settled')) {
    return `what has no final text, at most ${ms / 1000} s`;
  }
  const overlap = ms === 0 ? 'what was not sent' : `${ms} ms`;
  return resumes ? `${overlap}, to the same conversation` : overlap;
}

function unconfirmed(id: string): string | undefined {
  const source = readFileSync(new URL(`${id}.ts`, FOLDER), 'utf8');
  const comments = source.matchAll(/\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\nexport function/g);
  for (const [, comment = ''] of comments) {
    const text = comment.replace(/\n \* ?/g, '\n').replace(/\n(?!\n)/g, ' ');
    const found = /Not confirmed: (.*?)(?= Sources?: | @|\n|$)/.exec(text);
    if (found !== null) return found[1]!.trim();
  }
  return undefined;
}

function wrapped(text: string): string {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1)!;
    if (line !== '' && line.length + 1 + word.length > WIDTH) lines.push(`  ${word}`);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines.join('\n');
}
