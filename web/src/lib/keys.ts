// Keys of the whole page. Views add theirs with `onkey`.
type Handler = () => void;
const handlers = new Map<string, Handler>();

/** Call `handler` on a key while the caller lives; returns how to stop. */
export function onkey(key: string, handler: Handler): () => void {
  handlers.set(key, handler);
  return () => {
    if (handlers.get(key) === handler) handlers.delete(key);
  };
}

/** Whether the reader is writing, so that letters are letters. */
function isWriting(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest("input, select, textarea") !== null;
}

export function keys(event: KeyboardEvent, search: Handler): void {
  if (event.ctrlKey || event.metaKey || event.altKey || isWriting(event.target)) return;
  const handler = event.key === "/" ? search : handlers.get(event.key);
  if (!handler) return;
  event.preventDefault();
  handler();
}
