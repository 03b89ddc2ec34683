/** Why a program can't start, in words for whoever started it, and the exit code that says so to a script. */
export class StartError extends Error {
  override readonly name = 'StartError';
  readonly exitCode: number;

  constructor(message: string, exitCode: number) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** `EX_CONFIG` of sysexits.h: settings that can't be used. */
export const EXIT_CONFIG = 78;
export const EXIT_FAILURE = 1;
