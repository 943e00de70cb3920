// The frame itself, in a shadow root of its own style: neither the panel's styles nor its policy reach in.

/** What a frame may do only because the page around it says so. */
const ALLOW = ['fullscreen', 'clipboard-read', 'clipboard-write'];
/** The same, for browsers that know it; the others would complain of it in their console. */
const ALLOW_KNOWN = ['keyboard-lock'];
const STYLE = ':host{display:block;height:480px;min-width:0}:host([hidden]){display:none}iframe{display:block;width:100%;height:100%;border:0}';

export function shadowOf(host: HTMLElement): ShadowRoot {
  const shadow = host.attachShadow({ mode: 'open' });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(STYLE);
  shadow.adoptedStyleSheets = [sheet];
  return shadow;
}

export function frameOf(address: string, title: string): HTMLIFrameElement {
  const frame = document.createElement('iframe');
  frame.allow = [...ALLOW, ...ALLOW_KNOWN.filter(isKnown)].join('; ');
  frame.title = title;
  frame.referrerPolicy = 'no-referrer';
  frame.src = address;
  // The element tells of the console's focus under the same names.
  for (const native of ['focus', 'blur']) frame.addEventListener(native, (event) => event.stopPropagation());
  return frame;
}

function isKnown(feature: string): boolean {
  const { featurePolicy } = document as { featurePolicy?: { features?(): readonly string[] } };
  return featurePolicy?.features?.().includes(feature) ?? false;
}

/** What can have the focus of the panel without anybody typing into it. Fields, frames and elements of others' making may be typed into. */
const PRESSED = 'body, html, a, button, summary, [role=button], [role=link], [role=menuitem], [role=tab]';

export function someoneTypes(host: Element): boolean {
  const active = document.activeElement;
  return active !== null && active !== host && !active.matches(PRESSED);
}
