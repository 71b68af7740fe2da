/** The colours and the font that the canvas draws with: the page's own custom properties. */
export interface ScopeTheme {
  readonly input: string;
  readonly inputSoft: string;
  readonly output: string;
  readonly outputSoft: string;
  readonly tape: string;
  readonly alert: string;
  readonly line: string;
  readonly ground: string;
  readonly ink: string;
  readonly inkSoft: string;
  readonly font: string;
}

/** Reads the theme that holds at an element now. */
export function readTheme(element: Element): ScopeTheme {
  const style = getComputedStyle(element);
  const value = (name: string) => style.getPropertyValue(name).trim();
  return {
    input: value('--in'),
    inputSoft: value('--in-soft'),
    output: value('--out'),
    outputSoft: value('--out-soft'),
    tape: value('--tape'),
    alert: value('--alert'),
    line: value('--line'),
    ground: value('--sunken'),
    ink: value('--ink'),
    inkSoft: value('--ink-soft'),
    font: `10px ${value('--mono')}`,
  };
}
