import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HelpingView, ProofStage } from '#web/api-helping.ts';
import { launch, newContext, Tab, webDir } from '#tests/support/browser.ts';
import { ProvingKey } from '#tests/support/proving-key.ts';
import { eventually, TestNetwork } from '#tests/support/test-network.ts';
import { at, walk, type Screen } from '#tests/support/walker.ts';

/** Three seconds a slot, in which every node is tested. */
const EPOCH_MS = 36_000;
/** Enough that somebody among them may prove, one or another being tested too seldom. */
const RELAYS = 10;
/** For a few epochs: too few may have qualified in one. */
const PROOF_MS = 5 * EPOCH_MS;

/** What a browser says of an answer that is an error. */
const REFUSED = /status of 503/;

describe('somebody who watches a proof', () => {
  let network: TestNetwork;
  let browser: Browser;
  let ada: Tab;
  let key: ProvingKey;

  beforeAll(async () => {
    const env = { HG_EPOCH_MS: String(EPOCH_MS) };
    [network, browser] = await Promise.all([
      TestNetwork.start({ relays: RELAYS, webDir, auditor: true, env }),
      launch(),
    ]);
    const context = await newContext(browser, network.url);
    key = await ProvingKey.of(context);
    ada = await Tab.open(context, network.url);
    await ada.start('Ada');
  });
  afterAll(async () => {
    await browser.close();
    await network.stop();
  });

  const helping = async (): Promise<HelpingView> => (await ada.client.state()).helping;
  const comes = (stage: ProofStage['kind']): Promise<void> =>
    eventually(
      `a proof that is ${stage}`,
      async () => (await helping()).proof.stage.kind === stage,
      PROOF_MS,
    );
  const screen = (stage: ProofStage['kind']): Screen =>
    at(ada, `proof-${stage}`, '#/helping', `[data-stage=${stage}]`);

  it('sees it fail where the key for it cannot be had', { timeout: PROOF_MS }, async () => {
    await comes('failed');
    await walk(ada.page, [screen('failed')]);
    expect((await helping()).error?.code).toBe('unreachable');
  });

  it('sees it made, submitted and taken', { timeout: PROOF_MS }, async () => {
    key.hold();
    await comes('proving');
    await walk(ada.page, [screen('proving')]);
    // It goes to the directory through circuits.
    for (const relay of network.relays) relay.freeze(true);
    await key.give();
    await comes('submitting');
    await walk(ada.page, [screen('submitting')]);
    for (const relay of network.relays) relay.freeze(false);
    await comes('verified');
  });

  it('sees no error but the one that there was', () => {
    expect(ada.problems.filter((each) => !REFUSED.test(each))).toEqual([]);
  });
});
