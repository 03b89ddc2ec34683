import { createContext } from 'svelte';
import type { ClientApi, ClientEvent, ClientState, FileAbout, FileView, MessageView } from '#web/api.ts';
import { alarmText, errorText, t } from '../i18n/text.ts';
import { recentTrips, type RoundTrips } from '../view/circuits.ts';

export type Notice = { id: number; text: string; kind: 'info' | 'error' };
/** Messages of a conversation that are fetched first, and in each step before them: few enough for a page between two frames. */
const FIRST = 200;
const STEP = 1000;

export type Events = (listener: (event: ClientEvent) => void) => () => void;

/** When it came about here. */
const beginOf = ({ timeline, sentAt }: MessageView): number => timeline[0]?.at ?? sentAt;

/** What the core says, and nothing else: a snapshot that its events keep true. */
export class ClientStore {
  readonly client: ClientApi;
  state = $state.raw<ClientState | null>(null);
  /** Set when the core could not even say how it is. */
  failure = $state.raw<string | null>(null);
  notices = $state.raw<Notice[]>([]);
  /** Of the circuits of late. */
  trips = $state.raw<RoundTrips>(new Map());
  #messages = $state.raw<Record<string, MessageView[]>>({});
  #loaded = $state.raw<Record<string, true>>({});
  readonly #asked = new Set<string>();
  /** How many came before those that were shown first. */
  #earlier = $state.raw<Record<string, number>>({});
  #files = $state.raw<Record<string, FileView>>({});
  /** What an answer that was under way must not bring back. */
  readonly #gone = new Set<string>();
  /** Conversations whose files were asked for. */
  readonly #filesAsked = new Set<string>();
  #filesLoaded = $state.raw<Record<string, true>>({});
  #notices = 0;

  constructor(client: ClientApi) {
    this.client = client;
  }

  /** Listens first and asks then, so that nothing falls between. Returns what ends it. */
  open(events: Events): () => void {
    const end = events((event) => this.#apply(event));
    this.client.state().then(
      (state) => {
        this.state = state;
        this.trips = recentTrips(this.trips, state.circuits);
      },
      (error: unknown) => (this.failure = errorText(error)),
    );
    return end;
  }

  #apply(event: ClientEvent): void {
    if (event.type === 'alarm') this.notify(t('app.alarm', { reason: alarmText(event.code) }), 'error');
    else if (event.type === 'message') this.#keep(event.message);
    else if (event.type === 'file') this.#files = { ...this.#files, [event.file.id]: event.file };
    else if (event.type === 'gone') this.#drop(event.conversation, new Set(event.messages));
    else if (this.state) {
      const { type, ...part } = event;
      void type;
      this.state = { ...this.state, ...part };
      if (event.type === 'circuits') this.trips = recentTrips(this.trips, event.circuits);
    }
  }

  #keep(message: MessageView): void {
    const known = this.#messages[message.conversation] ?? [];
    const at = known.findIndex((one) => one.id === message.id);
    const next = at < 0 ? [...known, message] : known.with(at, message);
    this.#messages = { ...this.#messages, [message.conversation]: next };
  }

  #drop(conversation: string, gone: Set<string>): void {
    const left = this.messages(conversation).filter((one) => !gone.has(one.id));
    this.#messages = { ...this.#messages, [conversation]: left };
    const files = Object.entries(this.#files).filter(([, file]) => !gone.has(file.message));
    this.#files = Object.fromEntries(files);
    for (const id of gone) this.#gone.add(id);
  }

  messages(conversation: string): MessageView[] {
    return this.#messages[conversation] ?? [];
  }

  /** How many of them stand before those that were shown first: by so many all places have moved. */
  earlier(conversation: string): number {
    return this.#earlier[conversation] ?? 0;
  }

  loaded(conversation: string): boolean {
    return conversation in this.#loaded;
  }

  /** Nothing for a file that is no more, and for one of a conversation whose files were not asked for. */
  file(id: string | null): FileView | undefined {
    return id === null ? undefined : this.#files[id];
  }

  filesLoaded(conversation: string): boolean {
    return conversation in this.#filesLoaded;
  }

  /** Asks for a conversation's files once; from then on events keep them true. */
  async loadFiles(conversation: string): Promise<void> {
    if (this.#filesAsked.has(conversation)) return;
    this.#filesAsked.add(conversation);
    try {
      const stored = await this.client.files(conversation);
      // Events that came meanwhile are newer than the answer.
      this.#files = { ...Object.fromEntries(stored.map((file) => [file.id, file])), ...this.#files };
      this.#filesLoaded = { ...this.#filesLoaded, [conversation]: true };
    } catch (error) {
      this.#filesAsked.delete(conversation);
      throw error;
    }
  }

  /** Asks for a conversation's messages once, the newest first; from then on events keep them true. */
  async load(conversation: string): Promise<void> {
    if (this.#asked.has(conversation)) return;
    this.#asked.add(conversation);
    try {
      const newest = await this.client.messages(conversation, { count: FIRST });
      this.#merge(conversation, newest);
      if (newest.length === FIRST) {
        const earlier = await this.#before(conversation, newest[0]);
        const shown = this.messages(conversation).length;
        this.#merge(conversation, [...earlier, ...newest]);
        const came = this.messages(conversation).length - shown;
        this.#earlier = { ...this.#earlier, [conversation]: came };
      }
      this.#loaded = { ...this.#loaded, [conversation]: true };
    } catch (error) {
      this.#asked.delete(conversation);
      throw error;
    }
  }

  /** All before `first`, which are shown at once: there is no place in them that would move. */
  async #before(conversation: string, first: MessageView | undefined): Promise<MessageView[]> {
    const parts: MessageView[][] = [];
    for (let before = first; before; before = parts[0]?.[0]) {
      const part = await this.client.messages(conversation, { count: STEP, before: before.id });
      parts.unshift(part);
      if (part.length !== STEP) break;
    }
    return parts.flat();
  }

  #merge(conversation: string, answer: MessageView[]): void {
    // Twice where all of them came, because the one before which they were asked for had gone.
    const once = new Map(answer.map((one) => [one.id, one])).values();
    const stored = [...once].filter((one) => !this.#gone.has(one.id));
    // Events that came meanwhile are newer than the answer.
    const newer = new Map(this.messages(conversation).map((one) => [one.id, one]));
    const merged = stored.map((one) => newer.get(one.id) ?? one);
    for (const one of stored) newer.delete(one.id);
    const since = stored[0] ? beginOf(stored[0]) : 0;
    const older = [...newer.values()].filter((one) => beginOf(one) < since);
    const later = [...newer.values()].filter((one) => beginOf(one) >= since);
    this.#messages = { ...this.#messages, [conversation]: [...older, ...merged, ...later] };
  }

  async send(conversation: string, text: string, replyTo: string | null): Promise<void> {
    const options = replyTo === null ? {} : { replyTo };
    this.#keepNew(await this.client.send(conversation, text, options));
  }

  async sendFile(conversation: string, content: Blob, about: FileAbout): Promise<void> {
    this.#keepNew(await this.client.sendFile(conversation, content, about));
  }

  /** The answer to `send` may come after events that already carried the message further. */
  #keepNew(message: MessageView): void {
    const known = this.messages(message.conversation).some((one) => one.id === message.id);
    if (!known && !this.#gone.has(message.id)) this.#keep(message);
  }

  notify(text: string, kind: Notice['kind'] = 'info'): void {
    if (this.notices.some((one) => one.text === text)) return;
    this.notices = [...this.notices.slice(-2), { id: ++this.#notices, text, kind }];
  }

  dismiss(id: number): void {
    this.notices = this.notices.filter((one) => one.id !== id);
  }

  /** Runs an action of the person's and says so when it fails; true when it went through. */
  async attempt(action: Promise<unknown>): Promise<boolean> {
    try {
      await action;
      return true;
    } catch (error) {
      this.notify(t('action.failed', { reason: errorText(error) }), 'error');
      return false;
    }
  }
}

export const [useStore, provideStore] = createContext<ClientStore>();
