/**
 * Loaded into child processes by `--import`: a child whose parent has died, however it died, ends itself. The IPC
 * channel closes with the parent, and does not keep the child alive.
 */
process.on('disconnect', () => {
  process.kill(process.pid, 'SIGTERM');
});
process.channel?.unref();
