// Style sheets made by script. The page's policy forbids <style> elements but not these.

export function adopt(sheet: CSSStyleSheet): void {
  if (!document.adoptedStyleSheets.includes(sheet)) document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
}

export function sheetOf(css: string): CSSStyleSheet {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  return sheet;
}

/**
 * Stands in for the <style> elements of xterm.js, which the build makes call this (xterm-csp.mjs). It only ever sets their
 * text and removes them.
 */
export function styleElement(): HTMLElement {
  const sheet = new CSSStyleSheet();
  const stand = document.createElement('span');
  stand.hidden = true;
  const remove = stand.remove.bind(stand);
  Object.defineProperty(stand, 'textContent', { set: (css: string) => sheet.replaceSync(css) });
  stand.remove = () => {
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((other) => other !== sheet);
    remove();
  };
  adopt(sheet);
  return stand;
}
