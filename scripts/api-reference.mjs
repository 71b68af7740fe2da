/**
 * The doc comments of an entry point as Markdown: a reference to read, and the first sentences for the report. Made of the
 * model that API Extractor writes (`*.api.json`).
 */

/**
 * @typedef {object} ApiItem
 * @property {string} kind
 * @property {string} [name]
 * @property {string} [docComment]
 * @property {{ readonly text: string }[]} [excerptTokens]
 * @property {ApiItem[]} [members]
 * @property {boolean} [isStatic]
 */

/** Kinds in the order of the reference, with their headings. @type {Readonly<Record<string, string>>} */
const KINDS = {
  Class: 'Classes',
  Function: 'Functions',
  Variable: 'Constants',
  Interface: 'Interfaces',
  TypeAlias: 'Types',
};

/**
 * The whole reference of an entry.
 *
 * @param {string} entry - as it is imported: `'micwire'`
 * @param {ApiItem} model
 * @returns {string}
 */
export function apiReference(entry, model) {
  const items = model.members?.[0]?.members ?? [];
  const lines = [
    `# ${entry}`,
    '',
    `Everything that \`${entry}\` exports. Made from the doc comments by \`npm run check -- --update\`.`,
    '',
  ];
  for (const [kind, heading] of Object.entries(KINDS)) {
    const ofKind = items
      .filter((item) => item.kind === kind)
      .sort((a, b) => ((a.name ?? '') < (b.name ?? '') ? -1 : 1));
    if (ofKind.length === 0) continue;
    lines.push(`## ${heading}`, '');
    for (const item of ofKind) describeItem(item, lines);
  }
  return `${lines
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trimEnd()}\n`;
}

/**
 * API Extractor's report with the first sentence of each doc comment above its declaration.
 *
 * @param {string} report
 * @param {ApiItem} model
 * @returns {string}
 */
export function describedReport(report, model) {
  /** @type {Map<string, string>} */
  const sentences = new Map();
  for (const item of model.members?.[0]?.members ?? []) {
    for (const one of [item, ...(item.members ?? [])]) {
      const key = one === item ? item.name : `${item.name}.${memberName(one)}`;
      const { text } = parseComment(one.docComment ?? '');
      if (key !== undefined && text !== '' && !sentences.has(key)) {
        sentences.set(key, firstSentence(text));
      }
    }
  }
  let owner = '';
  const told = new Set();
  const out = [];
  for (const line of report.split('\n')) {
    const top =
      /^export (?:declare )?(?:abstract )?(?:class|interface|function|const|type) (\w+)/.exec(line);
    const member =
      /^ {4}(?:static |readonly |get |set |protected |abstract )*(\[[\w.]+\]|\w+)[?(<:;]/.exec(
        line,
      );
    if (top !== null) owner = top[1] ?? '';
    const key = top !== null ? owner : member !== null ? `${owner}.${member[1]}` : '';
    const sentence = sentences.get(key);
    if (sentence !== undefined && !told.has(key)) {
      told.add(key);
      out.push(`${top !== null ? '' : '    '}// ${sentence}`);
    }
    out.push(line);
  }
  return out.join('\n');
}

/**
 * @param {ApiItem} item
 * @param {string[]} lines
 */
function describeItem(item, lines) {
  lines.push(`### ${item.name}`, '', ...code(item), ...comment(item).flatMap(wrapped), '');
  const members = (item.members ?? []).filter((member) => member.kind !== 'Constructor');
  for (const member of members) {
    const signature = excerpt(member).replace(/\s+/g, ' ');
    const [first = '', ...rest] = comment(member);
    lines.push(`- \`${signature}\`${first === '' ? '' : `\\`}`);
    for (const line of first === '' ? rest : [first, ...rest]) {
      lines.push(...wrapped(line).map((part) => (part === '' ? '' : `  ${part}`)));
    }
  }
  lines.push('');
}

/** Columns of a line of prose. */
const COLUMNS = 116;

/** A line in pieces that fit; the following ones belong to the same item of a list. @param {string} line */
function wrapped(line) {
  if (line.length <= COLUMNS) return [line];
  const indent = line.startsWith('- ') ? '  ' : '';
  const pieces = [];
  let piece = '';
  for (const word of line.split(' ')) {
    if (piece !== '' && `${piece} ${word}`.length > COLUMNS) {
      pieces.push(piece);
      piece = `${indent}${word}`;
    } else piece = piece === '' ? word : `${piece} ${word}`;
  }
  return [...pieces, piece];
}

/** @param {ApiItem} item */
function code(item) {
  const text = excerpt(item);
  return text === '' ? [] : ['```ts', text, '```', ''];
}

/** @param {ApiItem} item */
function excerpt(item) {
  return (item.excerptTokens ?? [])
    .map(({ text }) => text)
    .join('')
    .replace(/^export declare /, '')
    .trim();
}

/** @param {ApiItem} item */
function memberName(item) {
  return item.name ?? item.kind;
}

/** A doc comment as lines of Markdown. @param {ApiItem} item */
function comment({ docComment = '' }) {
  const { text, tags } = parseComment(docComment);
  const lines = text === '' ? [] : text.split('\n');
  for (const { name, body } of tags) {
    const flat = body.replace(/\s+/g, ' ').trim();
    if (name === 'param') lines.push('', `- ${flat.replace(/^(\w+)(?: -)? ?/, '`$1`: ')}`);
    else if (name === 'returns') lines.push('', `Returns ${flat}`);
    else if (name === 'throws') lines.push('', `Throws ${flat}`);
    else if (name === 'default' || name === 'defaultValue') lines.push('', `Default: ${flat}`);
    else if (name === 'example') lines.push('', '```ts', ...body.trim().split('\n'), '```');
  }
  return lines;
}

/**
 * @param {string} raw - with its stars
 * @returns {{ readonly text: string, readonly tags: { name: string, body: string }[] }}
 */
function parseComment(raw) {
  const plain = raw
    .replace(/^\/\*\*/, '')
    .replace(/\*\/\s*$/, '')
    .split('\n')
    .map((line) => line.replace(/^\s*\* ?/, ''))
    .join('\n')
    // API Extractor writes links and braces escaped.
    .replace(/\{@link ([\w.]+)\}/g, '`$1`')
    .replace(/\\([{}@<>])/g, '$1');
  const [text = '', ...parts] = plain.split(
    /(?:^|\s)@(?=(?:param|returns|throws|default|defaultValue|example|public|internal|readonly)\b)/,
  );
  const tags = parts.map((part) => {
    const [, name = '', body = ''] = /^(\w+)([\s\S]*)$/.exec(part) ?? [];
    return { name, body };
  });
  return { text: text.trim(), tags };
}

/** @param {string} text */
function firstSentence(text) {
  const flat = (text.split(/\n\s*\n/)[0] ?? '').replace(/\s+/g, ' ').trim();
  return /^.*?[.:!?](?= [A-Z`'0-9]|$)/.exec(flat)?.[0] ?? flat;
}
