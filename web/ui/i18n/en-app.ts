/** English: the app as a program of the device – releases, notifications, what is shared with it. */
export const app = {
  'update.ready': 'A new version is ready.',
  'update.leaving': {
    one: '{count} message is still leaving.',
    other: '{count} messages are still leaving.',
  },
  'update.attached': 'You have attached files that are not sent.',
  'update.waits': 'It starts by itself as soon as nothing is in its way.',
  'update.whenDone': 'When they’re done',
  'update.whenSent': 'When I’ve sent them',
  'update.later': 'Later',
  'update.now': 'Now',
  'update.taking': 'Starting…',

  'settings.notifications': 'Notifications',
  'settings.notificationsMore': 'When messages come',
  'notify.messages': 'New messages',
  'notify.messagesHelp':
    'Says “New message” when one comes while you look elsewhere. What it says is shown in the app alone.',
  'notify.new': { one: 'New message', other: '{count} new messages' },
  'notify.names': 'Say who wrote',
  'notify.namesHelp': 'Names then stand on the lock screen, where others can read them.',
  'notify.closed': 'Only while Hourglass is open',
  'notify.closedHelp':
    'Messages come to this device, and to no server that could wake it. Pin the tab, or install Hourglass and let it run.',
  'notify.denied':
    'This browser was told not to show notifications of this site. Its own settings change that.',
  'notify.none': 'This browser has no notifications.',

  'share.title': 'Share with',
  'share.files': { one: '{count} file', other: '{count} files' },
  'share.nobody': 'There is nobody yet to share it with.',
  'share.nothing': 'Nothing is here to be shared',
  'share.nothingMore': 'It was not kept. Share it again from where it is.',

  'release.version': 'Version',
  'release.list': 'List of files',
  'release.copy': 'Copy',
  'release.checking': 'Looking through the files…',
  'release.right': {
    one: '{count} file on this device is the one on the list that this server signed.',
    other: 'All {count} files on this device are those on the list that this server signed.',
  },
  'release.wrong': {
    one: 'One file on this device is not the one on the list: {files}. Don’t trust this program; something between you and the server may have changed it.',
    other:
      '{count} files on this device are not those on the list: {files}. Don’t trust this program; something between you and the server may have changed it.',
  },
  'release.unsigned':
    'The list is not signed by the server whose network you use, or there is no list of nodes yet that shows its key.',
  'release.more':
    'Whoever builds this version themselves gets the same list. Ask others for theirs: a server that gives you another program than them gives you another list.',
  'release.none': 'This server gives no list of the program’s files.',
} as const;
