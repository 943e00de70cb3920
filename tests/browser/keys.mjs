// Letters as a hand types them: where a letter needs Shift, the key is pressed with it, because the console sends keys, not
// letters. A US keyboard, which is what the test guest has.

const PLAIN = "`1234567890-=[]\\;',./";
const SHIFTED = '~!@#$%^&*()_+{}|:"<>?';

/** The name of the key, with Shift where it is needed. */
export function pressed(letter) {
  if (letter === '\n') return 'Enter';
  const at = SHIFTED.indexOf(letter);
  if (at >= 0) return `Shift+${PLAIN[at]}`;
  return letter === letter.toLowerCase() ? letter : `Shift+${letter}`;
}
