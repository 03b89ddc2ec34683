import type { ClientState, HopView, LinkView, NodeView } from '#web/api.ts';
import type { ReachView } from '#web/api-helping.ts';
import { t } from '../i18n/text.ts';
import { titleOf } from './people.ts';

/** What a neighbour does in one's own circuits beside being the guard, each thing once. */
export function usesOf(
  { node }: LinkView,
  { circuits, conversations }: Pick<ClientState, 'circuits' | 'conversations'>,
): string[] {
  const uses = circuits.flatMap((circuit) => {
    const role = circuit.state === 'open' && circuit.hops.find((hop) => hop.node === node)?.role;
    if (!role || role === 'guard') return [];
    const name = conversations.find((one) => one.id === circuit.conversation);
    return [name ? t('network.useIn', { role: roleText(role), name: titleOf(name) }) : ownUse(role)];
  });
  return [...new Set(uses)];
}

const ownUse = (role: HopView['role']): string => t('network.useOwn', { role: roleText(role) });

/** At the beginning of a sentence. */
const roleText = (role: HopView['role']): string => {
  const text = t(`role.${role}`);
  return text.charAt(0).toLocaleUpperCase() + text.slice(1);
};

/** Nodes that could be linked to: neither this one, nor avoided, nor a neighbour already. */
export function addable(nodes: readonly NodeView[], links: readonly LinkView[]): NodeView[] {
  const linked = new Set(links.map(({ node }) => node));
  return nodes.filter((one) => !one.self && !one.avoided && !linked.has(one.node));
}

/** What is looked for, which try it is, and when the next one comes; null where nothing is missing. */
export function lookingText(
  { server, tries, nextAt }: ReachView,
  alone: boolean,
  now: number,
): string | null {
  if (server && !alone) return null;
  const count = Math.max(1, tries);
  if (nextAt === null || nextAt <= now)
    return server ? t('network.aloneTry', { count }) : t('network.serverTry', { count });
  const time = t('network.seconds', { count: Math.ceil((nextAt - now) / 1000) });
  return server ? t('network.aloneNext', { count, time }) : t('network.serverNext', { count, time });
}
