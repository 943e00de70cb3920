// The pages in a real browser against a mock of the gateway. Run with `npm run page`, after `npm run build`.

import './page/stamp.test.mjs';
import './page/console.test.mjs';
import './page/endings.test.mjs';
import './page/fleet.test.mjs';
import './page/looks.test.mjs';
import './page/access.test.mjs';
import './page/frames.test.mjs';
import './page/embed.test.mjs';
import './page/embed_harm.test.mjs';
import './page/across.test.mjs';
import './page/embed_focus.test.mjs';
import './page/embed_token.test.mjs';
import './page/load.test.mjs';
import './page/terminal.test.mjs';
import './page/terminal-screen.test.mjs';
import './page/waiting.test.mjs';
import './page/idle.test.mjs';
import './page/brand.test.mjs';
import './page/toolbar.test.mjs';
import './page/typing.test.mjs';
import './page/clipboard.test.mjs';
import './page/tools.test.mjs';
import './page/states.test.mjs';
import './page/languages.test.mjs';
