import type { Part } from '../dictionary.ts';

/** The app as a program of the device: releases, notifications, what is shared with it. */
export const app = {
  'update.ready': 'Eine neue Version ist bereit.',
  'update.leaving': {
    one: '{count} Nachricht geht noch hinaus.',
    other: '{count} Nachrichten gehen noch hinaus.',
  },
  'update.attached': 'Du hast angehängte Dateien noch nicht gesendet.',
  'update.waits': 'Sie startet von selbst, sobald ihr nichts mehr im Weg ist.',
  'update.whenDone': 'Wenn sie hinaus sind',
  'update.whenSent': 'Wenn ich sie gesendet habe',
  'update.later': 'Später',
  'update.now': 'Jetzt',
  'update.taking': 'Wird gestartet …',

  'settings.notifications': 'Benachrichtigungen',
  'settings.notificationsMore': 'Wenn Nachrichten kommen',
  'notify.messages': 'Neue Nachrichten',
  'notify.messagesHelp':
    'Meldet „Neue Nachricht“, wenn eine kommt, während du woanders bist. Was darin steht, zeigt nur die App.',
  'notify.new': { one: 'Neue Nachricht', other: '{count} neue Nachrichten' },
  'notify.names': 'Sagen, wer geschrieben hat',
  'notify.namesHelp': 'Namen stehen dann auf dem Sperrbildschirm, wo andere sie lesen können.',
  'notify.closed': 'Nur solange Hourglass offen ist',
  'notify.closedHelp':
    'Nachrichten kommen auf dieses Gerät und zu keinem Server, der es wecken könnte. Hefte den Tab an, oder installiere Hourglass und lass es laufen.',
  'notify.denied':
    'Diesem Browser wurde verboten, Benachrichtigungen dieser Seite zu zeigen. Das änderst du in seinen eigenen Einstellungen.',
  'notify.none': 'Dieser Browser kennt keine Benachrichtigungen.',

  'share.title': 'Teilen mit',
  'share.files': { one: '{count} Datei', other: '{count} Dateien' },
  'share.nobody': 'Noch ist niemand da, mit dem du es teilen kannst.',
  'share.nothing': 'Hier ist nichts zum Teilen',
  'share.nothingMore': 'Es wurde nicht aufbewahrt. Teile es noch einmal von dort, wo es ist.',

  'release.version': 'Version',
  'release.list': 'Dateiliste',
  'release.copy': 'Kopieren',
  'release.checking': 'Die Dateien werden durchgesehen …',
  'release.right': {
    one: '{count} Datei auf diesem Gerät ist die von der Liste, die dieser Server unterschrieben hat.',
    other:
      'Alle {count} Dateien auf diesem Gerät sind die von der Liste, die dieser Server unterschrieben hat.',
  },
  'release.wrong': {
    one: 'Eine Datei auf diesem Gerät ist nicht die von der Liste: {files}. Traue diesem Programm nicht; etwas zwischen dir und dem Server könnte es verändert haben.',
    other:
      '{count} Dateien auf diesem Gerät sind nicht die von der Liste: {files}. Traue diesem Programm nicht; etwas zwischen dir und dem Server könnte es verändert haben.',
  },
  'release.unsigned':
    'Die Liste ist nicht von dem Server unterschrieben, dessen Netz du nutzt, oder es gibt noch keine Knotenliste, die seinen Schlüssel zeigt.',
  'release.more':
    'Wer diese Version selbst baut, bekommt dieselbe Liste. Frag andere nach ihrer: Gibt ein Server dir ein anderes Programm als ihnen, gibt er dir auch eine andere Liste.',
  'release.none': 'Dieser Server gibt keine Liste der Dateien des Programms.',
} satisfies Part<'one'>;
