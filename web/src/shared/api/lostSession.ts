type Listener = () => void;
type Waiter = (back: boolean) => void;

let listener: Listener | null = null;
const waiting = new Set<Waiter>();

/** Whoever can ask for the password again. Without anybody, a lost session is simply lost. */
export function listenForLostSession(ask: Listener): () => void {
  listener = ask;
  return () => {
    listener = null;
    sessionIs(false);
  };
}

/** Asks for the password, and waits: true when the person is signed in again, so that the same request may be sent. */
export function sessionBack(): Promise<boolean> {
  if (!listener) return Promise.resolve(false);
  listener();
  return new Promise((resolve) => {
    waiting.add(resolve);
  });
}

/** Tells everybody who waits whether the session is back. */
export function sessionIs(back: boolean): void {
  const told = [...waiting];
  waiting.clear();
  for (const resolve of told) resolve(back);
}
