// Asks before something that may lose a person's work. Modal; Esc and the first button say no.

import { element } from './element.ts';

export interface Question {
  readonly title: string;
  readonly detail: string;
  readonly yes: string;
  readonly no: string;
}

/** The keyboard returns to where it was. `away`: nobody is asked any more, which is a no. */
export function confirm(parent: HTMLElement, { title, detail, yes, no }: Question, away: AbortSignal): Promise<boolean> {
  const go = element('button', { type: 'button', class: 'button danger' }, yes);
  const back = element('button', { type: 'button', class: 'button' }, no);
  const dialog = element('dialog', { class: 'confirm', 'aria-labelledby': 'confirm-title', 'aria-describedby': 'confirm-detail' });
  dialog.append(
    element('h2', { id: 'confirm-title' }, title),
    element('p', { id: 'confirm-detail' }, detail),
    element('div', { class: 'actions' }, back, go),
  );
  parent.append(dialog);
  dialog.showModal();
  // By attribute, browsers refuse it to a frame of another site.
  back.focus();
  return new Promise((answer) => {
    go.addEventListener('click', () => dialog.close('yes'));
    back.addEventListener('click', () => dialog.close());
    const settle = (sure: boolean): void => {
      dialog.remove();
      answer(sure);
    };
    dialog.addEventListener('close', () => settle(dialog.returnValue === 'yes'));
    away.addEventListener('abort', () => {
      dialog.close();
      settle(false);
    });
  });
}
