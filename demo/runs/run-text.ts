import type { LaneMetricId } from '../measure/metrics.ts';
import type { RunResults, Spread } from './run.ts';

/** A column of the text. */
interface Column {
  readonly id: LaneMetricId;
  readonly head: string;
  /** What the value is multiplied by. @default 1 */
  readonly by?: number;
  readonly digits: number;
  /** Whether the range follows the median. */
  readonly range?: boolean;
}

const COLUMNS: readonly Column[] = [
  { id: 'latency_p50_ms', head: 'p50 ms', digits: 0, range: true },
  { id: 'latency_p95_ms', head: 'p95 ms', digits: 0, range: true },
  { id: 'bitrate_kbps', head: 'kbit/s', digits: 0 },
  { id: 'payload_kbps', head: 'payload', digits: 0 },
  { id: 'loss_ratio', head: 'lost %', by: 100, digits: 1 },
  { id: 'concealed_ratio', head: 'conc. %', by: 100, digits: 2 },
  { id: 'time_scaled_ratio', head: 'scaled %', by: 100, digits: 2 },
  { id: 'playout_delay_ms', head: 'buffer ms', digits: 0 },
  { id: 'playout_target_ms', head: 'target ms', digits: 0 },
  { id: 'match_ratio', head: 'found %', by: 100, digits: 0 },
  { id: 'lsd_db', head: 'LSD dB', digits: 1 },
  { id: 'seg_snr_db', head: 'SNR dB', digits: 1 },
  { id: 'stoi', head: 'STOI', digits: 3 },
  { id: 'r_factor', head: 'R', digits: 0 },
  { id: 'glitches_per_min', head: 'glitch/min', digits: 0 },
  { id: 'first_sound_ms', head: 'first ms', digits: 0 },
  { id: 'encode_ms_per_s', head: 'enc ms/s', digits: 1 },
  { id: 'decode_ms_per_s', head: 'dec ms/s', digits: 1 },
];

/** A run as text for a terminal: for each link a table with a line for each lane; medians, and ranges of the latencies. */
export function runText({ settings, tables }: RunResults): string {
  return tables
    .map(({ link, lanes, run, counted, voided, verdict }) => {
      const rows = settings.lanes.map((lane) => [
        lane,
        ...COLUMNS.map((column) => cell(lanes[lane]?.[column.id] ?? null, column)),
      ]);
      const lateness = run.link_lateness_p99_ms;
      const late =
        lateness === null
          ? 'without a link'
          : `simulated network up to ${lateness.max.toFixed(1)} ms late (p99)`;
      const repetitions = `${counted} repetition${counted === 1 ? '' : 's'}${voided > 0 ? `, ${voided} void` : ''}`;
      return [
        `${link}: ${repetitions}, ${settings.seconds} s each, ${late}`,
        aligned([['lane', ...COLUMNS.map(({ head }) => head)], ...rows]),
        verdict,
        '',
      ].join('\n');
    })
    .join('\n');
}

/** Markdown has two tables for each link, because one with all columns is too wide to read. */
const MARKDOWN_TABLES: readonly (readonly LaneMetricId[])[] = [
  [
    'latency_p50_ms',
    'latency_p95_ms',
    'bitrate_kbps',
    'payload_kbps',
    'loss_ratio',
    'concealed_ratio',
    'time_scaled_ratio',
    'match_ratio',
  ],
  [
    'playout_delay_ms',
    'playout_target_ms',
    'lsd_db',
    'seg_snr_db',
    'stoi',
    'r_factor',
    'glitches_per_min',
    'first_sound_ms',
    'encode_ms_per_s',
    'decode_ms_per_s',
  ],
];

/** The same as Markdown. */
export function runMarkdown({ settings, tables }: RunResults): string {
  return tables
    .map(({ link, lanes, verdict, counted, voided }) => {
      const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
      const markdown = MARKDOWN_TABLES.flatMap((ids) => {
        const columns = COLUMNS.filter(({ id }) => ids.includes(id));
        return [
          '',
          line(['lane', ...columns.map(({ head }) => head)]),
          line(['---', ...columns.map(() => '---:')]),
          ...settings.lanes.map((lane) =>
            line([
              lane,
              ...columns.map((column) => cell(lanes[lane]?.[column.id] ?? null, column)),
            ]),
          ),
        ];
      });
      return [
        `## ${link}`,
        '',
        `${counted} of ${counted + voided} repetitions count. ${verdict}`,
        ...markdown,
        '',
      ].join('\n');
    })
    .join('\n');
}

function cell(spread: Spread | null, { by = 1, digits, range = false }: Column): string {
  if (spread === null) return '–';
  const text = (value: number): string => (value * by).toFixed(digits);
  const { median, min, max, count } = spread;
  return range && count > 1 ? `${text(median)} (${text(min)}–${text(max)})` : text(median);
}

function aligned(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows
    .map((row) =>
      row
        .map((text, column) =>
          column === 0 ? text.padEnd(widths?.[0] ?? 0) : text.padStart(widths?.[column] ?? 0),
        )
        .join('  '),
    )
    .join('\n');
}
