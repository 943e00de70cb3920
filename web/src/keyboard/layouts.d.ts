// Tables that keymaps.mjs derives while building.
declare module 'layout:*' {
  const layout: import('./layout.ts').Layout;
  export default layout;
}
