/** A stretch of wire between the app and Postgres that tests can listen to, hold up and cut. */

/** A running proxy. */
export interface Proxy extends AsyncDisposable {
  /** `url`, but by way of the proxy. */
  via(url: string): string;
  /** From now on the server's answers are kept back. */
  hold(): void;
  /** Hands on what was kept back. */
  release(): void;
  /** Settles when the clients have said `text` since the last `hold()`. */
  said(text: string): Promise<void>;
  /** How many connections were made through it so far. */
  connections(): number;
  /** How many bytes the clients have sent so far. */
  sent(): number;
  /** Breaks every connection, and refuses new ones until `mend()`. */
  cut(): void;
  mend(): Promise<void>;
}

/** A test that waits for what is never said fails, and does not hang. */
const PATIENCE_MS = 10_000;

/** Opens a proxy to the server that `url` names. */
export function openProxy(url: string): Proxy {
  const { hostname, port: serverPort } = new URL(url);
  const open = new Set<Deno.Conn>();
  const pumping = new Set<Promise<void>>();
  let current = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = current.addr as Deno.NetAddr;
  let held: PromiseWithResolvers<void> | null = null;
  let isCut = false;
  let heard = "";
  let connections = 0;
  let sent = 0;
  const waiting = new Set<() => unknown>();

  track(accept(current));

  function track(work: Promise<void>) {
    pumping.add(work);
    work.finally(() => pumping.delete(work));
  }

  async function accept(listener: Deno.Listener) {
    for await (const client of listener) {
      connections++;
      const server = await Deno.connect({ hostname, port: Number(serverPort) });
      if (isCut || listener !== current) { // it was cut meanwhile
        client.close();
        server.close();
        continue;
      }
      open.add(client).add(server);
      track(pump(client, server, (bytes) => {
        sent += bytes.length;
        heard += new TextDecoder("latin1").decode(bytes);
        for (const look of waiting) look();
      }));
      track(pump(server, client, () => held?.promise));
    }
  }

  async function pump(
    from: Deno.Conn,
    to: Deno.Conn,
    before: (bytes: Uint8Array) => Promise<void> | void,
  ) {
    const buffer = new Uint8Array(65536);
    try {
      for (let n; (n = await from.read(buffer)) !== null;) {
        await before(buffer.subarray(0, n));
        for (let done = 0; done < n;) done += await to.write(buffer.subarray(done, n));
      }
    } catch {
      // Either side broke; so does the other.
    }
    for (const end of [from, to]) if (open.delete(end)) end.close();
  }

  function cut() {
    if (isCut) return;
    isCut = true;
    current.close();
    for (const conn of open) conn.close();
    open.clear();
  }

  return {
    via(url) {
      const other = new URL(url);
      other.host = `127.0.0.1:${port}`;
      return other.href;
    },
    hold() {
      held = Promise.withResolvers();
      heard = "";
    },
    release() {
      held?.resolve();
      held = null;
    },
    async said(text) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const look = () => heard.includes(text) && resolve();
      const tooLong = setTimeout(() => reject(new Error(`nobody said ${text}`)), PATIENCE_MS);
      waiting.add(look);
      look();
      await promise.finally(() => {
        clearTimeout(tooLong);
        waiting.delete(look);
      });
    },
    connections: () => connections,
    sent: () => sent,
    cut,
    async mend() {
      await Promise.all(pumping); // only then is the port free
      isCut = false;
      current = Deno.listen({ hostname: "127.0.0.1", port });
      track(accept(current));
    },
    async [Symbol.asyncDispose]() {
      held?.resolve();
      cut();
      await Promise.all(pumping);
    },
  };
}
