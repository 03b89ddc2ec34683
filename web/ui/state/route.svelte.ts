/** Routes stand after '#', so that no server ever sees one: an invite's secret is part of it. */
export type Route =
  | { name: 'chats'; conversation: string | null; view: ChatView | null }
  | { name: 'invite'; tab: InviteTab }
  | { name: 'new-group' }
  | { name: 'incoming'; link: string }
  | { name: 'network'; node: string | null }
  | { name: 'helping' }
  | { name: 'settings'; section: Section | null }
  /** What another app shared is to go into a chat. */
  | { name: 'share' }
  | { name: 'lock' }
  | { name: 'check' }
  | { name: 'welcome'; step: WelcomeStep };

/** What stands beside or over a chat: its circuit, its contact or group, the numbers to compare. */
export type ChatView = 'circuit' | 'about' | 'compare';
const chatViews: readonly string[] = ['circuit', 'about', 'compare'] satisfies ChatView[];

/** The first screens, in their order; and, aside of them, a backup that is opened. */
export type WelcomeStep = 'name' | 'check' | 'invite' | 'restore';
const welcomeSteps: readonly WelcomeStep[] = ['name', 'check', 'invite', 'restore'];

export type InviteTab = 'new' | 'have' | 'open';

export const sections = [
  'profile',
  'privacy',
  'storage',
  'backup',
  'network',
  'appearance',
  'notifications',
  'about',
] as const;
export type Section = (typeof sections)[number];

export function parseRoute(href: string): Route {
  const url = new URL(href);
  const hash = url.hash;
  if (hash.startsWith('#i/')) return { name: 'incoming', link: href };
  const [first, second, third] = hash.replace(/^#\/?/, '').split('/').map(decode);
  switch (first) {
    case 'welcome':
      return { name: 'welcome', step: welcomeSteps.find((one) => one === second) ?? 'name' };
    case 'check':
      return { name: 'check' };
    // From whatever opened a `web+hourglass:` link, all of it encoded.
    case 'open':
      return { name: 'incoming', link: decode(hash.slice('#open/'.length)) };
    case 'share':
      return { name: 'share' };
    case 'lock':
      return { name: 'lock' };
    case 'invite':
      return { name: 'invite', tab: second === 'new' || second === 'open' ? second : 'have' };
    case 'new-group':
      return { name: 'new-group' };
    case 'network':
      return { name: 'network', node: second || null };
    case 'helping':
      return { name: 'helping' };
    case 'settings':
      return { name: 'settings', section: sections.find((one) => one === second) ?? null };
    default: {
      const conversation = first === 'chats' && second ? second : null;
      const view = conversation !== null && chatViews.includes(third ?? '') ? (third as ChatView) : null;
      return { name: 'chats', conversation, view };
    }
  }
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export const to = {
  chats: '#/chats',
  chat: (id: string): string => `#/chats/${encodeURIComponent(id)}`,
  circuit: (id: string): string => `#/chats/${encodeURIComponent(id)}/circuit`,
  about: (id: string): string => `#/chats/${encodeURIComponent(id)}/about`,
  compare: (id: string): string => `#/chats/${encodeURIComponent(id)}/compare`,
  inviteNew: '#/invite/new',
  inviteHave: '#/invite',
  invitesOpen: '#/invite/open',
  newGroup: '#/new-group',
  network: '#/network',
  node: (id: string): string => `#/network/${encodeURIComponent(id)}`,
  helping: '#/helping',
  settings: '#/settings',
  section: (section: Section): string => `#/settings/${section}`,
  share: '#/share',
  lock: '#/lock',
  welcome: '#/welcome',
  welcomeCheck: '#/welcome/check',
  welcomeInvite: '#/welcome/invite',
  restore: '#/welcome/restore',
  check: '#/check',
};

let current = $state.raw<Route>(parseRoute(location.href));
let lastConversation = $state.raw<string | null>(null);

function read(): void {
  current = parseRoute(location.href);
  if (current.name === 'chats') lastConversation = current.conversation;
}

addEventListener('hashchange', read);
addEventListener('popstate', read);
read();

export const router = {
  get route(): Route {
    return current;
  },
  /** The chat that a dialog was opened over. */
  get lastConversation(): string | null {
    return lastConversation;
  },
};

export function go(hash: string): void {
  location.hash = hash;
}

/** Goes on without leaving the present address in the history: an invite's secret must not stay there. */
export function goInstead(hash: string): void {
  history.replaceState(null, '', hash);
  read();
}

/** The profile that `?profile=NAME` chose, or null. */
export const localProfile = (): string | null => new URLSearchParams(location.search).get('profile') || null;
