const holdMs = 500;
const slack = 10;

/** An attachment that tells of a finger that stays where it is; with a mouse or keyboard there are better ways. */
export function pressed(act: (point: { x: number; y: number }) => void): (node: HTMLElement) => () => void {
  return (node) => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let from = { x: 0, y: 0 };
    const end = (): void => clearTimeout(timer);
    const down = (event: PointerEvent): void => {
      end();
      if (event.pointerType !== 'touch' || !event.isPrimary) return;
      from = { x: event.clientX, y: event.clientY };
      timer = setTimeout(() => act(from), holdMs);
    };
    const move = (event: PointerEvent): void => {
      if (Math.hypot(event.clientX - from.x, event.clientY - from.y) > slack) end();
    };
    node.addEventListener('pointerdown', down);
    node.addEventListener('pointermove', move);
    for (const type of ['pointerup', 'pointercancel', 'contextmenu'] as const)
      node.addEventListener(type, end);
    return () => {
      end();
      node.removeEventListener('pointerdown', down);
      node.removeEventListener('pointermove', move);
      for (const type of ['pointerup', 'pointercancel', 'contextmenu'] as const)
        node.removeEventListener(type, end);
    };
  };
}
