import type { Part } from '../dictionary.ts';

/** The app as a program of the device: releases, notifications, what is shared with it. */
export const app = {
  'update.ready': 'Hay una versión nueva lista.',
  'update.leaving': {
    one: '{count} mensaje aún está saliendo.',
    other: '{count} mensajes aún están saliendo.',
  },
  'update.attached': 'Has adjuntado archivos que aún no se han enviado.',
  'update.waits': 'Se inicia sola en cuanto nada lo impida.',
  'update.whenDone': 'Cuando hayan salido',
  'update.whenSent': 'Cuando los haya enviado',
  'update.later': 'Más tarde',
  'update.now': 'Ahora',
  'update.taking': 'Iniciando…',

  'settings.notifications': 'Notificaciones',
  'settings.notificationsMore': 'Cuando llegan mensajes',
  'notify.messages': 'Mensajes nuevos',
  'notify.messagesHelp':
    'Dice «Mensaje nuevo» cuando llega uno mientras estás en otra cosa. Lo que pone solo se muestra en la aplicación.',
  'notify.new': { one: 'Mensaje nuevo', other: '{count} mensajes nuevos' },
  'notify.names': 'Decir quién escribió',
  'notify.namesHelp': 'Los nombres aparecen entonces en la pantalla de bloqueo, donde otros pueden leerlos.',
  'notify.closed': 'Solo mientras Hourglass está abierto',
  'notify.closedHelp':
    'Los mensajes llegan a este dispositivo, y a ningún servidor que pudiera despertarlo. Fija la pestaña, o instala Hourglass y déjalo en marcha.',
  'notify.denied':
    'A este navegador se le ha dicho que no muestre notificaciones de este sitio. Puedes cambiarlo en sus propios ajustes.',
  'notify.none': 'Este navegador no tiene notificaciones.',

  'share.title': 'Compartir con',
  'share.files': { one: '{count} archivo', other: '{count} archivos' },
  'share.nobody': 'Aún no hay nadie con quien compartirlo.',
  'share.nothing': 'Aquí no hay nada que compartir',
  'share.nothingMore': 'No se guardó. Compártelo de nuevo desde donde está.',

  'release.version': 'Versión',
  'release.list': 'Lista de archivos',
  'release.copy': 'Copiar',
  'release.checking': 'Revisando los archivos…',
  'release.right': {
    one: '{count} archivo de este dispositivo es el de la lista que firmó este servidor.',
    other: 'Los {count} archivos de este dispositivo son los de la lista que firmó este servidor.',
  },
  'release.wrong': {
    one: 'Un archivo de este dispositivo no es el de la lista: {files}. No te fíes de este programa; algo entre tú y el servidor puede haberlo cambiado.',
    other:
      '{count} archivos de este dispositivo no son los de la lista: {files}. No te fíes de este programa; algo entre tú y el servidor puede haberlo cambiado.',
  },
  'release.unsigned':
    'La lista no está firmada por el servidor cuya red usas, o aún no hay una lista de nodos que muestre su clave.',
  'release.more':
    'Quien compila esta versión por su cuenta obtiene la misma lista. Pide a otros la suya: un servidor que te da un programa distinto que a ellos te da una lista distinta.',
  'release.none': 'Este servidor no da ninguna lista de los archivos del programa.',
} satisfies Part<'one'>;
