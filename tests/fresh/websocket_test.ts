import { strict as assert } from "node:assert";
import { App } from "fresh";
import { asking } from "./tree.ts";

// deno-lint-ignore no-explicit-any
function serving(app: App<any>) {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, app.handler());
  return {
    url: `ws://127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** What a new socket hears first, after it said something. */
async function exchange(url: string, words: string): Promise<string> {
  const socket = new WebSocket(url);
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  socket.onopen = () => socket.send(words);
  socket.onmessage = ({ data }) => resolve(data);
  socket.onerror = reject;
  const heard = await promise;
  const closed = new Promise((resolve) => socket.onclose = resolve);
  socket.close();
  await closed;
  return heard;
}

Deno.test("upgrade(handlers) answers with a socket that calls them", async () => {
  const seen: string[] = [];
  const closed = Promise.withResolvers<void>();
  await using server = serving(
    new App<{ who: string }>().use((ctx) => {
      ctx.state.who = "Olive";
      return ctx.next();
    }).get("/", (ctx) =>
      ctx.upgrade({
        open: () => void seen.push("open"),
        message: (socket, { data }) => socket.send(`${ctx.state.who}: ${data}`),
        close(_socket, code) {
          seen.push(`close ${code}`);
          closed.resolve();
        },
      })),
  );
  assert.equal(await exchange(server.url, "hello"), "Olive: hello");
  await closed.promise;
  assert.deepEqual(seen, ["open", "close 1005"]);
});

Deno.test("upgrade() without handlers hands out the socket", async () => {
  await using server = serving(
    new App().get("/", (ctx) => {
      const { socket, response } = ctx.upgrade();
      socket.onmessage = ({ data }) => socket.send(`bare: ${data}`);
      return response;
    }),
  );
  assert.equal(await exchange(server.url, "hello"), "bare: hello");
});

Deno.test("upgrade() takes options with and without handlers", async () => {
  await using server = serving(
    new App()
      .get("/a", (ctx) => ctx.upgrade({ protocol: "chat", idleTimeout: 0 }).response)
      .ws("/b", { open() {} }, { protocol: "chat" }),
  );
  for (const path of ["/a", "/b"]) {
    const socket = new WebSocket(server.url + path, ["other", "chat"]);
    await new Promise((resolve) => socket.onopen = resolve);
    assert.equal(socket.protocol, "chat");
    const closed = new Promise((resolve) => socket.onclose = resolve);
    socket.close();
    await closed;
  }
});

Deno.test("a request that is not for a WebSocket is refused", async () => {
  const ask = asking(
    new App().ws("/", { message() {} }).get("/bare", (ctx) => {
      return ctx.upgrade().response;
    }),
  );
  for (const path of ["/", "/bare"]) {
    const response = await ask(path);
    assert.equal(response.status, 400);
    assert.equal(await response.text(), "Expected a WebSocket upgrade request");
  }
});
