// A VNC screen: noVNC's RFB class over a WebSocket that the page opened itself, because RFB hides the close code.

import RFB from '@novnc/novnc';
import type { Scale } from '../address.ts';
import type { OpenScreen } from './screen.ts';

export const openVnc: OpenScreen = (target, channel, options, hooks) => {
  const rfb = new RFB(target, channel, { shared: true });
  rfb.viewOnly = options.viewOnly;
  rfb.background = 'transparent';
  scale(rfb, options.scale);
  let gone = false;
  rfb.addEventListener('disconnect', () => {
    gone = true;
  });
  rfb.addEventListener('connect', () => hooks.connected());
  for (const failure of ['disconnect', 'securityfailure', 'credentialsrequired', 'serververification']) {
    rfb.addEventListener(failure, () => hooks.failed());
  }
  describe(target, options.label, options.describedBy);
  return {
    focus: () => rfb.focus({ preventScroll: true }),
    setScale: (to) => scale(rfb, to),
    sendCtrlAltDel: () => rfb.sendCtrlAltDel(),
    close: () => {
      if (!gone) rfb.disconnect();
    },
  };
};

/** `remote` also scales, so that a guest that cannot change its size still fits. */
function scale(rfb: RFB, to: Scale): void {
  rfb.scaleViewport = to !== 'off';
  rfb.resizeSession = to === 'remote';
}

/** noVNC's canvas has no name and cannot be reached with the keyboard. */
function describe(target: HTMLElement, label: string, describedBy: string): void {
  const canvas = target.querySelector('canvas');
  if (!canvas) return;
  canvas.tabIndex = 0;
  canvas.setAttribute('role', 'application');
  canvas.setAttribute('aria-label', label);
  canvas.setAttribute('aria-describedby', describedBy);
}
