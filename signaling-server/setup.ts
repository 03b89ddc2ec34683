import { isDevelopmentSetup } from '#circuits/verify.ts';
import type { Config } from './config.ts';

/** What an operator has to know of the keys of the proof of contribution; undefined when there is nothing. */
export const setupWarning = ({ contribution }: Pick<Config, 'contribution'>): string | undefined =>
  isDevelopmentSetup && (contribution === 'auto' || contribution === 'enforce')
    ? 'proofs of contribution are checked with keys for development, whose maker could forge them: ' +
      'make others with npm run ceremony, or set HG_CONTRIBUTION=observe'
    : undefined;
