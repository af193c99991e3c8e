import assert from "node:assert/strict";
import { startApp, type TestApp, type Visitor } from "@/tests/support/app.ts";
import { SESSIONS } from "@/tests/support/cast.ts";
import { giveSession, ledTo, openMailbox, textOf, wrong } from "./reading.ts";

Deno.test("signing in", async (t) => {
  await using app = await startApp();
  await using mailbox = await openMailbox(app);

  await t.step("a code from the mail signs in, in a cookie scripts cannot read", async () => {
    const olive = app.visitor();
    const asked = await olive.post("/login/code", { email: " Olive@Wrenchline.test " });
    assert.match(await textOf(asked), /Check your mail.*Code.*Sign in/);
    const { code } = await mailbox.next("olive@wrenchline.test");

    const res = await olive.post("/login/code", { email: "olive@wrenchline.test", code });
    const cookie = res.headers.get("set-cookie")!;
    assert.equal(await ledTo(res), "/account");
    assert.match(cookie, /^login=[\w-]{43}; Path=\/; Max-Age=2592000; HttpOnly; SameSite=Lax$/);
    assert.match(await textOf(await olive.get("/account")), /Signed in as olive@wrenchline\.test/);
  });

  await t.step("a code works once, and spaces in it do no harm", async () => {
    const nadia = app.visitor();
    await nadia.post("/login/code", { email: "nadia@wrenchline.test" });
    const { code } = await mailbox.next("nadia@wrenchline.test");
    const spaced = `${code.slice(0, 3)} ${code.slice(3)}`;
    const fields = { email: "nadia@wrenchline.test", code: spaced };
    assert.equal(await ledTo(await nadia.post("/login/code", fields)), "/account");

    const again = await app.visitor().post("/login/code", fields);
    assert.equal(again.status, 400);
    assert.equal(again.headers.get("set-cookie"), null);
    assert.match(await textOf(again), /used already or is too old/);
  });

  await t.step("a wrong code tells how many tries are left, and the fifth locks", async () => {
    const email = "marco@wrenchline.test";
    const marco = app.visitor();
    await marco.post("/login/code", { email });
    const { code } = await mailbox.next(email);

    const told = [];
    for (let i = 0; i < 5; i++) {
      const res = await marco.post("/login/code", { email, code: wrong(code) });
      assert.equal(res.status, 400);
      told.push(/(\d) (?:try|tries) left|(one try too many)/.exec(await textOf(res))?.[0]);
    }
    assert.deepEqual(told, [
      "4 tries left",
      "3 tries left",
      "2 tries left",
      "1 try left",
      "one try too many",
    ]);
    // Now not even the right one.
    const late = await marco.post("/login/code", { email, code });
    assert.match(await textOf(late), /one try too many/);
    assert.equal(marco.cookies.size, 0);

    await marco.post("/login/code", { email });
    const fresh = await mailbox.next(email);
    const res = await marco.post("/login/code", { email, code: fresh.code });
    assert.equal(await ledTo(res), "/account");
  });

  await t.step("a code is too old after ten minutes", async () => {
    const email = "oscar@wrenchline.test";
    const oscar = app.visitor();
    await oscar.post("/login/code", { email });
    const { code } = await mailbox.next(email);
    await app.sql(
      "update auth.sign_in_codes set expires_at = now() where email = $1",
      [email],
    );
    const res = await oscar.post("/login/code", { email, code });
    assert.equal(res.status, 400);
    assert.match(await textOf(res), /too old/);
  });

  await t.step("the mailed link shows a button, and signs in only when it is pressed", async () => {
    const email = "dana@wrenchline.test";
    await app.visitor().post("/login/code", { email });
    const { token } = await mailbox.next(email);

    const scanner = app.visitor();
    for (let i = 0; i < 3; i++) {
      const seen = await scanner.get(`/login/code?token=${token}`);
      assert.equal(seen.status, 200);
      assert.match(await textOf(seen), /Sign in/);
    }
    assert.equal(scanner.cookies.size, 0);

    const dana = app.visitor();
    assert.equal(await ledTo(await dana.post("/login/code", { token })), "/account");
    assert.match(await textOf(await dana.get("/account")), /Signed in as Dana, dispatcher/);

    const twice = await app.visitor().post("/login/code", { token });
    assert.equal(twice.status, 400);
  });

  await t.step("the answer does not tell whether an address is known", async () => {
    const known = await app.visitor().post("/login/code", { email: "nadia@wrenchline.test" });
    const unknown = await app.visitor().post("/login/code", { email: "nemo1@wrenchline.test" });
    const page = async (res: Response) => [res.status, plain(await res.text())];
    assert.deepEqual(await page(known), await page(unknown));
    assert.equal((await mailbox.next("nemo1@wrenchline.test")).code.length, 6);

    const guess = (email: string) =>
      app.visitor().post("/login/code", { email, code: "12345" }).then(page);
    assert.deepEqual(
      await guess("nadia@wrenchline.test"),
      await guess("nemo1@wrenchline.test"),
    );
  });

  await t.step("what is no address is refused, politely", async () => {
    const res = await app.visitor().post("/login/code", { email: "nobody" });
    assert.equal(res.status, 400);
    assert.match(await textOf(res), /e-mail address/);
  });

  await t.step("one address is not mailed without end", async () => {
    const statuses = [];
    for (let i = 0; i < 6; i++) {
      const res = await app.visitor().post("/login/code", { email: "flood@wrenchline.test" });
      statuses.push(res.status);
      await res.body?.cancel();
    }
    assert.deepEqual(statuses, [200, 200, 200, 200, 200, 429]);
  });

  await t.step("after signing in one goes where one wanted to go, and not elsewhere", async () => {
    await app.sql("delete from private.rate_limits");
    const path = `/chat/${SESSIONS.olives}`;
    const signIn = async (redirect: string) => {
      const olive = app.visitor();
      await olive.post("/login/code", { email: "olive@wrenchline.test", redirect });
      const { code, token } = await mailbox.next("olive@wrenchline.test");
      return { olive, code, token };
    };
    const typed = await signIn(path);
    assert.equal(
      await ledTo(
        await typed.olive.post("/login/code", {
          email: "olive@wrenchline.test",
          code: typed.code,
          redirect: path,
        }),
      ),
      path,
    );
    const linked = await signIn(path);
    assert.equal(
      await ledTo(await app.visitor().post("/login/code", { token: linked.token })),
      path,
    );
    const evil = await signIn("//evil.test");
    assert.equal(
      await ledTo(
        await evil.olive.post("/login/code", {
          email: "olive@wrenchline.test",
          code: evil.code,
          redirect: "https://evil.test/",
        }),
      ),
      "/account",
    );
  });

  await t.step("who signs in on the way to paying goes on to pay, with the intake", async () => {
    const buyer = app.visitor();
    const email = "buyer@wrenchline.test";
    const told = { plan: "chat10", vehicle: "2009 Golf", complaint: "It shakes" };
    await buyer.post("/login/code", { ...told, email });
    const { code } = await mailbox.next(email);
    const res = await buyer.post("/login/code", { email, code, plan: "chat10" });
    assert.equal(await ledTo(res), "/api/checkout?plan=chat10");

    const html = await (await buyer.get("/start?plan=chat10")).text();
    assert.match(html, /value="2009 Golf"/);
    assert.match(html, /It shakes/);
    assert.match(html, /Continue to payment/);
  });

  await t.step("a guest who signs in keeps what was theirs", async () => {
    const { guest, userId } = await newGuest(app);
    const session = await giveSession(app, { userId });
    const page = await textOf(await guest.get("/account"));
    assert.match(page, /You are a guest.*Quick Chat.*Save your sessions by e-mail/);
    const before = new Map(guest.cookies);

    const email = "guest@wrenchline.test";
    await guest.post("/login/code", { email, redirect: "/account" });
    const { code } = await mailbox.next(email);
    assert.equal(await ledTo(await guest.post("/login/code", { email, code })), "/account");
    const after = await (await guest.get("/account")).text();
    assert.match(after, /Signed in as guest@wrenchline\.test/);
    assert.ok(after.includes(`href="/chat/${session}"`));
    assert.doesNotMatch(after, /Save your sessions/);

    // A new cookie, and the old one ended: somebody may have fixed it beforehand.
    assert.notEqual(guest.cookies.get("login"), before.get("login"));
    const old = app.visitor();
    before.forEach((value, name) => old.cookies.set(name, value));
    assert.equal(await ledTo(await old.get("/account")), "/start?redirect=%2Faccount");
  });

  await t.step("a guest who turns out to be a customer has both their sessions", async () => {
    await app.sql("delete from private.rate_limits");
    const { guest, userId } = await newGuest(app);
    const session = await giveSession(app, { userId });
    const email = "olive@wrenchline.test";
    await guest.post("/login/code", { email });
    const { code } = await mailbox.next(email);
    await guest.post("/login/code", { email, code });
    const html = await (await guest.get("/account")).text();
    assert.ok(html.includes(`href="/chat/${session}"`));
    assert.ok(html.includes(`href="/chat/${SESSIONS.olives}"`));
    assert.equal((await guest.get(`/chat/${session}`)).status, 200);
  });

  await t.step("signing out ends this login, by a button and not by a link", async () => {
    const oscar = app.as("oscar");
    const cookie = new Map(oscar.cookies);
    assert.match(await textOf(await oscar.get("/logout")), /signed in as oscar.*Sign out/);
    assert.equal((await oscar.get("/account")).status, 200);

    assert.equal(await ledTo(await oscar.post("/logout")), "/");
    assert.equal(oscar.cookies.size, 0);
    // The cookie itself is worth nothing any more.
    const thief = app.visitor();
    cookie.forEach((value, name) => thief.cookies.set(name, value));
    assert.equal(await ledTo(await thief.get("/account")), "/start?redirect=%2Faccount");
  });

  await t.step("signing out everywhere ends the user's other logins", async () => {
    const email = "olive@wrenchline.test";
    const phone = app.as("olive");
    const laptop = app.visitor();
    await laptop.post("/login/code", { email });
    const { code } = await mailbox.next(email);
    await laptop.post("/login/code", { email, code });
    assert.equal((await phone.get("/account")).status, 200);

    assert.equal(await ledTo(await laptop.post("/logout", { everywhere: "yes" })), "/");
    assert.equal(await ledTo(await phone.get("/account")), "/start?redirect=%2Faccount");
    assert.equal((await app.as("marco").get("/account")).status, 200);
  });

  await t.step("the mail of a demo is readable at /dev/mail, with the link to click", async () => {
    const html = await (await app.visitor().get("/dev/mail")).text();
    assert.match(html, /is your Wrenchline code/);
    assert.ok(html.includes(`<a href="${app.origin}/login/code?token=`));
  });
});

/** A visitor who pressed "Continue as guest", and the user they became. */
async function newGuest(app: TestApp): Promise<{ guest: Visitor; userId: string }> {
  const guest = app.visitor();
  assert.equal(await ledTo(await guest.post("/start")), "/");
  const [{ id }] = await app.sql<{ id: string }>(
    "select id from auth.users where email is null order by created_at desc limit 1",
  );
  return { guest, userId: id };
}

/** A page without what is in it by chance or by who asked. */
function plain(html: string): string {
  const ids = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g; // of what was asked for
  return html.replaceAll(/nonce="[^"]*"/g, "").replaceAll(ids, "").replaceAll(
    /n(adia|emo1)@wrenchline\.test/g,
    "?",
  );
}
