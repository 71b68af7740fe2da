import axe from 'axe-core';
import { Meter } from 'micwire';
import { vi } from 'vitest';
import type { MockInstance } from 'vitest';

/** What a page of elements is tested with: elements in the document, and the meters that they make. */

/** Puts an element into the document, with properties. */
export function put<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  properties: Partial<HTMLElementTagNameMap[Name]> = {},
): HTMLElementTagNameMap[Name] {
  const element = Object.assign(document.createElement(name), properties);
  document.body.append(element);
  return element;
}

/** The element of a shadow root that a selector finds. @throws if there is none */
export function inside<Found extends HTMLElement = HTMLElement>(
  host: HTMLElement,
  selector: string,
): Found {
  const found = host.shadowRoot?.querySelector<Found>(selector);
  if (found === null || found === undefined) {
    throw new Error(`<${host.localName}> holds no ${selector}.`);
  }
  return found;
}

/** A tone of a constant level: its RMS and its peak are the same. */
export function constant(context: BaseAudioContext, offset: number): ConstantSourceNode {
  const source = new ConstantSourceNode(context, { offset });
  source.start();
  return source;
}

/** Watches which meters are made. */
export function watchMeters(): MockInstance<typeof Meter.create> {
  return vi.spyOn(Meter, 'create');
}

/** How many of the meters that were made are open. */
export async function openMeters(watched: MockInstance<typeof Meter.create>): Promise<number> {
  let open = 0;
  for (const { value } of watched.mock.results) {
    const meter = (await value) as Meter;
    // The only sign of its end.
    await meter.resume().then(
      () => open++,
      () => {},
    );
  }
  return open;
}

/** What axe finds wrong with an element, its shadow tree included: rule and place. */
export async function accessibilityFaults(element: HTMLElement): Promise<readonly string[]> {
  // Axe takes a page that paints no ground for white, also where it is dark.
  document.body.style.background = 'Canvas';
  const { violations } = await axe.run(element, {
    // Rules of whole pages, which a test's page is not.
    rules: { region: { enabled: false } },
  });
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')} ${failureSummary}`),
  );
}
