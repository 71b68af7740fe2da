/**
 * Defines a custom element unless its name is taken: two copies of the package on one page do not clash. Has no effect on a server
 * without a registry.
 */
export function define(name: string, element: CustomElementConstructor): void {
  const registry = globalThis.customElements as CustomElementRegistry | undefined;
  if (registry?.get(name) === undefined) registry?.define(name, element);
}
