// A click anywhere in the page that means nothing else gives the keyboard to the screen: in a frame people click somewhere
// and type. Owns which places those are.

const CONTROLS = 'button, a, input, select, textarea, label, summary, dialog, [role="dialog"], [role="menu"], [role="listbox"], [tabindex="0"]';

export function onIdleClick(root: HTMLElement, clicked: () => void): void {
  root.addEventListener('click', ({ target }) => {
    const marked = getSelection()?.isCollapsed === false;
    if (target instanceof Element && !target.closest(CONTROLS) && !marked) clicked();
  });
}
