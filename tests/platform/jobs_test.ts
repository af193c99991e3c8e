import assert from "node:assert/strict";
import { closeDoors, writing } from "@/lib/db/door.ts";
import { useEnvironment } from "@/lib/environment.ts";
import { startJobs } from "@/lib/jobs.ts";
import { asAdmin, freshDatabase, type TestDatabase } from "../support/database.ts";

Deno.test("startJobs() mails the code that was asked for, as text and as a link", async () => {
  await using db = await freshDatabase();
  await using inbox = postOffice();
  await using _app = await jobsOn(db, inbox.url);

  await askForCode("olive@wrenchline.test");
  const mail = await inbox.next();
  assert.match(mail, /^From: Wrenchline <hello@wrenchline\.example>$/m);
  assert.match(mail, /^To: olive@wrenchline\.test$/m);
  const [, code] = /^Subject: (\d{6}) is your Wrenchline code$/m.exec(mail)!;
  assert.match(mail, new RegExp(`Your code is ${code}`));
  const unfolded = mail.replaceAll("=\n", "").replaceAll("=3D", "=");
  assert.match(unfolded, /^https:\/\/wrenchline\.example\/login\/code\?token=[0-9a-f]{64}$/m);
});

Deno.test("startJobs() keeps mail in the database where there is no SMTP server", async () => {
  await using db = await freshDatabase();
  await using app = await jobsOn(db);

  await askForCode("olive@wrenchline.test");
  await app.allDone();
  const kept = await asAdmin(
    db.adminUrl,
    (admin) => admin.query("select recipient from private.mail"),
  );
  assert.deepEqual(kept.rows, [{ recipient: "olive@wrenchline.test" }]);
});

Deno.test("startJobs() tries again what failed, and logs neither code nor token", async () => {
  await using db = await freshDatabase();
  const logged: string[] = [];
  const report = console.error;
  const failed = Promise.withResolvers<void>();
  console.error = (...words) => {
    logged.push(words.map(String).join(" "));
    failed.resolve();
  };
  try {
    await using _app = await jobsOn(db, "smtp://127.0.0.1:9"); // nobody listens to the discard port
    await askForCode("olive@wrenchline.test");
    await failed.promise;
  } finally {
    console.error = report;
  }

  const { rows: [job] } = await asAdmin(
    db.adminUrl,
    (admin) =>
      admin.query(
        `select payload ->> 'code' as code, payload ->> 'token' as token, attempts, max_attempts
      from graphile_worker._private_jobs where last_error is not null`,
      ),
  );
  assert.equal(job.attempts, 1);
  assert.equal(job.max_attempts, 6, "a code is no use after ten minutes");
  assert.match(logged.join("\n"), /Failed task \d+ \(send_sign_in_code/);
  for (const secret of [job.code, job.token]) assert.ok(!logged.join("\n").includes(secret));
});

Deno.test("startJobs() starts once, tells the database Stripe's secrets and prices, and can start anew", async () => {
  await using db = await freshDatabase();
  {
    await using _app = await jobsOn(db);
    assert.equal(await startJobs(), await startJobs());
    const { rows } = await asAdmin(
      db.adminUrl,
      (admin) =>
        admin.query(
          `select (select array_agg(secret) from private.stripe_webhook_secrets) as secrets,
        (select jsonb_object_agg(plan, price_id) from private.stripe_prices) as prices`,
        ),
    );
    assert.deepEqual(rows, [{
      secrets: ["whsec_1"],
      prices: { chat10: "price_1", video15: "price_2", diagnostic: "price_3" },
    }]);
  }
  await using app = await jobsOn(db);
  await askForCode("olive@wrenchline.test");
  await app.allDone();
});

Deno.test("startJobs() tidies up when it is time, and knows when that is", async () => {
  await using db = await freshDatabase();
  await using app = await jobsOn(db);
  await asAdmin(db.adminUrl, async (admin) => {
    await admin.query(`insert into private.rate_limits (what, who, started_at) values
      ('old', '', now() - interval '2 days'), ('new', '', now())`);
    await admin.query("select graphile_worker.add_job('tidy')");
    await app.allDone();
    const left = await admin.query("select what from private.rate_limits");
    assert.deepEqual(left.rows, [{ what: "new" }]);

    const known = "select identifier from graphile_worker._private_known_crontabs";
    while ((await admin.query(known)).rowCount === 0); // noted beside, a moment after the start
    assert.deepEqual((await admin.query(known)).rows, [{ identifier: "tidy" }]);
  });
});

async function jobsOn(db: TestDatabase, smtpUrl = "") {
  useEnvironment({
    DATABASE_URL: db.webUrl,
    RELAY_DATABASE_URL: db.relayUrl,
    BACKSTAGE_DATABASE_URL: db.backstageUrl,
    STRIPE_SECRET_KEY: "sk_test_1",
    STRIPE_WEBHOOK_SECRET: "whsec_1",
    STRIPE_PRICE_CHAT10: "price_1",
    STRIPE_PRICE_VIDEO15: "price_2",
    STRIPE_PRICE_DIAGNOSTIC: "price_3",
    PUBLIC_URL: "https://wrenchline.example",
    SMTP_URL: smtpUrl,
    MAIL_FROM: "Wrenchline <hello@wrenchline.example>",
  });
  const jobs = await startJobs();
  return {
    /** Resolves when no job is left. */
    async allDone() {
      const left = "select from graphile_worker._private_jobs";
      while ((await asAdmin(db.adminUrl, (admin) => admin.query(left))).rowCount! > 0);
    },
    async [Symbol.asyncDispose]() {
      await jobs.stop();
      await closeDoors();
    },
  };
}

async function askForCode(email: string): Promise<void> {
  await writing({ proof: null }, (tx) => tx`select api.ask_for_code(${email}, 'tests', '/')`);
}

/** An SMTP server that takes one mail after the other. */
function postOffice() {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  async function next(): Promise<string> {
    using connection = await listener.accept();
    const say = (line: string) => connection.write(new TextEncoder().encode(`${line}\r\n`));
    const decoder = new TextDecoder();
    const buffer = new Uint8Array(65_536);
    let mail = "";
    let inMail = false;
    await say("220 tests");
    while (true) {
      const text = decoder.decode(buffer.subarray(0, await connection.read(buffer) ?? 0));
      if (inMail) {
        mail += text;
        if (!mail.endsWith("\r\n.\r\n")) continue;
        inMail = false;
        await say("250 taken");
        return mail.replaceAll("\r\n", "\n");
      }
      inMail = text.startsWith("DATA");
      await say(inMail ? "354 go on" : "250 fine");
    }
  }
  return {
    url: `smtp://127.0.0.1:${listener.addr.port}`,
    next,
    [Symbol.asyncDispose]: () => Promise.resolve(listener.close()),
  };
}
