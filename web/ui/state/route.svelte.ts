/** Routes stand after '#', so that no server ever sees one: an invite's secret is part of it. */
export type Route =
  | { name: 'chats'; conversation: string | null; circuit: boolean }
  | { name: 'invite'; tab: 'new' | 'have' }
  | { name: 'incoming'; link: string }
  | { name: 'network'; node: string | null }
  | { name: 'helping' }
  | { name: 'settings' }
  | { name: 'welcome' };

export function parseRoute(href: string): Route {
  const url = new URL(href);
  const hash = url.hash;
  if (hash.startsWith('#i/')) return { name: 'incoming', link: href };
  const [first, second, third] = hash.replace(/^#\/?/, '').split('/').map(decode);
  switch (first) {
    case 'welcome':
      return { name: 'welcome' };
    case 'invite':
      return { name: 'invite', tab: second === 'new' ? 'new' : 'have' };
    case 'network':
      return { name: 'network', node: second || null };
    case 'helping':
      return { name: 'helping' };
    case 'settings':
      return { name: 'settings' };
    default: {
      const conversation = first === 'chats' && second ? second : null;
      return { name: 'chats', conversation, circuit: conversation !== null && third === 'circuit' };
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
  inviteNew: '#/invite/new',
  inviteHave: '#/invite',
  network: '#/network',
  node: (id: string): string => `#/network/${encodeURIComponent(id)}`,
  helping: '#/helping',
  settings: '#/settings',
  welcome: '#/welcome',
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
