/** The text of a worklet's script, for the case that its file cannot be fetched. Written by the build. */
declare module '*.inline.js' {
  const script: string;
  export default script;
}
