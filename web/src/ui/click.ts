// A click anywhere in the page that means nothing else gives the keyboard to the screen: in a frame people click somewhere
// and type. Owns which places those are.

const CONTROLS = 'button, a, input, select, textarea, label, summary, dialog, [role="dialog"], [role="menu"], [role="listbox"], [tabindex="0"]';

export function onIdleClick(root: HTMLElement, clicked: () => void): void {
  root.addEventListener('click', ({ target }) => {
    const marked = getSelection()?.isCollapsed === false;
    // The screen itself may have the focus, but a click in it means the machine.
    const control = target instanceof Element && target.closest(CONTROLS);
    if (target instanceof Element && (!control || control.matches('.screen')) && !marked) clicked();
  });
}
