import type { FileView, MessageView } from '#web/api.ts';
import { t } from '../i18n/text.ts';
import { fileTitle } from './files.ts';
import { lengthText } from './lengths.ts';
import { authorOf, type People } from './people.ts';

/** What happened in a conversation that nobody wrote, as a sentence. */
export function eventText(message: MessageView, people: People): string {
  const { event } = message;
  const who = people(authorOf(message));
  const mine = who === t('people.you');
  // In a group, who made a change known need not be who made it.
  const told = message.mine || message.author !== null;
  switch (event?.type) {
    case undefined:
      return '';
    case 'created':
    case 'left':
      return mine ? t(`event.${event.type}Mine`) : t(`event.${event.type}`, { who });
    case 'added':
    case 'removed': {
      const known = people(event.member);
      // Who is in no list any more still has the name that they came or went by.
      const member = known === t('people.former') && event.name ? event.name : known;
      const self = member === t('people.you');
      if (!told) return self ? t(`event.${event.type}You`) : t(`event.${event.type}Passive`, { member });
      if (mine) return t(`event.${event.type}Mine`, { member });
      return self ? t(`event.${event.type}YouBy`, { who }) : t(`event.${event.type}`, { who, member });
    }
    case 'renamed':
      if (!told) return t('event.named', { name: event.name });
      return mine
        ? t('event.renamedMine', { name: event.name })
        : t('event.renamed', { who, name: event.name });
    case 'timer':
      if (event.ms === undefined) return mine ? t('event.timerOffMine') : t('event.timerOff', { who });
      return mine
        ? t('event.timerMine', { time: lengthText(event.ms) })
        : t('event.timer', { who, time: lengthText(event.ms) });
    case 'key-changed':
      return mine ? t('event.keyChangedMine') : t('event.keyChanged', { who });
  }
}

/** A message in one line, for lists, quotes and search: its text, or what stands for it. */
export function lineOf(message: MessageView, file: FileView | undefined, people: People): string {
  if (message.deleted) return t(message.mine ? 'message.deletedMine' : 'message.deleted');
  if (message.event) return eventText(message, people);
  const text = message.text.replace(/\s+/g, ' ').trim();
  if (message.file === null) return text;
  return text ? `${fileTitle(file)} · ${text}` : fileTitle(file);
}

/** A part of a text, and whether it is what was looked for. */
export type Part = { text: string; hit: boolean };

/** The text around the first place where `query` stands in it, that place told apart. */
export function aroundHit(text: string, query: string, before = 32): Part[] {
  const wanted = query.trim();
  const at = wanted === '' ? -1 : text.toLocaleLowerCase().indexOf(wanted.toLocaleLowerCase());
  if (at < 0) return [{ text, hit: false }];
  const from = at <= before ? 0 : at - before;
  return [
    { text: (from > 0 ? '…' : '') + text.slice(from, at), hit: false },
    { text: text.slice(at, at + wanted.length), hit: true },
    { text: text.slice(at + wanted.length), hit: false },
  ].filter((part) => part.text !== '');
}
