import { localProfile } from './route.svelte.ts';
import { update } from './update.svelte.ts';

/** What this device says of new messages while nobody looks at the app. Nothing is said while it is closed. */

const key = `hourglass.notifications.${localProfile() ?? ''}`;
const TAG = 'hourglass';

type Choice = { on: boolean; names: boolean };

function stored(): Choice {
  try {
    const { on = false, names = false } = JSON.parse(localStorage.getItem(key) ?? '{}') as Partial<Choice>;
    return { on, names };
  } catch {
    return { on: false, names: false };
  }
}

let choice = $state.raw(stored());
const permissionNow = (): NotificationPermission | null =>
  typeof Notification === 'undefined' ? null : Notification.permission;
let permission = $state.raw(permissionNow());

// The person may change it beside the app, in the settings of the browser.
void (navigator as { permissions?: Permissions }).permissions
  ?.query({ name: 'notifications' })
  .then((status) => (status.onchange = () => (permission = permissionNow())))
  .catch(() => undefined);

function choose(part: Partial<Choice>): void {
  choice = { ...choice, ...part };
  try {
    localStorage.setItem(key, JSON.stringify(choice));
  } catch {
    // the choice lasts as long as the tab
  }
}

export const notifications = {
  /** `none`: this browser has no notifications. `denied`: the person told the browser to show none. */
  get state(): 'none' | 'denied' | 'off' | 'on' {
    if (permission === null) return 'none';
    if (permission === 'denied') return 'denied';
    return choice.on && permission === 'granted' ? 'on' : 'off';
  },
  /** Whether they say who wrote. */
  get names(): boolean {
    return choice.names;
  },
  /** Asks the browser, which asks the person, the first time. */
  async set(on: boolean): Promise<void> {
    if (on && permissionNow() === 'default') await Notification.requestPermission();
    permission = permissionNow();
    choose({ on });
    if (!on) await withdraw();
  },
  setNames(names: boolean): void {
    choose({ names });
  },
};

/** One at a time: each takes the place of the last. */
export async function show(title: string, body: string): Promise<void> {
  const options = { body, tag: TAG, renotify: true, icon: '/pictures/icon-192.png' };
  if (update.registration?.active) return update.registration.showNotification(title, options);
  const shown = new Notification(title, options);
  shown.onclick = () => {
    window.focus();
    shown.close();
  };
}

/** They were for somebody who was not here. */
export async function withdraw(): Promise<void> {
  for (const each of (await update.registration?.getNotifications({ tag: TAG })) ?? []) each.close();
}
