export type Theme = 'system' | 'light' | 'dark';

const key = 'hourglass.theme';

function stored(): Theme {
  try {
    const value = localStorage.getItem(key);
    return value === 'light' || value === 'dark' ? value : 'system';
  } catch {
    return 'system'; // storage is blocked: the system's choice it is
  }
}

let choice = $state.raw<Theme>(stored());
const media = matchMedia('(prefers-color-scheme: dark)');
let systemDark = $state.raw(media.matches);
media.addEventListener('change', () => (systemDark = media.matches));

function show(): void {
  if (choice === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = choice;
}
show();

export const theme = {
  get choice(): Theme {
    return choice;
  },
  get dark(): boolean {
    return choice === 'system' ? systemDark : choice === 'dark';
  },
  set(next: Theme): void {
    choice = next;
    show();
    try {
      if (next === 'system') localStorage.removeItem(key);
      else localStorage.setItem(key, next);
    } catch {
      // the choice lasts as long as the tab
    }
  },
  turn(): void {
    theme.set(theme.dark ? 'light' : 'dark');
  },
};
