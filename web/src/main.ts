// The console page: takes the token out of the address, then lets the machine of connection.ts run.
//
// Holds the one token in hand (connect, later resume) in memory only: it never reaches storage, and there are no cookies.

import { takeToken } from './address.ts';
import { Page } from './page.ts';

const token = takeToken(location, history);
document.getElementById('unsupported')?.remove();
const page = new Page(document.body);
page.start(token);

// A panel that gives the same frame a new link only changes the fragment: the page is not loaded again.
window.addEventListener('hashchange', () => {
  const next = takeToken(location, history);
  if (next !== undefined) page.start(next);
});
