/** Messages and files of the fake client: what stands in its threads, and the commands that change it. */
import type {
  ClientApi,
  ClientEvent,
  ConversationView,
  FileAbout,
  FileView,
  MessageState,
  MessageView,
} from '#web/api.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const ladder: MessageState[] = ['queued', 'sending', 'delivered', 'read'];
/** How long a step of a message or file takes. */
const STEP_MS = 150;

/** A small JPEG in ink and sand, made for this, of 48 × 30 pixels. */
const previewJpeg = Uint8Array.from(
  atob(
    '/9j/4AAQSkZJRgABAQAAAQABAAD/4gHYSUNDX1BST0ZJTEUAAQEAAAHIAAAAAAQwAABtbnRyUkdCIFhZWiAH4AABAAEAAAAAAABh' +
      'Y3NwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAQAA9tYAAQAAAADTLQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' +
      'AAAAAAAAAAAAAAAAAAAAAAAAAAlkZXNjAAAA8AAAACRyWFlaAAABFAAAABRnWFlaAAABKAAAABRiWFlaAAABPAAAABR3dHB0AAAB' +
      'UAAAABRyVFJDAAABZAAAAChnVFJDAAABZAAAAChiVFJDAAABZAAAAChjcHJ0AAABjAAAADxtbHVjAAAAAAAAAAEAAAAMZW5VUwAA' +
      'AAgAAAAcAHMAUgBHAEJYWVogAAAAAAAAb6IAADj1AAADkFhZWiAAAAAAAABimQAAt4UAABjaWFlaIAAAAAAAACSgAAAPhAAAts9Y' +
      'WVogAAAAAAAA9tYAAQAAAADTLXBhcmEAAAAAAAQAAAACZmYAAPKnAAANWQAAE9AAAApbAAAAAAAAAABtbHVjAAAAAAAAAAEAAAAM' +
      'ZW5VUwAAACAAAAAcAEcAbwBvAGcAbABlACAASQBuAGMALgAgADIAMAAxADb/2wBDAA0JCgsKCA0LCgsODg0PEyAVExISEyccHhcg' +
      'LikxMC4pLSwzOko+MzZGNywtQFdBRkxOUlNSMj5aYVpQYEpRUk//2wBDAQ4ODhMREyYVFSZPNS01T09PT09PT09PT09PT09PT09P' +
      'T09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT0//wAARCAAeADADASIAAhEBAxEB/8QAGQAAAwEBAQAAAAAAAAAAAAAAAAUG' +
      'AwQC/8QALBAAAQMBBgUCBwAAAAAAAAAAAQACAwQFERMUUWESIVST0QYxFSJBUlOSsf/EABgBAQEBAQEAAAAAAAAAAAAAAAACAQMF' +
      '/8QAIREBAAEDAwUBAAAAAAAAAAAAAQACETEEEhMDFEFRUpH/2gAMAwEAAhEDEQA/AFeR2RkdlRTwwUzA+oljiYTcHSODRfpzWGPZ' +
      'vX0neb5UGrXEvhIkyOyMjsnePZvX0neb5XfR0EVRLF8wMT+Yc03gi6/kU7tMxwklcjsjI7K5rrIpWU5fCwtc0j6k3pZkdkdYmYOj' +
      'eSM9o1FSwMqZTMwG8NkAcAdeaX0LmCEh0cbjxe7mA6arHFK8xu4G3DVdyxgnnhVZuxjxx/hh7TfC64rYrYWsbFVSMawANDTcAB7A' +
      'BJcUoxSiUuSTtrPMoJvUdqTgCSsfcPtAb/AsvjVf1cv7JJilGKVm2j1NtX9P7P/Z',
  ),
  (letter) => letter.charCodeAt(0),
);

export const bareMessage = {
  ...{ author: null, event: null, file: null, replyTo: null, reactions: [], deleted: false },
  ...{ expiresAt: null, deliveredTo: [], readBy: [] },
} satisfies Partial<MessageView>;

let made = 0;
/** One that was sent so long ago, in ms. */
export function message(
  conversation: string,
  mine: boolean,
  text: string,
  ago: number,
  rest: Partial<MessageView> = {},
): MessageView {
  const sentAt = Date.now() - ago;
  const state = rest.state ?? 'delivered';
  const passed: MessageState[] =
    state === 'failed'
      ? ['queued', 'sending', 'failed']
      : state === 'stored'
        ? ['queued', 'sending', 'stored']
        : ladder.slice(0, ladder.indexOf(state) + 1);
  const timeline = passed.map((step, i) => ({ state: step, at: sentAt + i * 700 }));
  return {
    ...bareMessage,
    ...{ id: `m${++made}`, conversation, mine, text, sentAt, state, reason: null, timeline },
    ...rest,
  };
}

export function fileOf(of: MessageView, rest: Partial<FileView>): FileView {
  return {
    ...{ id: of.file ?? '', message: of.id, conversation: of.conversation, name: 'tide.pdf' },
    ...{ type: 'application/pdf', size: 1_900_000, preview: null, voice: null },
    ...{ state: 'done', done: 1_900_000, reason: null },
    ...rest,
  };
}

const peaks = Array.from({ length: 64 }, (_, i) =>
  Math.round(128 + 110 * Math.sin(i / 2.3) * Math.cos(i / 7)),
);

/** What the mock-ups show, and what waits. */
function busyMessages(): MessageView[] {
  return [
    message('Kestrel', false, 'the coast road is closed again', 25 * hour),
    message('Kestrel', false, 'the second route is quicker', 27 * minute),
    message('Mira', false, 'Are you still on for tomorrow?', 26 * hour),
    message('Mira', true, 'Yes. I will bring the map.', 25.9 * hour),
    message('Mira', false, 'Did the map come through last night?', 22 * minute),
    message('Mira', false, 'Ferry moved to 06:40.', 21 * minute),
    message('Mira', true, 'It did. Both pages, took eleven seconds.', 3 * minute),
    message('Mira', true, 'See you at the pier then.', 2 * minute),
    message('Mira', true, 'I will be the one with the green umbrella.', 1500, { state: 'sending' }),
    message('Ondine', true, 'Here is the first one, from a place without a name.', 9 * minute, {
      state: 'queued',
      reason: 'contact',
    }),
    message('Juniper', true, 'Can you read this?', 4 * day, { state: 'failed', reason: 'timeout' }),
  ];
}

const others = (): Kept => ({
  messages: busyMessages().filter((one) => one.conversation !== 'Mira'),
  files: [],
});

type Kept = { messages: MessageView[]; files: FileView[] };

/** Every kind of message with Mira, and a group of five. */
function everyKind(): Kept {
  const question = message('Mira', false, 'Did the map come through last night?', 50 * minute);
  const answer = message('Mira', true, 'It did. Both pages, took eleven seconds.', 47 * minute, {
    replyTo: question.id,
    state: 'read',
    reactions: [
      { by: 'Mira', emoji: '👍' },
      { by: null, emoji: '🌊' },
    ],
  });
  const picture = message('Mira', false, '', 40 * minute, {
    file: 'f-picture',
    reactions: [
      { by: null, emoji: '❤️' },
      { by: 'Mira', emoji: '❤️' },
    ],
  });
  const offered = message('Mira', false, '', 38 * minute, { file: 'f-offered' });
  const voice = message('Mira', false, '', 36 * minute, { file: 'f-voice' });
  const gone = message('Mira', false, '', 30 * minute, { deleted: true });
  const timer = message('Mira', true, '', 28 * minute, { event: { type: 'timer', member: null, ms: day } });
  const moving = message('Mira', true, '', 12 * minute, { file: 'f-moving', state: 'sending' });
  const paused = message('Mira', true, '', 11 * minute, { file: 'f-paused', state: 'stored' });
  const failed = message('Mira', true, 'See you at the pier then.', 3 * minute, {
    state: 'failed',
    reason: 'timeout',
  });
  const ending = message('Mira', true, 'This one is for today only.', 6 * minute, {
    expiresAt: Date.now() + 13.4 * hour,
    state: 'stored',
    replyTo: picture.id,
  });
  return {
    messages: [question, answer, picture, offered, voice, gone, timer, moving, paused, ending, failed],
    files: [
      fileOf(picture, { name: 'pier.jpg', type: 'image/jpeg', size: 48_200, preview: previewJpeg }),
      fileOf(offered, { name: 'ferry-times-november-2026-both-directions.xlsx', state: 'offered', done: 0 }),
      fileOf(voice, {
        name: 'voice-note.webm',
        type: 'audio/webm',
        size: 41_000,
        voice: { durationMs: 14_300, peaks },
      }),
      fileOf(moving, { state: 'moving', done: 1_200_000 }),
      fileOf(paused, { name: 'coast.zip', size: 64_000_000, done: 9_200_000, state: 'paused' }),
      ...groupKind().files,
    ],
  };
}

export const circle = 'circle';
const members = [
  ['me', 'Alder', true],
  ['Mira', 'Mira', false],
  ['Kestrel', 'Kestrel', false],
  ['Ondine', 'Ondine', false],
  ['Juniper', 'Juniper', false],
  ['Sorrel', 'Sorrel', false],
] as const;

export const circleView = (base: ConversationView): ConversationView => ({
  ...base,
  ...{ id: circle, kind: 'group', name: 'Reading circle', address: '', reachable: true, waiting: null },
  members: members.map(([id, name, self]) => ({ id, name, self })),
});

function groupKind(): Kept {
  const from = (author: string, text: string, ago: number, rest: Partial<MessageView> = {}): MessageView =>
    message(circle, false, text, ago, { author, ...rest });
  const event = (event: MessageView['event'], ago: number, author: string | null): MessageView =>
    message(circle, author === null, '', ago, { author, event });
  const chapter = from('Kestrel', 'Chapter nine is the one with the lighthouse, isn’t it?', 3 * hour);
  return {
    files: [],
    messages: [
      event({ type: 'created', member: null }, 2 * day, null),
      event({ type: 'added', member: 'Sorrel', name: 'Sorrel' }, 2 * day - minute, null),
      event({ type: 'renamed', member: null, name: 'Reading circle' }, 1.9 * day, 'Mira'),
      event({ type: 'removed', member: 'Fenn', name: 'Fenn' }, 1.8 * day, 'Mira'),
      event({ type: 'left', member: null }, 1.7 * day, 'Briar'),
      chapter,
      from('Kestrel', 'I read it on the train.', 3 * hour - minute),
      from('Mira', 'It is. I would start one page earlier.', 2.9 * hour, {
        replyTo: chapter.id,
        reactions: [
          { by: 'Kestrel', emoji: '👍' },
          { by: 'Sorrel', emoji: '👍' },
          { by: null, emoji: '👍' },
          { by: 'Ondine', emoji: '😂' },
        ],
      }),
      message(circle, true, 'Then let us meet on Thursday.', 20 * minute, {
        deliveredTo: ['Mira', 'Kestrel', 'Juniper', 'Sorrel'],
        readBy: ['Mira', 'Sorrel'],
        state: 'sending',
      }),
    ],
  };
}

type Host = {
  readonly state: { conversations: ConversationView[] };
  emit(event: ClientEvent): void;
  conversations(change: (all: ConversationView[]) => ConversationView[]): void;
};

/** One conversation of 10,000 messages, of one line or of several. */
const longMessages = (): MessageView[] =>
  Array.from({ length: 10_000 }, (_, n) =>
    message(
      'Mira',
      n % 3 === 0,
      `Message ${String(n + 1)}.${' The tide comes in twice a day.'.repeat((n * 7) % 5)}`,
      (10_000 - n) * 4 * minute,
    ),
  );

export class FakeThread {
  readonly #host: Host;
  #messages: MessageView[] = [];
  #files: FileView[] = [];
  readonly #contents = new Map<string, Blob>();

  constructor(host: Host, scene: string) {
    this.#host = host;
    if (host.state.conversations.length === 0) return;
    const kinds =
      scene === 'thread'
        ? [others(), everyKind(), groupKind()]
        : [{ messages: scene === 'long' ? longMessages() : busyMessages(), files: [] }];
    this.#messages = kinds.flatMap(({ messages }) => messages);
    this.#files = kinds.flatMap(({ files }) => files);
    for (const file of this.#files)
      if (file.type === 'image/jpeg') this.#contents.set(file.id, new Blob([previewJpeg]));
  }

  last(conversation: string): MessageView | null {
    return this.#messages.findLast((one) => one.conversation === conversation) ?? null;
  }

  /** Changes a message and tells of it. */
  change(id: string, part: Partial<MessageView>): void {
    const at = this.#messages.findIndex((one) => one.id === id);
    if (at < 0) return;
    const next = { ...this.#messages[at]!, ...part };
    this.#messages[at] = next;
    this.#host.emit({ type: 'message', message: next });
    this.#host.conversations((all) => all);
  }

  /** One more message, of either side. */
  add(made: MessageView): MessageView {
    this.#messages.push(made);
    this.#host.emit({ type: 'message', message: made });
    this.#host.conversations((all) => all);
    return made;
  }

  changeFile(id: string, part: Partial<FileView>): void {
    this.#files = this.#files.map((one) => (one.id === id ? { ...one, ...part } : one));
    const file = this.#files.find((one) => one.id === id);
    if (file) this.#host.emit({ type: 'file', file });
  }

  #step(id: string, state: MessageState, reason: string | null = null): void {
    const old = this.#messages.find((one) => one.id === id);
    if (old) this.change(id, { state, reason, timeline: [...old.timeline, { state, at: Date.now() }] });
  }

  #deliver(id: string): void {
    setTimeout(() => this.#step(id, 'sending'), STEP_MS);
    setTimeout(() => this.#step(id, 'delivered'), 7 * STEP_MS);
  }

  #make(conversation: string, text: string, rest: Partial<MessageView>): MessageView {
    const to = this.#host.state.conversations.find((one) => one.id === conversation);
    const expiresAt = to?.timerMs ? Date.now() + to.timerMs : null;
    const one = message(conversation, true, text, 0, {
      state: 'queued',
      reason: to?.waiting ?? null,
      expiresAt,
    });
    this.add({ ...one, ...rest });
    if (to?.reachable) this.#deliver(one.id);
    return this.#messages.find((each) => each.id === one.id)!;
  }

  #sendFile(conversation: string, content: Blob, about: FileAbout): MessageView {
    const id = `f${++made}`;
    this.#contents.set(id, content);
    const sent = this.#make(conversation, '', { file: id });
    const file = fileOf(sent, { ...about, id, size: content.size, state: 'moving', done: 0 });
    this.#files = [...this.#files, file];
    this.#host.emit({ type: 'file', file });
    this.#move(id);
    return sent;
  }

  /** In steps of an eighth. */
  #move(id: string): void {
    const timer = setInterval(() => {
      const file = this.#files.find((one) => one.id === id);
      if (file?.state !== 'moving') return clearInterval(timer);
      const done = Math.min(file.size, file.done + Math.ceil(file.size / 8));
      this.changeFile(id, { done, state: done === file.size ? 'done' : 'moving' });
    }, 2 * STEP_MS);
  }

  #drop(id: string): void {
    const one = this.#messages.find((each) => each.id === id);
    if (!one) return;
    this.#messages = this.#messages.filter((each) => each !== one);
    this.#host.emit({ type: 'gone', conversation: one.conversation, messages: [id] });
    this.#host.conversations((all) => all);
  }

  #react(id: string, emoji: string | null): void {
    const others =
      this.#messages.find((one) => one.id === id)?.reactions.filter((one) => one.by !== null) ?? [];
    this.change(id, { reactions: emoji === null ? others : [...others, { by: null, emoji }] });
  }

  #conversation(id: string, part: Partial<ConversationView>): void {
    this.#host.conversations((all) => all.map((one) => (one.id === id ? { ...one, ...part } : one)));
  }

  commands(): Partial<ClientApi> {
    return {
      messages: async (id, part) => {
        const all = this.#messages.filter((one) => one.conversation === id);
        const at = part?.before === undefined ? -1 : all.findIndex((one) => one.id === part.before);
        const end = at < 0 ? all.length : at;
        return part ? all.slice(Math.max(0, end - part.count), end) : all;
      },
      send: async (id, text, options) => this.#make(id, text, { replyTo: options?.replyTo ?? null }),
      retry: async (id) => {
        this.#step(id, 'queued', 'circuit');
        this.#deliver(id);
      },
      react: async (id, emoji) => this.#react(id, emoji),
      deleteMessage: async (id, everywhere) => {
        if (everywhere) this.change(id, { deleted: true, text: '', file: null, reactions: [] });
        else this.#drop(id);
      },
      setTimer: async (id, ms) => {
        this.#conversation(id, { timerMs: ms });
        const event = { type: 'timer', member: null, ms: ms ?? undefined } as const;
        this.add(message(id, true, '', 0, { event }));
      },
      saveDraft: async (id, text) => this.#conversation(id, { draft: text }),
      search: async (query) =>
        this.#messages
          .filter((one) => one.text.toLowerCase().includes(query.toLowerCase()))
          .sort((a, b) => b.sentAt - a.sentAt),
      sendFile: async (id, content, about) => this.#sendFile(id, content, about),
      files: async (id) => this.#files.filter((one) => one.conversation === id),
      takeFile: async (id) => {
        this.changeFile(id, { state: 'moving' });
        this.#move(id);
      },
      cancelFile: async (id) => this.changeFile(id, { state: 'cancelled' }),
      fileContent: async (id) => this.#contents.get(id) ?? new Blob(['nothing']),
      markRead: async (id) => this.#conversation(id, { unread: 0 }),
    };
  }
}
