import type { Part } from '../dictionary.ts';

/** The connection check, the first screens, and what the live views say of circuits, neighbours and helping. */
export const live = {
  'check.title': 'Comprobación de la conexión',
  'check.lead': 'Cada línea se prueba ahora en esta pestaña.',
  'check.again': 'Comprobar de nuevo',
  'check.open': 'Comprobar conexión',
  'check.openMore': 'Prueba el servidor, WebRTC y un circuito, y dice qué hacer donde algo falla.',
  'check.copy': 'Copiar informe',
  'check.copyMore': 'El informe no nombra ninguna dirección, ningún nodo ni a nadie.',
  'check.rows': 'Lo que se probó',
  'check.state.running': 'Comprobando…',
  'check.state.ok': 'Funciona',
  'check.state.warning': 'Limitado',
  'check.state.failed': 'Falló',
  'check.state.none': 'Sin configurar',
  'check.summary.running': 'Comprobando…',
  'check.summary.ok': 'Todo funciona.',
  'check.summary.warning': 'Funciona, con límites.',
  'check.summary.failed': 'Algo lo impide.',

  'check.server': 'Servidor',
  'check.server.running': 'Abriendo un WebSocket con el servidor.',
  'check.server.ok': 'Se llega a él por WebSocket.',
  'check.server.offline': 'Este navegador dice que no tiene conexión.',
  'check.server.offlineDo': 'Conéctate a una red. La comprobación sigue sola.',
  'check.server.failed': 'El servidor no responde por WebSocket.',
  'check.server.failedDo':
    'Mira si cargan otras páginas. Si cargan, puede que el servidor esté caído o que un proxy o una VPN bloquee los WebSockets: prueba en otra red.',
  'check.server.distrusted': 'El servidor firmó listas que se contradicen. Ya no pasa nada por él.',
  'check.server.distrustedDo': 'Avisa a quien lo gestiona y usa otro servidor.',

  'check.clock': 'Reloj y lista de nodos',
  'check.clock.running': 'Esperando la lista de nodos.',
  'check.clock.ok': 'Lista de nodos: {time}; los relojes coinciden.',
  'check.clock.unread': 'Lista de nodos: {time}; no se pudo leer el reloj del servidor.',
  'check.clock.missing': 'No llegó ninguna lista de nodos.',
  'check.clock.missingDo':
    'Llega en cuanto se alcanza el servidor; sin ella no se puede sortear ningún camino.',
  'check.clock.old': 'La lista de nodos más reciente: {time}.',
  'check.clock.oldDo': 'Aquí no se conocen los nodos llegados desde entonces. Se vuelve a pedir sola.',
  'check.clock.behind': 'El reloj de este dispositivo va {time} atrasado respecto al del servidor.',
  'check.clock.ahead': 'El reloj de este dispositivo va {time} adelantado respecto al del servidor.',
  'check.clock.skewDo':
    'Haz que este dispositivo ponga la hora solo; con una hora errónea fallan los enlaces con vecinos.',

  'check.webrtc': 'Enlaces directos (WebRTC)',
  'check.webrtc.running': 'Abriendo una conexión de esta página consigo misma.',
  'check.webrtc.ok': 'Se estableció una conexión dentro de esta página.',
  'check.webrtc.absent': 'Este navegador no tiene WebRTC, o lo bloquea.',
  'check.webrtc.absentDo':
    'Mientras tanto los enlaces pasan por el servidor, sellados como siempre. Para enlaces directos permítelo en los ajustes del navegador o en la extensión que lo bloquea, o usa otro navegador.',
  'check.webrtc.failed': 'Dos extremos dentro de esta página no pudieron alcanzarse.',
  'check.webrtc.failedDo':
    'Puede bloquearlo una extensión, una VPN o una norma del administrador de este dispositivo. Prueba sin ellas.',

  'check.ice': 'Ayuda para atravesar routers (STUN, TURN)',
  'check.ice.running': 'Preguntando a los servidores STUN y TURN.',
  'check.ice.none': 'Este servidor no nombra ningún servidor STUN ni TURN.',
  'check.ice.noneDo':
    'Puede que las pestañas detrás de routers distintos no lleguen unas a otras directamente.',
  'check.ice.ok': 'Respuesta: {servers}.',
  'check.ice.silent': 'Sin respuesta: {servers}.',
  'check.ice.silentDo':
    'Puede que esta red bloquee UDP. Entonces quizá no se llegue a vecinos de otras redes.',
  'check.ice.stun': 'STUN',
  'check.ice.turn': 'TURN',
  'check.ice.both': 'STUN y TURN',

  'check.circuit': 'Vecinos y un circuito',
  'check.circuit.running': 'Conectando con vecinos y construyendo un circuito.',
  'check.circuit.barred': 'Sin probar: ya no pasa nada por este servidor.',
  'check.circuit.ok': '{neighbours}, {circuits} en marcha.',
  'check.circuit.few': '{neighbours}, {circuits} en marcha, pero pocos nodos independientes: {count}.',
  'check.circuit.fewDo': 'Funciona, pero aún no es anónimo. Eso cambia cuando más gente abre esta página.',
  'check.circuit.tooFew': {
    one: 'Un camino necesita {want} nodos más; hay {count} en línea.',
    other: 'Un camino necesita {want} nodos más; hay {count} en línea.',
  },
  'check.circuit.tooFewDo': 'Espera, o pide a alguien que abra esta página y la deje abierta.',
  'check.circuit.alone': 'No se pudo conectar con ningún vecino.',
  'check.circuit.aloneDo':
    'Puede que esta red bloquee las conexiones directas. Prueba otra, o pide TURN a quien gestiona el servidor.',
  'check.circuit.unbuilt': '{neighbours}, pero aún ningún circuito.',
  'check.circuit.unbuiltDo':
    'Se vuelve a intentar solo. Los mensajes esperan aquí y salen en cuanto haya uno abierto.',

  'check.report': 'Comprobación de la conexión de Hourglass, {time}',
  'check.reportLine': '{name}: {state}. {found}',
  'check.reportBrowser': 'Navegador: {browser}',
  'check.reportCounts': 'Estado {status}, {neighbours}, {circuits}, {count} nodos conocidos',

  'steps.label': 'Primeros pasos',
  'steps.of': 'Paso {step} de {all}',
  'steps.back': 'Atrás',
  'steps.next': 'Continuar',
  'steps.skip': 'Ir directo a los chats',
  'steps.done': 'Ir a los chats',
  'steps.name': 'Nombre',
  'steps.check': 'Conexión',
  'steps.invite': 'Invitar',
  'steps.checkTitle': '¿Está libre el camino?',
  'steps.checkLead': 'Puedes seguir mientras se comprueba. Queda en Ajustes.',
  'steps.inviteTitle': 'Invita a una persona en quien confíes.',
  'steps.haveTitle': '¿Te ha invitado alguien?',

  'circuit.slowFor': 'lento · {count} ms',
  'circuit.slowMore':
    'Las respuestas tardan más del doble que en tus otros circuitos. Un circuito nuevo puede ser más rápido.',
  'circuit.renewMore': 'Se usa el camino antiguo hasta que el nuevo esté abierto.',
  'circuit.buildMore': 'Añadiendo el salto {hop} de {of}.',
  'circuit.asList': 'Como lista',
  'circuit.hopMs': '{role} · {state} · {count} ms',
  'circuit.keeps': 'Este chat y lo que espera en él siguen; los demás chats no cambian.',
  'circuit.whyGuard':
    'Una de las pocas que esta pestaña conserva mucho tiempo, para que nadie acabe el primero en tu camino solo con esperar a que vuelvas a sortear. Ve que estás aquí, pero no adónde vas.',
  'circuit.whyMiddle':
    'Se sortea de nuevo para cada circuito. Conoce a sus dos vecinos en el camino y nada más.',
  'circuit.whyExit':
    'Se sortea de nuevo entre los nodos que aceptan este papel. Sabe dónde se encuentran los dos caminos, pero no que tú estás en este extremo.',
  'circuit.whyMeeting':
    'La salida que eligió {name}. Los dos caminos acaban aquí; pasa lo que no puede leer y no os conoce a ninguno de los dos.',
  'circuit.whyOther':
    'Nunca se toman nodos que evitas ni dos del mismo operador. {name} sortea sus propios saltos, y ninguno conoce los del otro.',

  'network.aloneTry': {
    one: 'Buscando vecinos: intento {count}.',
    other: 'Buscando vecinos: intento {count}.',
  },
  'network.aloneNext': {
    one: 'Buscando vecinos: intento {count}, el siguiente en {time}.',
    other: 'Buscando vecinos: intento {count}, el siguiente en {time}.',
  },
  'network.serverNext': {
    one: 'Servidor inaccesible: intento {count}, el siguiente en {time}.',
    other: 'Servidor inaccesible: intento {count}, el siguiente en {time}.',
  },
  'network.serverTry': {
    one: 'Servidor inaccesible: intento {count}.',
    other: 'Servidor inaccesible: intento {count}.',
  },
  'network.seconds': '{count} s',
  'network.tryNow': 'Intentar ahora',
  'network.add': 'Añadir vecino',
  'network.addNone': 'Todos los nodos conocidos ya son vecinos o están evitados.',
  'network.added': 'Conectando con {name}.',
  'network.limit': 'Vecinos como máximo',
  'network.limitNone': 'Los que hagan falta',
  'network.limitMore':
    'Con menos vecinos este dispositivo gasta menos, y por él puede pasar menos de lo que otros necesitan. Los enlaces que sostienen circuitos siguen hasta que estos acaben.',
  'network.aloneLead': 'Aún no hay a quién pasar la arena.',
  'network.copyId': 'Copiar el identificador de {name}',
  'network.copied': 'Se copió el identificador de {name}.',
  'network.useIn': '{role} hasta {name}',
  'network.useOwn': '{role} en un circuito tuyo',

  'helping.titlePaused': 'La ayuda está en pausa',
  'helping.leadPaused.day': 'Se ha alcanzado el límite del día. Sigue mañana.',
  'helping.leadPaused.battery': 'Este dispositivo funciona con batería. Sigue en cuanto se enchufe.',
  'helping.leadPaused.metered': 'Esta conexión se paga por datos. Sigue con otra.',
  'helping.leadPaused.hidden': 'Esta pestaña no estaba a la vista. Sigue en un momento.',
  'helping.relayingPaused': 'En pausa por un límite de más abajo',
  'limits.title': 'Límites',
  'limits.lead': 'Valen para lo que llevas de otros, nunca para tus propios mensajes.',
  'limits.day': 'Por día',
  'limits.rate': 'Por segundo',
  'limits.none': 'Sin límite',
  'limits.dayUsed': 'Hoy {used} de {limit}',
  'limits.dayMore': 'Al llegar al límite, esta pestaña deja la lista de nodos hasta mañana.',
  'limits.rateMore':
    'Lo que llega más deprisa espera aquí. Con un valor bajo, las comprobaciones pueden volver demasiado tarde.',
  'limits.battery': 'Pausar con batería',
  'limits.metered': 'Pausar con conexión de uso medido',
  'limits.visible': 'Solo mientras esté a la vista',
  'limits.visibleMore': 'Se pausa cuando la pestaña lleva un minuto fuera de la vista.',
  'limits.untold': 'Este navegador no lo dice, así que aquí no se puede tener en cuenta.',
  'limits.megabytes': '{count} MB',
  'limits.gigabytes': '{count} GB',
  'limits.kilobytes': '{count} kB/s',
  'limits.perSecond': '{count} MB/s',

  'status.paused': 'En pausa',
  'status.pausedMore': 'Sigues en otro navegador. Aquí no se envía ni se recibe nada.',
  'status.check': 'Comprobar',
  'status.helpingPaused': 'ayuda en pausa',
} satisfies Part<'one'>;
