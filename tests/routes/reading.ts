// What the route tests ask of a page, and of the mail.

import assert from "node:assert/strict";
import pg from "pg";
import type { TestApp } from "@/tests/support/app.ts";

/** The page's text, tags and repeated white space gone. */
export async function textOf(res: Response): Promise<string> {
  const html = (await res.text()).replace(/^.*<body/s, "<body");
  return html.replace(/<!--.*?-->|<(script|style|template)[^>]*>.*?<\/\1>/gs, "")
    .replace(/<[^>]+>/g, " ").replaceAll("&#39;", "'").replaceAll("&quot;", '"')
    .replaceAll("&lt;", "<").replaceAll("&amp;", "&").replace(/\s+/g, " ").trim();
}

/** Asserts a 303 and answers with where it leads. */
export async function ledTo(res: Response): Promise<string> {
  await res.body?.cancel();
  assert.equal(res.status, 303);
  return res.headers.get("location")!;
}

/** Gives a user a session, as if they had paid for it. */
export async function giveSession(
  app: TestApp,
  { userId, type = "chat", plan = "chat10" }: { userId: string; type?: string; plan?: string },
): Promise<string> {
  const [{ id }] = await app.sql<{ id: string }>(
    "insert into app.sessions (type, plan, length_minutes) values ($1, $2, 10) returning id",
    [type, plan],
  );
  await app.sql(
    "insert into app.session_participants (session_id, user_id, role) values ($1, $2, 'customer')",
    [id, userId],
  );
  return id;
}

/** The mail that was kept, as it comes. Jobs send it a moment after the answer. */
export async function openMailbox(app: TestApp): Promise<
  AsyncDisposable & { next(recipient: string): Promise<{ code: string; token: string }> }
> {
  await app.sql(`
    create function public.tell_of_mail() returns trigger language plpgsql as
      $$ begin perform pg_notify('mail', new.id::text); return null; end $$;
    create trigger tell after insert on private.mail
      for each row execute function public.tell_of_mail();
  `);
  const client = new pg.Client({ connectionString: app.db.adminUrl });
  await client.connect();
  await client.query("listen mail");
  let bell = Promise.withResolvers<void>();
  client.on("notification", () => bell.resolve());
  const opened = new Set<number>();

  return {
    async next(recipient) {
      using given = patience(`no mail came for ${recipient}`);
      while (true) {
        const heard = bell.promise;
        const { rows } = await client.query(
          "select id, body from private.mail where recipient = $1 order by id",
          [recipient],
        );
        const mail = rows.find(({ id }) => !opened.has(id));
        if (mail) {
          opened.add(mail.id);
          const code = /\b(\d{6})\b/.exec(mail.body)?.[1] ?? "";
          const token = /token=(\w+)/.exec(mail.body)?.[1] ?? "";
          return { code, token };
        }
        await Promise.race([heard, given.up]);
        bell = Promise.withResolvers();
      }
    },
    async [Symbol.asyncDispose]() {
      await client.end();
    },
  };
}

/** Gives up on what is overdue by far, so that a broken app fails a test and does not hang it. */
function patience(words: string): Disposable & { up: Promise<never> } {
  const { promise: up, reject } = Promise.withResolvers<never>();
  up.catch(() => {});
  const timer = setTimeout(() => reject(new Error(words)), 10_000);
  return { up, [Symbol.dispose]: () => clearTimeout(timer) };
}

/** Any other six digits. */
export function wrong(code: string): string {
  return code === "000000" ? "111111" : "000000";
}
