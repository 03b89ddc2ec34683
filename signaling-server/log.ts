import { pino, type DestinationStream, type Logger } from 'pino';
import { codeOf } from '#shared/errors.ts';

export type { Logger } from 'pino';

const ipv4 = /(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])/g;
/** Two colons or more between groups of hex digits: times in the log are plain numbers, so nothing else looks so. */
const ipv6 = /(?<![\w:])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?![\w:])/gi;

/** Whatever an error message of the network stack says, no IP address passes. */
export const withoutAddresses = (line: string): string =>
  line.replace(ipv4, '[address]').replace(ipv6, '[address]');

const hidden = [
  'req',
  'res',
  'socket',
  'headers',
  'ip',
  'address',
  'remoteAddress',
  'url',
  'body',
  'credential',
];

/** JSON lines with a level, a time in milliseconds, a message and coded fields: no address, name of the machine or content. */
export const createLog = (level: string, destination?: DestinationStream): Logger => {
  const options = {
    level,
    base: null,
    redact: { paths: [...hidden, ...hidden.map((name) => `*.${name}`)], remove: true },
    serializers: {
      err: (error: unknown) => ({
        code: codeOf(error),
        message: error instanceof Error ? error.message : 'unknown',
        stack: error instanceof Error ? error.stack : undefined,
      }),
    },
    hooks: { streamWrite: withoutAddresses },
  };
  return destination ? pino(options, destination) : pino(options);
};
