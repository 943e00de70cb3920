// The drawings of the bar's tools, on a 24 by 24 grid.

export const ICONS = {
  ctrlAltDel: 'M2.5 9h5v6h-5zM9.5 9h5v6h-5zM16.5 9h5v6h-5z',
  keys: 'M4 5h16v14H4zM8.5 14l3.5-4 3.5 4',
  typeText: 'M4 7V5h12v2M10 5v11M8 16h4M19 12v8M17 12h4M17 20h4',
  clipboard: 'M9 4h6v3H9zM9 5H5v16h14V5h-4M9 12h6M9 16h4',
  screenshot: 'M4 8h4l2-3h4l2 3h4v11H4zM12 10a3.5 3.5 0 1 0 0 7 3.5 3.5 0 1 0 0-7',
  size: 'M9 4v5H4M15 4v5h5M9 20v-5H4M15 20v-5h5',
  fullScreen: 'M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5',
  keyboard: 'M3 5h18v10H3zM7 9h.01M11 9h.01M15 9h.01M8 12h8M9 19l3 2 3-2',
  terminal: 'M3 5h18v14H3zM7 10l3 2-3 2M12 15h5',
  power: 'M12 4v8M7.5 6.8a7 7 0 1 0 9 0',
  help: 'M12 3a9 9 0 1 0 0 18 9 9 0 1 0 0-18M9.7 9.5a2.4 2.4 0 1 1 3.6 2.1c-.9.5-1.3 1-1.3 1.9M12 16.8h.01',
  more: 'M5 11.2a.8.8 0 1 0 0 1.6.8.8 0 1 0 0-1.6M12 11.2a.8.8 0 1 0 0 1.6.8.8 0 1 0 0-1.6M19 11.2a.8.8 0 1 0 0 1.6.8.8 0 1 0 0-1.6',
  disconnect: 'M6 6l12 12M18 6 6 18',
} as const;

export type IconName = keyof typeof ICONS;
