import type { ClientState } from '#web/api.ts';

export type Task = { name: 'phrase' | 'lock' | 'keep' | 'install'; done: boolean };

export type Surroundings = {
  /** Whether the browser has promised to keep the data, and whether it can be asked. */
  persisted: boolean;
  canPersist: boolean;
  install: 'installed' | 'offered' | 'none';
};

/** What there is to do, once there is something to lose: only what can be done in this browser. */
export function tasksOf({ keeping }: Pick<ClientState, 'keeping'>, around: Surroundings): Task[] {
  const tasks: Task[] = [
    { name: 'phrase', done: keeping.phraseKept },
    { name: 'lock', done: keeping.locked },
  ];
  if (around.persisted || around.canPersist) tasks.push({ name: 'keep', done: around.persisted });
  if (around.install !== 'none') tasks.push({ name: 'install', done: around.install === 'installed' });
  return tasks;
}
