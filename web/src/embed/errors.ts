// Why something a panel asked for was not done. The codes are public (EMBED.md).

const MESSAGES = {
  invalid_src: 'src is not the address of a console page',
  invalid_token: 'this is neither a console link of this gateway nor a token',
  no_answer: 'the console page does not answer; is the origin of this page among the origins of the issuer?',
  timeout: 'the console page did not answer in time',
  removed: 'the console was taken out of the page',
  fetch_failed: 'fetchToken failed',
  too_many_tokens: 'fetchToken was asked too often',
  busy: 'too much was asked at once',
  not_allowed: 'the rights of the session do not allow it',
  not_connected: 'the console is not connected',
  bad_argument: 'an argument is not one of the values allowed',
  untypable: 'the keyboard layout has no key for one of the characters',
  unsupported: 'this console cannot do it',
  refused: 'the browser did not allow it',
  failed: 'it failed',
} as const;

export type ErrorCode = keyof typeof MESSAGES;

export class ConsoleGateError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, options?: ErrorOptions) {
    super(MESSAGES[code], options);
    this.name = 'ConsoleGateError';
    this.code = code;
  }
}

/** The error of a code that came from outside. */
export function errorOf(code: unknown): ConsoleGateError {
  return new ConsoleGateError(typeof code === 'string' && Object.hasOwn(MESSAGES, code) ? (code as ErrorCode) : 'failed');
}
