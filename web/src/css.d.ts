// A style sheet that a script imports is its text (xterm-csp.mjs).
declare module '*.css' {
  const text: string;
  export default text;
}
