import { startApp } from "@/tests/support/app.ts";
import { SESSIONS, tokenOf } from "@/tests/support/cast.ts";
import { asAdmin } from "@/tests/support/database.ts";
import { eventually } from "@/tests/payments/buyer.ts";

Deno.test("a browser that leaves during the handshake keeps nothing open behind it", async () => {
  const app = await startApp();
  const { host, hostname, port } = new URL(app.origin);
  const handshake = [
    `GET /api/sessions/${SESSIONS.olives}/socket?after=0 HTTP/1.1`,
    `host: ${host}`,
    "connection: Upgrade",
    "upgrade: websocket",
    "sec-websocket-version: 13",
    "sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==",
    `origin: ${app.origin}`,
    `cookie: login=${tokenOf("olive")}`,
    "\r\n",
  ].join("\r\n");

  await asAdmin(app.db.adminUrl, async (admin) => {
    // While this is held, the question whether she may hear it waits.
    await admin.query("begin");
    await admin.query("lock table app.session_participants in access exclusive mode");
    const connection = await Deno.connect({ hostname, port: Number(port) });
    await connection.write(new TextEncoder().encode(handshake));
    await eventually(async () => {
      const { rowCount } = await admin.query(
        "select from pg_locks where not granted and database = (select oid from pg_database where datname = current_database())",
      );
      return rowCount;
    });
    connection.close();
    await (await app.visitor().get("/icon.svg")).body?.cancel(); // by now the server has seen it go
    await admin.query("rollback");
  });

  await inTime(app[Symbol.asyncDispose]());
});

async function inTime(ending: PromiseLike<void>): Promise<void> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error("the server waits for somebody")), 10_000);
  await Promise.race([ending, late]);
  clearTimeout(timer);
}
