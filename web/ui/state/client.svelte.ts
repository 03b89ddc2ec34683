import { createContext } from 'svelte';
import type { ClientApi, ClientEvent, ClientState, FileAbout, FileView, MessageView } from '#web/api.ts';
import { alarmText, t } from '../i18n/text.ts';

export type Notice = { id: number; text: string; kind: 'info' | 'error' };
export type Events = (listener: (event: ClientEvent) => void) => () => void;

/** What an error says, without the code that stands before it. */
function sentence(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('message' in error)) return String(error);
  const message = String(error.message);
  const code = 'code' in error ? `${String(error.code)}: ` : '';
  return message.startsWith(code) ? message.slice(code.length) : message;
}

/** What the core says, and nothing else: a snapshot that its events keep true. */
export class ClientStore {
  readonly client: ClientApi;
  state = $state.raw<ClientState | null>(null);
  /** Set when the core could not even say how it is. */
  failure = $state.raw<string | null>(null);
  notices = $state.raw<Notice[]>([]);
  #messages = $state.raw<Record<string, MessageView[]>>({});
  #loaded = $state.raw<Record<string, true>>({});
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
      (state) => (this.state = state),
      (error: unknown) => (this.failure = sentence(error)),
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

  async load(conversation: string): Promise<void> {
    const answer = await this.client.messages(conversation);
    const stored = answer.filter((one) => !this.#gone.has(one.id));
    // Events that came meanwhile are newer than the answer.
    const newer = new Map(this.messages(conversation).map((one) => [one.id, one]));
    const merged = stored.map((one) => newer.get(one.id) ?? one);
    const ids = new Set(stored.map((one) => one.id));
    for (const one of newer.values()) if (!ids.has(one.id)) merged.push(one);
    this.#messages = { ...this.#messages, [conversation]: merged };
    this.#loaded = { ...this.#loaded, [conversation]: true };
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
      this.notify(t('action.failed', { reason: sentence(error) }), 'error');
      return false;
    }
  }
}

export const [useStore, provideStore] = createContext<ClientStore>();
export { sentence as errorSentence };
