/** A schedule as an entry of a table of regressions. */
export function formatSchedule(schedule: {
  readonly world: object;
  readonly actions: readonly object[];
}): string {
  const { world, actions } = schedule;
  const lines = actions.map((action) => `      ${literal(action)},\n`);
  const list = lines.length === 0 ? '[]' : `[\n${lines.join('')}    ]`;
  return `  {\n    world: ${literal(world)},\n    actions: ${list},\n  },`;
}

function literal(value: object): string {
  return JSON.stringify(value)
    .replaceAll(/"(\w+)":/g, '$1: ')
    .replaceAll(/,(?=\w+: )/g, ', ')
    .replaceAll('"', "'")
    .replaceAll('{', '{ ')
    .replaceAll('}', ' }');
}
