import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ClientEvent, MessageView } from '#web/api.ts';
import { ClientStore } from '#web/ui/state/client.svelte.ts';
import { Drafts } from '#web/ui/state/drafts.svelte.ts';
import { FakeClient } from '#tests/support/fake-client.ts';
import { fileOf, message } from '#tests/support/fake-thread.ts';

const open = async (): Promise<{ fake: FakeClient; store: ClientStore }> => {
  const fake = new FakeClient('thread');
  const store = new ClientStore(fake.api);
  store.open(fake.events);
  await store.load('Mira');
  await store.loadFiles('Mira');
  return { fake, store };
};

describe('the store of the page', () => {
  it('drops what is gone, with its file, and no late answer brings it back', async () => {
    const { fake, store } = await open();
    const with_ = store.messages('Mira').find((one) => one.file !== null)!;
    const count = store.messages('Mira').length;
    fake.emit({ type: 'gone', conversation: 'Mira', messages: [with_.id] });
    expect(store.file(with_.file)).toBeUndefined();
    const late = new ClientStore(fake.api);
    late.open(fake.events);
    // An answer that was on its way while the message went.
    const loading = late.load('Mira');
    fake.emit({ type: 'gone', conversation: 'Mira', messages: [with_.id] });
    await loading;
    expect(store.messages('Mira')).toHaveLength(count - 1);
    expect(late.messages('Mira')).toHaveLength(count - 1);
  });

  it('takes a long conversation in parts, the newest first, and asks for it once', async () => {
    const fake = new FakeClient('long');
    const store = new ClientStore(fake.api);
    store.open(fake.events);
    const whole = (await fake.api.messages('Mira')).map(({ id }) => id);
    const asked = vi.spyOn(fake.api, 'messages');
    const loading = store.load('Mira');
    // The fake answers in the turn after the question.
    await Promise.resolve();
    await Promise.resolve();
    expect(store.messages('Mira').map(({ id }) => id)).toEqual(whole.slice(-200));
    expect(store.loaded('Mira')).toBe(false);
    // One that is changed before it was asked for, one that comes, and one that goes.
    fake.thread.change(whole[5]!, { state: 'failed' });
    const { id } = await fake.api.send('Mira', 'meanwhile');
    fake.emit({ type: 'gone', conversation: 'Mira', messages: [whole[6]!] });
    await loading;
    expect(store.loaded('Mira')).toBe(true);
    expect(store.messages('Mira').map((one) => one.id)).toEqual([...whole.toSpliced(6, 1), id]);
    expect(store.messages('Mira')[5]?.state).toBe('failed');
    expect(store.earlier('Mira')).toBe(whole.length - 200 - 2);
    for (const [, part] of asked.mock.calls) expect(part?.count).toBeLessThanOrEqual(1000);
    asked.mockClear();
    await store.load('Mira');
    expect(asked).not.toHaveBeenCalled();
  });

  it('takes all messages where the one before which they are asked for is no more', async () => {
    const fake = new FakeClient('long');
    const store = new ClientStore(fake.api);
    const whole = await fake.api.messages('Mira');
    vi.spyOn(fake.api, 'messages').mockImplementation(async (_, part) =>
      Promise.resolve(part?.before === undefined ? whole.slice(-200) : whole),
    );
    await store.load('Mira');
    expect(store.messages('Mira')).toEqual(whole);
  });

  it('keeps files true by their events, over an older answer', async () => {
    const fake = new FakeClient('thread');
    const store = new ClientStore(fake.api);
    store.open(fake.events);
    const loading = store.loadFiles('Mira');
    fake.thread.changeFile('f-moving', { done: 1_500_000 });
    await loading;
    expect(store.file('f-moving')?.done).toBe(1_500_000);
    const late: ClientEvent = {
      type: 'file',
      file: { ...fileOf(message('Mira', true, '', 0), {}), id: 'new' },
    };
    fake.emit(late);
    expect(store.file('new')?.name).toBe('tide.pdf');
  });

  it('takes the answer of send only where no event was faster', async () => {
    const { fake, store } = await open();
    const sent: MessageView[] = [];
    const { send } = fake.api;
    vi.spyOn(fake.api, 'send').mockImplementation(async (...args) => {
      const one = await send(...args);
      sent.push(one);
      fake.thread.change(one.id, { state: 'delivered' });
      return one;
    });
    await store.send('Mira', 'hello', null);
    expect(store.messages('Mira').filter((one) => one.id === sent[0]?.id)).toMatchObject([
      { state: 'delivered' },
    ]);
  });
});

describe('drafts', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  const written = async () => {
    const { fake, store } = await open();
    const save = vi.spyOn(fake.api, 'saveDraft');
    const drafts = new Drafts(store);
    const mira = fake.state.conversations.find((one) => one.id === 'Mira')!;
    return { save, drafts, mira };
  };

  it('are kept once soon after the last change', async () => {
    const { save, drafts, mira } = await written();
    drafts.write('Mira', 'hal');
    vi.advanceTimersByTime(300);
    drafts.write('Mira', 'half');
    vi.advanceTimersByTime(300);
    expect(save).not.toHaveBeenCalled();
    vi.advanceTimersByTime(200);
    expect(save.mock.calls).toEqual([['Mira', 'half']]);
    expect(drafts.text(mira)).toBe('half');
  });

  it('are kept at once when the tab may end, and only then not again', async () => {
    const { save, drafts } = await written();
    drafts.write('Mira', 'half');
    void drafts.flush();
    vi.advanceTimersByTime(10_000);
    expect(save.mock.calls).toEqual([['Mira', 'half']]);
  });

  it('stay kept while they are being sent, until that is settled', async () => {
    const { save, drafts, mira } = await written();
    drafts.write('Mira', 'half');
    drafts.hide('Mira');
    expect(drafts.text(mira)).toBe('');
    vi.advanceTimersByTime(10_000);
    expect(save.mock.calls).toEqual([['Mira', 'half']]);
    drafts.settle('Mira');
    expect(save.mock.calls.at(-1)).toEqual(['Mira', '']);
  });

  it('are those of the core until something is written here', async () => {
    const { drafts, mira } = await written();
    expect(drafts.text({ ...mira, draft: 'from before' })).toBe('from before');
    drafts.write('Mira', '');
    expect(drafts.text({ ...mira, draft: 'from before' })).toBe('');
  });
});
