/** W3C Trusted Types, which the policy of the server demands for scripts; TypeScript does not know them yet. */
type TrustedTypes = {
  createPolicy(
    name: string,
    rules: { createScriptURL(url: string): string },
  ): { createScriptURL(url: string): string };
};

const { trustedTypes } = globalThis as unknown as { trustedTypes?: TrustedTypes };

const policy = trustedTypes?.createPolicy('hourglass', {
  createScriptURL(url) {
    if (new URL(url, location.href).origin !== location.origin)
      throw new TypeError('a script of another origin');
    return url;
  },
});

/** Registers a service worker of this origin for all of it. */
export const registerServiceWorker = (url: string): Promise<ServiceWorkerRegistration> =>
  navigator.serviceWorker.register(policy?.createScriptURL(url) ?? url);

/** Starts a worker of this origin, from the page or from another worker. */
export const startWorker = (url: string, name: string): Worker =>
  new Worker(policy?.createScriptURL(url) ?? url, { type: 'module', name });
