import { createSubscriber } from 'svelte/reactivity';

function every(ms: number): () => number {
  const subscribe = createSubscriber((update) => {
    const timer = setInterval(update, ms);
    return () => clearInterval(timer);
  });
  return () => {
    subscribe();
    return Date.now();
  };
}

/** The present, for ages and countdowns. It ticks only while something shows it. */
export const second = every(1000);
/** The present, for "Today" and the like. */
export const minute = every(60_000);
