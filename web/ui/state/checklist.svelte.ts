import { localProfile } from './route.svelte.ts';

const key = `hourglass.checklist.${localProfile() ?? ''}`;

function stored(): boolean {
  try {
    return localStorage.getItem(key) === 'hidden';
  } catch {
    return false; // storage is blocked: it shows again in the next tab
  }
}

let dismissed = $state.raw(stored());

/** Whether the list of what there is to do for one's data was put away. It stays in the settings. */
export const checklist = {
  get dismissed(): boolean {
    return dismissed;
  },
  dismiss(): void {
    dismissed = true;
    try {
      localStorage.setItem(key, 'hidden');
    } catch {
      // the choice lasts as long as the tab
    }
  },
};
