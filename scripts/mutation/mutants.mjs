import { parseAst } from 'rolldown/parseAst';

/**
 * A change of the source that a test should notice.
 *
 * @typedef {{
 *   readonly id: number,
 *   readonly line: number,
 *   readonly start: number,
 *   readonly end: number,
 *   readonly replacement: string,
 *   readonly change: string,
 *   readonly probe: readonly [number, number, 'expression' | 'statement'],
 * }} Mutant `start` and `end` are offsets in the source, as are those of `probe`: where to see whether it is reached
 *
 * @typedef {Record<string, any> & { type: string, start: number, end: number }} Node
 */

/** @type {Readonly<Record<string, readonly string[]>>} */
const OPERATORS = {
  '+': ['-'],
  '-': ['+'],
  '*': ['/'],
  '/': ['*'],
  '%': ['*'],
  '<': ['<=', '>='],
  '<=': ['<', '>'],
  '>': ['>=', '<='],
  '>=': ['>', '<'],
  '===': ['!=='],
  '!==': ['==='],
  '<<': ['>>'],
  '>>': ['<<'],
  '>>>': ['<<'],
  '&': ['|'],
  '|': ['&'],
  '^': ['&'],
  '&&': ['||'],
  '||': ['&&'],
  '??': ['&&'],
  '+=': ['-='],
  '-=': ['+='],
  '*=': ['/='],
  '/=': ['*='],
  '??=': ['='],
};

/** @type {Readonly<Record<string, string>>} */
const FUNCTIONS = { floor: 'round', round: 'floor', ceil: 'floor', min: 'max', max: 'min' };

/** Wrappers of types around expressions. Everything else that is named TS… is no code. */
const TYPED = new Set(['TSAsExpression', 'TSNonNullExpression', 'TSSatisfiesExpression']);
/** What is run for its own sake, whatever it computes. */
const WARM_UP = /warm_?up/i;
/** What an error says is not tested word by word. */
const PASSED_OVER = new Set(['ThrowStatement', 'ImportDeclaration', 'ExportAllDeclaration']);

/**
 * Lists the mutants of a TypeScript file: operators, conditions, numbers, booleans, rounding, and statements left out.
 *
 * @param {string} code
 * @returns {Mutant[]}
 */
export function findMutants(code) {
  /** @type {Mutant[]} */
  const mutants = [];
  const lineStarts = [0];
  for (let i = 0; i < code.length; i++) if (code[i] === '\n') lineStarts.push(i + 1);

  /**
   * @param {Node} node where it is reached
   * @param {number} start
   * @param {number} end
   * @param {string} replacement
   */
  function add(node, start, end, replacement) {
    const line = lineStarts.findLastIndex((from) => from <= start) + 1;
    const kind = node.type === 'ExpressionStatement' ? 'statement' : 'expression';
    const before = code.slice(start, end).replace(/\s+/g, ' ');
    mutants.push({
      id: mutants.length,
      line,
      start,
      end,
      replacement,
      change: `${before} → ${replacement === '' ? 'nothing' : replacement}`,
      probe: [node.start, node.end, kind],
    });
  }

  /** @param {Node} node @param {Node} left @param {Node} right */
  function addOperators(node, left, right) {
    const at = code.indexOf(node['operator'], left.end);
    if (at < 0 || at >= right.start) return;
    for (const operator of OPERATORS[node['operator']] ?? []) {
      add(node, at, at + node['operator'].length, operator);
    }
  }

  /** @param {Node} node @param {Node} parent @param {string} key */
  function visit(node, parent, key) {
    if (PASSED_OVER.has(node.type)) return;
    if (node.type.startsWith('TS') && !TYPED.has(node.type)) return;
    if (WARM_UP.test(node['id']?.name ?? node['key']?.name ?? '')) return;
    switch (node.type) {
      case 'BinaryExpression':
      case 'LogicalExpression':
        addOperators(node, node['left'], node['right']);
        break;
      case 'AssignmentExpression':
        addOperators(node, node['left'], node['right']);
        break;
      case 'UpdateExpression': {
        const text = code.slice(node.start, node.end);
        const other = node['operator'] === '++' ? '--' : '++';
        add(node, node.start, node.end, text.replace(node['operator'], other));
        break;
      }
      case 'UnaryExpression':
        if (node['operator'] === '!' || node['operator'] === '-') {
          add(node, node.start, node.end, code.slice(node.start + 1, node.end));
        }
        break;
      case 'IfStatement':
      case 'ConditionalExpression':
        for (const value of ['true', 'false']) {
          add(node['test'], node['test'].start, node['test'].end, value);
        }
        break;
      case 'WhileStatement':
      case 'ForStatement':
        if (node['test']) add(node['test'], node['test'].start, node['test'].end, 'false');
        break;
      case 'Literal':
        if (key === 'key' && !parent['computed']) break;
        if (typeof node['value'] === 'boolean') {
          add(node, node.start, node.end, String(!node['value']));
        } else if (typeof node['value'] === 'number') {
          add(node, node.start, node.end, String(node['value'] + 1));
        }
        break;
      case 'CallExpression': {
        const { callee } = node;
        const other = callee.object?.name === 'Math' && FUNCTIONS[callee.property?.name];
        if (other) add(node, callee.property.start, callee.property.end, other);
        break;
      }
      case 'ExpressionStatement': {
        const { type, callee } = node['expression'];
        const call = type === 'CallExpression' && callee.type !== 'Super';
        const works = ['AssignmentExpression', 'UpdateExpression', 'ChainExpression'].includes(
          type,
        );
        if (call || works) add(node, node.start, node.end, ';');
        break;
      }
    }
    for (const [name, child] of Object.entries(node)) {
      for (const each of Array.isArray(child) ? child : [child]) {
        if (typeof each?.type === 'string') visit(each, node, name);
      }
    }
  }

  const program = /** @type {any} */ (parseAst(code, { lang: 'ts' }));
  visit(program, program, 'body');
  return (
    mutants
      // `??` may not be mixed with the others without parentheses; whatever else is changed can be parsed.
      .filter((mutant) => !/^(&&|[|]{2})$/.test(mutant.replacement) || parses(code, mutant))
      .map((mutant, id) => ({ ...mutant, id }))
  );
}

/** @param {string} code @param {Mutant} mutant */
function parses(code, { start, end, replacement }) {
  try {
    parseAst(code.slice(0, start) + replacement + code.slice(end), { lang: 'ts' });
    return true;
  } catch {
    return false;
  }
}

/**
 * The source with every mutant in it: `__active[0]` says which of them takes effect, and `__reach` is called wherever one of
 * them begins, with the first mutant of that place.
 *
 * @param {string} code
 * @param {readonly Mutant[]} mutants
 * @param {number} base the number of the mutant whose id is 0
 */
export function addSwitches(code, mutants, base) {
  const places = placesOf(mutants);
  let next = 0;

  /** @param {number} start @param {number} end @returns {string} */
  function emit(start, end) {
    let text = '';
    let at = start;
    for (let place = places[next]; place && place.end <= end; place = places[next]) {
      next++;
      text += code.slice(at, place.start) + emitPlace(place);
      at = place.end;
    }
    return text + code.slice(at, end);
  }

  /** @param {Place} place */
  function emitPlace(place) {
    const original = emit(place.start, place.end);
    const tests = place.mutants.map(({ id }, index) => {
      const active = index === 0 ? `__reach(${base + id})` : '__active[0]';
      return `${active} === ${base + id}`;
    });
    const changed = place.mutants.map(
      (mutant) =>
        code.slice(place.start, mutant.start) +
        mutant.replacement +
        code.slice(mutant.end, place.end),
    );
    if (place.kind === 'statement') {
      return `{${tests.map((test, i) => `if (${test}) {${changed[i]}} else `).join('')}{${original}}}`;
    }
    return `(${tests.map((test, i) => `${test} ? (${changed[i]}) : `).join('')}(${original}))`;
  }

  return emit(0, code.length);
}

/**
 * The places of mutants in the order of the source, an outer place before those within.
 *
 * @typedef {{ start: number, end: number, kind: 'expression' | 'statement', mutants: Mutant[] }} Place
 * @param {readonly Mutant[]} mutants
 */
export function placesOf(mutants) {
  /** @type {Map<string, Place>} */
  const places = new Map();
  for (const mutant of mutants) {
    const [start, end, kind] = mutant.probe;
    const key = mutant.probe.join();
    const place = places.get(key);
    if (place) place.mutants.push(mutant);
    else places.set(key, { start, end, kind, mutants: [mutant] });
  }
  return [...places.values()].sort(
    (a, b) => a.start - b.start || b.end - a.end || (a.kind === 'statement' ? -1 : 1),
  );
}
