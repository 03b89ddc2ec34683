import type { Endpoint } from './endpoint.ts';
import { Program } from './programs.ts';

/** A call to the endpoint's process, and its answer. */
export type Call = { id: number; method: keyof Endpoint; args: unknown[] };
export type Answer = { id: number; value: unknown } | { id: number; error: string };

type Settle = { resolve: (value: unknown) => void; reject: (error: Error) => void };

/** An `Endpoint` in a process of its own. */
export class Remote {
  readonly #program: Program;
  readonly #waiting = new Map<number, Settle>();
  #calls = 0;

  constructor(url: string, profileDir: string | undefined) {
    this.#program = new Program('tests/bench/endpoint.ts', { args: [url], profileDir });
    this.#program.child.on('message', (message) => this.#onAnswer(message as Answer));
    this.#program.child.once('exit', (code) => {
      for (const { reject } of this.#waiting.values())
        reject(new Error(`an endpoint ended with ${String(code)}`));
    });
  }

  get pid(): number {
    return this.#program.pid;
  }

  call<K extends keyof Endpoint>(method: K, ...args: Parameters<Endpoint[K]>): ReturnType<Endpoint[K]> {
    this.#calls += 1;
    const call: Call = { id: this.#calls, method, args };
    const answered = new Promise((resolve, reject) => {
      this.#waiting.set(call.id, { resolve, reject });
      this.#program.child.send(call);
    });
    // Another call may have failed first, and then nobody awaits this one any more.
    answered.catch(() => undefined);
    return answered as ReturnType<Endpoint[K]>;
  }

  stop(): Promise<void> {
    return this.#program.stop();
  }

  #onAnswer(answer: Answer): void {
    const settle = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if ('error' in answer) settle?.reject(new Error(answer.error));
    else settle?.resolve(answer.value);
  }
}
