import type { Part } from '../dictionary.ts';

/** Settings, and all that keeps the data or gets rid of it. */
export const keeping = {
  'action.cancel': 'Abbrechen',
  'settings.sections': 'Bereiche der Einstellungen',
  'settings.back': 'Alle Einstellungen',
  'settings.privacy': 'Privatsphäre',
  'settings.storage': 'Speicher und App-Sperre',
  'settings.backup': 'Sicherung',
  'settings.about': 'Über Hourglass',
  'settings.profileMore': 'Name, Bild, Nutzername',
  'settings.privacyMore': 'Gesehen, Blockierte, Einladungen',
  'settings.storageMore': 'Passphrase, Platz, Löschen',
  'settings.backupMore': 'Wiederherstellungsphrase, Kopien',
  'settings.networkMore': 'Weiterleiten für andere',
  'settings.appearanceMore': 'Aussehen, Sprache, Tastatur',
  'settings.aboutMore': 'Was das hier ist und von wem',
  'about.text':
    'Ein anonymer Messenger in einem Browser-Tab. Es gibt keine Konten; jeder offene Tab reicht versiegelte Nachrichten für die anderen weiter.',
  'about.licence': 'Freie Software unter AGPL-3.0-or-later, ohne jede Gewährleistung.',
  'about.server':
    'Diese App kam von {server}. Wer diesen Server betreibt, entscheidet, welches Programm du bekommst.',

  'profile.picture': 'Bild',
  'profile.pictureHelp':
    'Nur Kontakte sehen es. Es wird hier quadratisch zugeschnitten und verkleinert; dabei verschwindet auch, wo und wann es aufgenommen wurde.',
  'profile.choose': 'Bild wählen',
  'profile.change': 'Ändern',
  'profile.removePicture': 'Entfernen',
  'profile.notPicture': 'Diese Datei ließ sich nicht als Bild lesen.',
  'profile.handle': 'Nutzername',
  'profile.handleHelp':
    'Mit einem Nutzernamen kann dich jeder finden und um Kontakt bitten; ohne ihn nur, wen du einlädst. Der Server kennt den Namen und wohin er führt, und merkt, dass nach ihm gefragt wird, aber nicht, von wem. Nimm einen, den du sonst nirgends benutzt.',
  'profile.handleHave': 'Du bist zu finden als @{name}.',
  'profile.handleTake': 'Nehmen',
  'profile.handleTaking': 'Wird genommen …',
  'profile.handleGive': 'Aufgeben',
  'profile.handleGiveTitle': '@{name} aufgeben?',
  'profile.handleGiveText':
    'Danach kann jeder den Namen nehmen und wird von denen, die ihn kennen, für dich gehalten.',
  'profile.handleLabel': 'Nutzername, ohne @',

  'privacy.receipts': 'Sagen, was du gesehen hast',
  'privacy.receiptsHelp':
    'Kontakte, die es auch sagen, erfahren, wann du ihre Nachrichten gesehen hast, und du erfährst es von deinen. Aus: weder noch.',
  'privacy.hideAddress': 'Meine IP-Adresse vor Nachbarn verbergen',
  'privacy.hideAddressHelp':
    'Alle deine Verbindungen gehen dann über den TURN-Server derer, die diesen Server betreiben; sie sehen stattdessen deine Adresse. Nachrichten brauchen länger, und bestehende Verbindungen werden neu aufgebaut.',
  'privacy.hideAddressNone':
    'Dieser Server bietet keinen TURN-Server an, deshalb lässt sich das nicht einschalten.',
  'privacy.blocked': 'Blockierte Kontakte',
  'privacy.blockedNone': 'Du hast niemanden blockiert.',
  'privacy.unblockNamed': '{name} nicht mehr blockieren',
  'privacy.invites': 'Offene Einladungen',
  'privacy.invitesHelp': 'Links, mit denen dich noch jemand um Kontakt bitten kann.',
  'privacy.invitesShow': 'Offene Einladungen zeigen',

  'storage.space': 'Auf diesem Gerät',
  'storage.used': '{used} belegt; der Browser gäbe bis zu {most}.',
  'storage.usedOnly': '{used} belegt.',
  'storage.unknown': 'Dieser Browser sagt nicht, wie viel belegt ist.',
  'storage.persisted': 'Der Browser hat versprochen, es zu behalten',
  'storage.persistedMore': 'Es verschwindet nur, wenn du es löschst oder die Daten dieser Seite entfernst.',
  'storage.notPersisted': 'Der Browser darf es löschen',
  'storage.notPersistedMore':
    'Wenn der Platz knapp wird oder nach Wochen ohne Besuch (Safari: 7 Tage) kann er entfernen, was diese Seite speichert. Eine Sicherung bringt es zurück.',
  'storage.persist': 'Browser bitten, es zu behalten',
  'storage.refused':
    'Der Browser hat es nicht versprochen. Manche tun es nur bei Seiten, die installiert sind oder oft besucht werden.',

  'keys.lock': 'Sperren, wenn es eine App-Sperre gibt',
  'lock.section': 'App-Sperre',
  'lock.off': 'Keine App-Sperre',
  'lock.offMore': 'Wer dieses Browserprofil öffnen kann, kann auch Hourglass öffnen.',
  'lock.on': 'Öffnet nur mit Passphrase',
  'lock.onMore':
    'Was hier gespeichert ist, ist mit deiner Passphrase versiegelt, solange Hourglass gesperrt oder geschlossen ist.',
  'lock.set': 'Passphrase festlegen',
  'lock.change': 'Passphrase ändern',
  'lock.remove': 'Sperre entfernen',
  'lock.removeTitle': 'App-Sperre entfernen?',
  'lock.removeText':
    'Hourglass öffnet sich dann ohne Passphrase für alle, die dieses Browserprofil öffnen können.',
  'lock.now': 'Jetzt sperren',
  'lock.passphrase': 'Passphrase',
  'lock.newPassphrase': 'Neue Passphrase',
  'lock.again': 'Noch einmal dieselbe',
  'lock.show': 'Zeigen',
  'lock.hide': 'Verbergen',
  'lock.differ': 'Die beiden sind nicht gleich.',
  'lock.warning':
    'Niemand kann sie zurücksetzen. Vergisst du sie, ist alles auf diesem Gerät verloren, bis auf das, was eine Sicherung und deine Wiederherstellungsphrase zurückbringen.',
  'lock.save': 'Mit dieser Passphrase sperren',
  'lock.saving': 'Gespeichertes wird versiegelt …',
  'lock.done': 'Von jetzt an öffnet sich Hourglass nur mit dieser Passphrase.',
  'lock.removed': 'Die App-Sperre ist aus.',
  'lock.strength.none':
    'Mehrere Wörter, die nichts miteinander zu tun haben, sind schwer zu erraten und leicht zu behalten.',
  'lock.strength.short': 'Zu kurz: Es müssen mindestens {least} Zeichen sein.',
  'lock.strength.weak':
    'Schwach: In Minuten erraten von allen, die eine Kopie des Speichers haben. Nimm mehr Wörter.',
  'lock.strength.fair': 'Mittel: Hält Neugierige ab, aber niemanden mit vielen Rechnern.',
  'lock.strength.good': 'Gut: Das errät in Jahren niemand.',
  'lock.title': 'Gesperrt',
  'lock.lead':
    'Deine Passphrase öffnet, was hier gespeichert ist. Vorher wird nichts gesendet oder empfangen.',
  'lock.open': 'Öffnen',
  'lock.opening': 'Wird geöffnet …',
  'lock.wrong': 'Das ist nicht die Passphrase.',
  'lock.wait': {
    one: 'Versuche es in {count} Sekunde wieder.',
    other: 'Versuche es in {count} Sekunden wieder.',
  },
  'lock.forgot': 'Vergessen?',
  'lock.forgotMore':
    'Niemand kann sie zurücksetzen. Mit einer Sicherung und deiner Wiederherstellungsphrase kannst du neu anfangen: Lösche, was hier ist, und wähle dann „Ich habe eine Sicherung“.',

  'phrase.section': 'Wieder\u00adherstellungs\u00adphrase',
  'phrase.kept': 'Aufgeschrieben',
  'phrase.notKept': 'Noch nicht aufgeschrieben',
  'phrase.help':
    'Zwölf Wörter, die deine Sicherungen auf jedem Gerät öffnen. Niemand sonst hat sie: Ohne die Wörter öffnet sich keine Sicherung.',
  'phrase.show': 'Wörter zeigen',
  'phrase.showAgain': 'Noch einmal zeigen',
  'phrase.title': 'Deine Wiederherstellungsphrase',
  'phrase.lead':
    'Schreib diese zwölf Wörter in dieser Reihenfolge auf Papier. Kein Bild vom Bildschirm, keine Notizen-App.',
  'phrase.privately': 'Sieh dich erst um: Wer sie liest, kann deine Sicherungen öffnen.',
  'phrase.reading': 'Die Wörter werden geholt …',
  'phrase.written': 'Ich habe sie aufgeschrieben',
  'phrase.checkLead': 'Jetzt von deinem Papier: drei der Wörter.',
  'phrase.word': 'Wort {at}',
  'phrase.check': 'Prüfen',
  'phrase.wrong': 'Nicht alle drei stimmen. Sieh noch einmal auf dein Papier.',
  'phrase.back': 'Zurück zu den Wörtern',
  'phrase.done': 'Gut: Mit diesen Wörtern lassen sich deine Sicherungen öffnen.',

  'backup.file': 'Sicherungsdatei',
  'backup.fileHelp':
    'Eine verschlüsselte Kopie von allem: Kontakte, Gruppen, Nachrichten und was du verglichen hast. Bewahre sie auf, wo du willst; ohne die Wörter ist sie nur Rauschen.',
  'backup.save': 'Sicherungsdatei speichern',
  'backup.saving': 'Wird erstellt …',
  'backup.saved':
    'Gespeichert, {size}. Öffne sie einmal mit den Wörtern von deinem Papier, um sicher zu sein.',
  'backup.test': 'Sicherung testen',
  'backup.testTitle': 'Sicherung testen',
  'backup.testLead':
    'Nichts wird verändert: Du siehst nur, ob deine Datei und deine Wörter öffnen und was darin ist.',
  'backup.needsPhrase':
    'Schreib zuerst deine Wiederherstellungsphrase auf: Ohne sie öffnet sich keine Sicherung.',
  'backup.server': 'Kopie beim Server',
  'backup.serverHelp':
    'Hält eine versiegelte Kopie beim Server, die sich mit jeder Änderung erneuert, höchstens 16 MiB. Allein mit den Wörtern kannst du auf jedem Gerät neu anfangen. Der Server sieht ihre Größe und wann sie sich ändert, nicht, wem sie gehört.',
  'backup.serverOff': 'Aus',
  'backup.serverNever': 'An. Noch keine Kopie gemacht.',
  'backup.serverLast': 'Letzte Kopie {time}, {size}.',
  'backup.serverFull': 'Die Kopie ist voll: Die ältesten Nachrichten oder Dateien sind nicht darin.',
  'backup.serverError': 'Die letzte Kopie ist gescheitert: {reason}.',
  'backup.move': 'In einen anderen Browser umziehen',
  'backup.move1':
    'Speichere hier eine Sicherungsdatei und bring sie hinüber, oder schalte die Kopie beim Server ein.',
  'backup.move2': 'Öffne dort Hourglass und wähle „Ich habe eine Sicherung“.',
  'backup.move3':
    'Wenn deine Chats dort sind, lösche hier alles: Zwei Browser können nicht zugleich du sein.',

  'words.label': 'Die zwölf Wörter deiner Wiederherstellungsphrase',
  'words.help': 'Du kannst alle in das erste Feld einfügen.',
  'words.word': 'Wort {at}',
  'restore.have': 'Ich habe eine Sicherung',
  'restore.title': 'Mit einer Sicherung neu anfangen',
  'restore.lead':
    'Deine Kontakte, Gruppen und Nachrichten kommen so zurück, wie sie bei der Sicherung waren.',
  'restore.from': 'Wo ist sie?',
  'restore.fromFile': 'In einer Datei',
  'restore.fromServer': 'Beim Server',
  'restore.fromServerMore': 'Die Wörter allein finden und öffnen sie.',
  'restore.choose': 'Sicherungsdatei',
  'restore.look': 'Hineinsehen',
  'restore.looking': 'Wird geöffnet …',
  'restore.contents': 'Sie lässt sich öffnen. Darin ist:',
  'restore.made': 'Erstellt',
  'restore.name': 'Name',
  'restore.contacts': { one: '{count} Kontakt', other: '{count} Kontakte' },
  'restore.groups': { one: '{count} Gruppe', other: '{count} Gruppen' },
  'restore.messages': { one: '{count} Nachricht', other: '{count} Nachrichten' },
  'restore.go': 'Einspielen',
  'restore.going': 'Wird eingespielt …',
  'restore.goMore':
    'Schließe Hourglass in dem Browser, aus dem sie stammt: Zwei Browser können nicht zugleich du sein.',
  'restore.back': 'Zurück',

  'erase.section': 'Alles löschen',
  'erase.help':
    'Entfernt von diesem Gerät, wer du bist, deine Kontakte und alle Nachrichten. Auch was der Server für dich aufbewahrt, verschwindet, wenn er erreichbar ist: die Kopie, dein Nutzername, der Weg zu dir.',
  'erase.open': 'Alles löschen …',
  'erase.title': 'Alles auf diesem Gerät löschen?',
  'erase.text':
    'Das lässt sich nicht rückgängig machen. Deine Kontakte behalten, was du ihnen gesendet hast, und merken nichts davon. Eine Sicherungsdatei, die du anderswo gespeichert hast, bleibt, wo sie ist.',
  'erase.hold': 'Zum Löschen zwei Sekunden halten',
  'erase.holding': 'Weiter halten …',
  'erase.again': 'Noch einmal drücken, um alles zu löschen',
  'erase.working': 'Wird gelöscht …',

  'moved.title': 'Du machst in einem anderen Browser weiter.',
  'moved.more':
    'Dort wurde eine Sicherung eingespielt, deshalb wird hier nichts mehr gesendet oder empfangen. Lesen kannst du noch.',
  'moved.erase': 'Hier löschen',

  'checklist.title': 'Du hast jetzt etwas zu verlieren',
  'checklist.phrase': 'Wiederherstellungsphrase aufschreiben',
  'checklist.lock': 'Mit einer Passphrase sperren',
  'checklist.keep': 'Browser bitten, es zu behalten',
  'checklist.install': 'Als App installieren',
  'checklist.show': 'Zeigen',
  'checklist.done': 'erledigt',
  'checklist.dismiss': 'Diese Liste ausblenden. In den Einstellungen bleibt sie.',
  'checklist.left': '{done} von {all} erledigt',
} satisfies Part<'one'>;
