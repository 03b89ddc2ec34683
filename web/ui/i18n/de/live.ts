import type { Part } from '../dictionary.ts';

/** The connection check, the first screens, and what the live views say of circuits, neighbours and helping. */
export const live = {
  'check.title': 'Verbindungstest',
  'check.lead': 'Jede Zeile wird jetzt in diesem Tab ausprobiert.',
  'check.again': 'Noch einmal testen',
  'check.open': 'Verbindung testen',
  'check.openMore': 'Probiert Server, WebRTC und einen Kanal aus und sagt, was hilft, wo etwas scheitert.',
  'check.copy': 'Bericht kopieren',
  'check.copyMore': 'Der Bericht nennt keine Adresse, keinen Knoten und keine Person.',
  'check.rows': 'Was ausprobiert wurde',
  'check.state.running': 'Wird getestet …',
  'check.state.ok': 'Funktioniert',
  'check.state.warning': 'Eingeschränkt',
  'check.state.failed': 'Gescheitert',
  'check.state.none': 'Nicht eingerichtet',
  'check.summary.running': 'Wird getestet …',
  'check.summary.ok': 'Alles funktioniert.',
  'check.summary.warning': 'Es funktioniert, mit Einschränkungen.',
  'check.summary.failed': 'Etwas ist im Weg.',

  'check.server': 'Server',
  'check.server.running': 'Ein WebSocket zum Server wird geöffnet.',
  'check.server.ok': 'Über WebSocket erreicht.',
  'check.server.offline': 'Dieser Browser sagt, dass er offline ist.',
  'check.server.offlineDo': 'Verbinde dich mit einem Netz. Der Test geht von selbst weiter.',
  'check.server.failed': 'Der Server antwortet nicht über WebSocket.',
  'check.server.failedDo':
    'Sieh nach, ob andere Seiten laden. Wenn ja, ist vielleicht der Server ausgefallen, oder ein Proxy oder VPN blockiert WebSockets: Versuche es in einem anderen Netz.',
  'check.server.distrusted':
    'Der Server hat Listen unterschrieben, die sich widersprechen. Über ihn geht nichts mehr.',
  'check.server.distrustedDo': 'Sag denen Bescheid, die ihn betreiben, und nimm einen anderen Server.',

  'check.clock': 'Uhr und Knotenliste',
  'check.clock.running': 'Warten auf die Knotenliste.',
  'check.clock.ok': 'Knotenliste von {time}; die Uhren stimmen überein.',
  'check.clock.unread': 'Knotenliste von {time}; die Uhr des Servers ließ sich nicht lesen.',
  'check.clock.missing': 'Es kam keine Knotenliste.',
  'check.clock.missingDo':
    'Sie kommt, sobald der Server erreicht ist; ohne sie lässt sich kein Weg auslosen.',
  'check.clock.old': 'Die neueste Knotenliste ist von {time}.',
  'check.clock.oldDo':
    'Knoten, die seitdem dazukamen, sind hier nicht bekannt. Sie wird von selbst wieder geholt.',
  'check.clock.behind': 'Die Uhr dieses Geräts geht gegenüber der des Servers {time} nach.',
  'check.clock.ahead': 'Die Uhr dieses Geräts geht gegenüber der des Servers {time} vor.',
  'check.clock.skewDo':
    'Lass dieses Gerät seine Uhr selbst stellen; mit einer falschen scheitern Verbindungen zu Nachbarn.',

  'check.webrtc': 'Direkte Verbindungen (WebRTC)',
  'check.webrtc.running': 'Eine Verbindung von dieser Seite zu ihr selbst wird geöffnet.',
  'check.webrtc.ok': 'Eine Verbindung innerhalb dieser Seite kam zustande.',
  'check.webrtc.absent': 'Dieser Browser hat kein WebRTC oder blockiert es.',
  'check.webrtc.absentDo':
    'Verbindungen gehen so lange über den Server, versiegelt wie immer. Für direkte erlaube es in den Einstellungen des Browsers oder in der Erweiterung, die es blockiert, oder nimm einen anderen Browser.',
  'check.webrtc.failed': 'Zwei Enden innerhalb dieser Seite konnten einander nicht erreichen.',
  'check.webrtc.failedDo':
    'Vielleicht blockiert es eine Erweiterung, ein VPN oder eine Regel der Geräteverwaltung. Versuche es ohne.',

  'check.ice': 'Hilfe an Routern vorbei (STUN, TURN)',
  'check.ice.running': 'Die STUN- und TURN-Server werden gefragt.',
  'check.ice.none': 'Dieser Server nennt keinen STUN- oder TURN-Server.',
  'check.ice.noneDo': 'Tabs hinter verschiedenen Routern erreichen einander vielleicht nicht direkt.',
  'check.ice.ok': 'Geantwortet: {servers}.',
  'check.ice.silent': 'Keine Antwort: {servers}.',
  'check.ice.silentDo':
    'UDP ist in diesem Netz vielleicht blockiert. Nachbarn anderswo sind dann womöglich nicht zu erreichen.',
  'check.ice.stun': 'STUN',
  'check.ice.turn': 'TURN',
  'check.ice.both': 'STUN und TURN',

  'check.circuit': 'Nachbarn und ein Kanal',
  'check.circuit.running': 'Nachbarn werden verbunden und ein Kanal gebaut.',
  'check.circuit.barred': 'Nicht versucht: Über diesen Server geht nichts mehr.',
  'check.circuit.ok': '{neighbours}, {circuits} offen.',
  'check.circuit.few': '{neighbours}, {circuits} offen, aber nur wenige unabhängige Knoten: {count}.',
  'check.circuit.fewDo':
    'Es funktioniert, ist aber noch nicht anonym. Das ändert sich, wenn mehr Leute diese Seite öffnen.',
  'check.circuit.tooFew': {
    one: 'Ein Weg braucht {want} andere Knoten; {count} ist online.',
    other: 'Ein Weg braucht {want} andere Knoten; {count} sind online.',
  },
  'check.circuit.tooFewDo': 'Warte, oder bitte jemanden, diese Seite zu öffnen und offen zu lassen.',
  'check.circuit.alone': 'Mit keinem Nachbarn kam eine Verbindung zustande.',
  'check.circuit.aloneDo':
    'Vielleicht blockiert dieses Netz direkte Verbindungen. Versuche ein anderes, oder bitte die, die den Server betreiben, um TURN.',
  'check.circuit.unbuilt': '{neighbours}, aber noch kein Kanal.',
  'check.circuit.unbuiltDo':
    'Es wird von selbst wieder versucht. Nachrichten warten hier und gehen hinaus, sobald einer offen ist.',

  'check.report': 'Verbindungstest von Hourglass, {time}',
  'check.reportLine': '{name}: {state}. {found}',
  'check.reportBrowser': 'Browser: {browser}',
  'check.reportCounts': 'Zustand {status}, {neighbours}, {circuits}, {count} Knoten bekannt',

  'steps.label': 'Erste Schritte',
  'steps.of': 'Schritt {step} von {all}',
  'steps.back': 'Zurück',
  'steps.next': 'Weiter',
  'steps.skip': 'Gleich zu den Chats',
  'steps.done': 'Zu den Chats',
  'steps.name': 'Name',
  'steps.check': 'Verbindung',
  'steps.invite': 'Einladen',
  'steps.checkTitle': 'Ist der Weg frei?',
  'steps.checkLead':
    'Du kannst weitermachen, während der Test läuft. In den Einstellungen findest du ihn wieder.',
  'steps.inviteTitle': 'Lade eine Person ein, der du vertraust.',
  'steps.haveTitle': 'Hat dich jemand eingeladen?',

  'circuit.slowFor': 'langsam · {count} ms',
  'circuit.slowMore':
    'Antworten brauchen mehr als doppelt so lange wie auf deinen anderen Kanälen. Ein neuer Kanal ist vielleicht schneller.',
  'circuit.renewMore': 'Der alte Weg wird genutzt, bis der neue offen ist.',
  'circuit.buildMore': 'Station {hop} von {of} kommt hinzu.',
  'circuit.asList': 'Als Liste',
  'circuit.hopMs': '{role} · {state} · {count} ms',
  'circuit.keeps': 'Dieser Chat und was darin wartet, gehen weiter; andere Chats bleiben davon unberührt.',
  'circuit.whyGuard':
    'Einer von wenigen, die dieser Tab lange behält: So kann niemand einfach warten, bis du neu auslost, um am Anfang deines Weges zu stehen. Er sieht, dass du da bist, aber nicht, wohin du willst.',
  'circuit.whyMiddle':
    'Für jeden Kanal neu ausgelost. Sie kennt ihre beiden Nachbarn auf dem Weg und sonst nichts.',
  'circuit.whyExit':
    'Neu ausgelost unter den Knoten, die diese Aufgabe übernehmen. Er weiß, wo die beiden Wege sich treffen, aber nicht, dass du an diesem Ende bist.',
  'circuit.whyMeeting':
    'Der Ausgang, den {name} gewählt hat. Beide Wege enden hier; er reicht weiter, was er nicht lesen kann, und kennt euch beide nicht.',
  'circuit.whyOther':
    'Knoten, die du meidest, und zwei desselben Betreibers werden nie genommen. {name} lost eigene Stationen aus, und ihr erfahrt die des anderen nicht.',

  'network.aloneTry': {
    one: 'Nachbarn werden gesucht – Versuch {count}.',
    other: 'Nachbarn werden gesucht – Versuch {count}.',
  },
  'network.aloneNext': {
    one: 'Nachbarn werden gesucht – Versuch {count}, nächster in {time}.',
    other: 'Nachbarn werden gesucht – Versuch {count}, nächster in {time}.',
  },
  'network.serverNext': {
    one: 'Server nicht erreichbar – Versuch {count}, nächster in {time}.',
    other: 'Server nicht erreichbar – Versuch {count}, nächster in {time}.',
  },
  'network.serverTry': {
    one: 'Server nicht erreichbar – Versuch {count}.',
    other: 'Server nicht erreichbar – Versuch {count}.',
  },
  'network.seconds': '{count} s',
  'network.tryNow': 'Jetzt versuchen',
  'network.add': 'Nachbarn hinzufügen',
  'network.addNone': 'Alle bekannten Knoten sind schon Nachbarn oder gemieden.',
  'network.added': 'Verbindung zu {name} wird aufgebaut.',
  'network.limit': 'Nachbarn höchstens',
  'network.limitNone': 'So viele wie nötig',
  'network.limitMore':
    'Weniger Nachbarn schonen dieses Gerät, aber es kommt auch weniger durch, was andere brauchen. Verbindungen, auf denen Kanäle beruhen, bleiben, bis diese enden.',
  'network.aloneLead': 'Noch niemand da, dem du Sand weiterreichen kannst.',
  'network.copyId': 'Kennung von {name} kopieren',
  'network.copied': 'Die Kennung von {name} ist kopiert.',
  'network.useIn': '{role} zu {name}',
  'network.useOwn': '{role} in einem deiner Kanäle',

  'helping.titlePaused': 'Helfen ist pausiert',
  'helping.leadPaused.day': 'Das Tageslimit ist erreicht. Morgen geht es weiter.',
  'helping.leadPaused.battery': 'Dieses Gerät läuft mit Akku. Es geht weiter, sobald es am Stromnetz hängt.',
  'helping.leadPaused.metered':
    'Diese Verbindung wird nach Datenmenge bezahlt. Über eine andere geht es weiter.',
  'helping.leadPaused.hidden': 'Dieser Tab war nicht zu sehen. Gleich geht es weiter.',
  'helping.relayingPaused': 'Pausiert durch ein Limit weiter unten',
  'limits.title': 'Limits',
  'limits.lead': 'Sie gelten für das, was du für andere beförderst, nie für deine eigenen Nachrichten.',
  'limits.day': 'Pro Tag',
  'limits.rate': 'Pro Sekunde',
  'limits.none': 'Kein Limit',
  'limits.dayUsed': 'Heute {used} von {limit}',
  'limits.dayMore': 'Ist das Limit erreicht, verlässt dieser Tab die Knotenliste bis morgen.',
  'limits.rateMore':
    'Was schneller kommt, wartet hier. Bei einem niedrigen Wert kommen Prüfungen vielleicht zu spät zurück.',
  'limits.battery': 'Bei Akkubetrieb pausieren',
  'limits.metered': 'Bei getakteter Verbindung pausieren',
  'limits.visible': 'Nur solange sichtbar',
  'limits.visibleMore': 'Pausiert, wenn der Tab eine Minute lang nicht zu sehen war.',
  'limits.untold': 'Dieser Browser verrät es nicht, deshalb lässt es sich hier nicht beachten.',
  'limits.megabytes': '{count} MB',
  'limits.gigabytes': '{count} GB',
  'limits.kilobytes': '{count} kB/s',
  'limits.perSecond': '{count} MB/s',

  'status.paused': 'Pausiert',
  'status.pausedMore': 'Du machst in einem anderen Browser weiter. Hier wird nichts gesendet oder empfangen.',
  'status.check': 'Testen',
  'status.helpingPaused': 'Helfen pausiert',
} satisfies Part<'one'>;
