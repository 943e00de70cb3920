// The part of noVNC's RFB class that the page uses (docs/API.md of the package); it ships no types of its own.
declare module '@novnc/novnc' {
  export default class RFB extends EventTarget {
    constructor(target: HTMLElement, channel: WebSocket, options?: { shared?: boolean });
    viewOnly: boolean;
    showDotCursor: boolean;
    scaleViewport: boolean;
    resizeSession: boolean;
    background: string;
    focusOnClick: boolean;
    focus(options?: FocusOptions): void;
    blur(): void;
    addEventListener(name: 'clipboard', listener: (event: CustomEvent<{ text: string }>) => void): void;
    addEventListener(name: string, listener: (event: Event) => void): void;
    disconnect(): void;
    sendKey(keysym: number, code: string, down?: boolean): void;
    clipboardPasteFrom(text: string): void;
    toBlob(callback: (blob: Blob | null) => void, type?: string, quality?: number): void;
  }
}
