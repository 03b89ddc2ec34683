import type { BrowserContext } from 'playwright-core';
import { text, unhex } from '#shared/bytes/bytes.ts';
import type { Tab } from './browser.ts';

type WithSdp = typeof globalThis & { sdp: string[] };

/** Keeps every session description that a page makes. */
export const watchSessions = (context: BrowserContext): Promise<unknown> =>
  context.addInitScript(() => {
    const kept: string[] = ((globalThis as WithSdp).sdp = []);
    const { prototype } = RTCPeerConnection;
    const original = prototype.setLocalDescription;
    prototype.setLocalDescription = async function (this: RTCPeerConnection, ...given: unknown[]) {
      await Reflect.apply(original, this, given);
      kept.push(this.localDescription?.sdp ?? '');
    };
  });

export const sessionsOf = ({ page }: Tab): Promise<string[]> =>
  page.evaluate(() => (globalThis as WithSdp).sdp);

/** What of a session description nobody but the two ends of a link may know, as it stands in text and packed. */
export const secretsOf = (sdp: string): Uint8Array[] => {
  const pwd = /^a=ice-pwd:(\S+)/m.exec(sdp)?.[1];
  const fingerprint = /^a=fingerprint:sha-256 (\S+)/m.exec(sdp)?.[1];
  if (pwd === undefined || fingerprint === undefined) throw new Error('no session description');
  return [text(pwd), text(fingerprint), unhex(fingerprint.replaceAll(':', '').toLowerCase())];
};

/** Whether `bytes` hold one of these anywhere. */
export const containsOne = (bytes: Uint8Array, parts: Buffer[]): boolean => {
  const whole = Buffer.from(bytes);
  return parts.some((part) => whole.includes(part));
};
