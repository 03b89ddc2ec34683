import { LocalError, RemoteError, type Code } from '#shared/errors.ts';

/** MLS's own errors tell their kind by name alone. */
const byName: Record<string, Code> = {
  CryptoError: 'bad-layer',
  CryptoVerificationError: 'bad-signature',
  CodecError: 'malformed',
};
const CREDENTIAL = 'Could not validate credential';
const FORMER_EPOCH = 'Cannot process commit or proposal from former epoch';
const OLD_EPOCH = 'Cannot process message, epoch too old';

const codeFor = (error: Error): Code => {
  if (error.message === CREDENTIAL) return 'bad-signature';
  if (error.message === FORMER_EPOCH) return 'stale';
  if (error.message === OLD_EPOCH) return 'expired';
  return byName[error.name] ?? 'malformed';
};

/** Whatever MLS throws over bytes of the other side is the other side's fault, under one code of ours. */
export const refusing = async <T>(work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    if (error instanceof RemoteError || error instanceof LocalError) throw error;
    if (!(error instanceof Error)) throw new RemoteError('malformed');
    throw new RemoteError(codeFor(error), error.message);
  }
};
