/** Replaces the package's own declarations, which need those of Node: see `paths` in tsconfig.json. */
declare module 'jssip' {
  const jssip: import('./jssip-types.ts').JsSip;
  export default jssip;
}
