import assert from "node:assert/strict";
import { startApp } from "@/tests/support/app.ts";
import { SESSIONS, USERS } from "@/tests/support/cast.ts";
import { giveSession, ledTo, textOf } from "./reading.ts";

Deno.test("the shop", async (t) => {
  await using app = await startApp();

  await t.step(
    "sells three plans: price, length, what is in it, the wait, the promise",
    async () => {
      const res = await app.visitor().get("/");
      const html = await res.clone().text();
      const text = await textOf(res);
      assert.match(text, /Quick Chat.*\$9\.99.*10 minutes.*Start Quick Chat/);
      assert.match(text, /Live Video.*\$29\.99.*15 minutes.*Start Live Video/);
      assert.match(text, /Diagnostic.*\$49\.99.*45 minutes.*Start Diagnostic/);
      assert.match(text, /The transcript, to keep.*Not included: No video/);
      assert.match(text, /2 mechanics are on duty now\. 2 customers are waiting before you\./);
      assert.match(text, /you get all of your money back/);
      assert.match(text, /The video room is not open yet/);
      assert.doesNotMatch(text, /session waiting/);
      assert.match(html, /<html lang="en"/);
      assert.match(html, /<meta name="description"/);
      assert.equal(html.match(/<title>/g)?.length, 1);
      assert.doesNotMatch(html, / style="/); // the content security policy would drop it
    },
  );

  await t.step("leads a customer back to the session that waits, and nobody else", async () => {
    const olives = await (await app.as("olive").get("/")).text();
    assert.match(olives, /You have a session waiting/);
    assert.ok(olives.includes(`href="/chat/${SESSIONS.olives}"`));
    assert.ok(!olives.includes(SESSIONS.oscars));

    const nadias = await textOf(await app.as("nadia").get("/"));
    assert.doesNotMatch(nadias, /session waiting/);
    const danas = await textOf(await app.as("dana").get("/")); // may see all, sits in none
    assert.doesNotMatch(danas, /session waiting/);
  });

  await t.step("greets a stale cookie as nobody", async () => {
    const stale = app.visitor();
    stale.cookies.set("login", "A".repeat(43));
    assert.equal((await stale.get("/")).status, 200);
    assert.equal((await stale.get("/start?plan=chat10")).status, 200);
    assert.equal(await ledTo(await stale.get("/account")), "/start?redirect=%2Faccount");
    stale.cookies.set("login", "not a token; x");
    assert.equal((await stale.get("/")).status, 200);
  });

  await t.step("asks for the intake before a plan is paid, and for nothing else", async () => {
    const text = await textOf(await app.visitor().get("/start?plan=video15"));
    assert.match(text, /Vehicle.*What does it do\?.*Email me a code.*Continue as guest/);
    assert.match(text, /Live Video.*\$29\.99.*15 minutes/);
    assert.match(text, /The video room is not open yet/);
  });

  await t.step("does not know other plans, and names its own", async () => {
    const res = await app.visitor().get("/start?plan=gold");
    assert.equal(res.status, 400);
    assert.match(await textOf(res), /no such plan.*chat10, video15, diagnostic/i);
  });

  await t.step(
    "a guest goes on to payment, and the intake stays for when they come back",
    async () => {
      const vic = app.visitor();
      const told = { vehicle: "1998 Fiesta <1.3>", complaint: 'It says "clonk"\r\nwhen cold' };
      const next = await ledTo(await vic.post("/start", { plan: "chat10", ...told }));
      assert.equal(next, "/api/checkout?plan=chat10");
      assert.equal(vic.cookies.size, 1);
      const login = vic.cookies.get("login");

      const html = await (await vic.get("/start?plan=chat10&cancelled=1")).text();
      assert.match(html, /nothing was charged/);
      assert.ok(html.includes('value="1998 Fiesta &lt;1.3>"'), "vehicle");
      assert.match(html, /It says (&quot;|")clonk(&quot;|")\nwhen cold/);
      // A guest who comes back may still do either.
      assert.match(html, /Email me a code/);
      assert.match(html, /Continue as guest/);

      await ledTo(await vic.post("/start", { plan: "video15", vehicle: "", complaint: "" }));
      assert.equal(vic.cookies.get("login"), login, "the same guest");
      const intakes = await app.sql("select vehicle from app.intakes where session_id is null");
      assert.deepEqual(intakes, [{ vehicle: "" }]);
    },
  );

  await t.step(
    "says in a line why there was no payment, and repeats nothing it is told",
    async () => {
      for (const problem of ["expired", "declined", "failed", "cancelled"]) {
        const text = await textOf(await app.visitor().get(`/start?plan=chat10&problem=${problem}`));
        assert.match(text, /nothing was charged/, problem);
      }
      for (const problem of ["", "constructor", "<b>boo</b>"]) {
        const html = await (await app.visitor().get(
          `/start?plan=chat10&problem=${encodeURIComponent(problem)}`,
        )).text();
        assert.doesNotMatch(html, /nothing was charged/, problem);
        assert.doesNotMatch(html, /boo<|boo&/);
      }
    },
  );

  await t.step("a signed-in customer has one button: to pay", async () => {
    const text = await textOf(await app.as("oscar").get("/start?plan=chat10"));
    assert.match(text, /Signed in as oscar@wrenchline\.test\. Continue to payment/);
    assert.doesNotMatch(text, /Continue as guest|Email me a code/);
  });

  await t.step("/start without a plan signs in, for the page one wanted", async () => {
    const path = `/chat/${SESSIONS.olives}`;
    const res = await app.visitor().get(`/start?redirect=${encodeURIComponent(path)}`);
    const html = await res.text();
    assert.match(html, /Continue as guest/);
    assert.ok(html.includes(`name="redirect" value="${path}"`));

    assert.equal(await ledTo(await app.as("olive").get(`/start?redirect=${path}`)), path);
    assert.equal(await ledTo(await app.as("olive").get("/start?redirect=//evil.test")), "/account");
    const guest = app.visitor();
    assert.equal(await ledTo(await guest.post("/start", { redirect: path })), path);
    assert.equal((await guest.get(path)).status, 404);
    const evil = await app.visitor().post("/start", { redirect: "https://evil.test" });
    assert.equal(await ledTo(evil), "/");
  });

  await t.step("refuses an intake that is too long, and says so", async () => {
    const res = await app.visitor().post("/start", {
      plan: "chat10",
      complaint: "x".repeat(4001),
    });
    assert.equal(res.status, 413);
    assert.match(await textOf(res), /4,000/);
  });

  await t.step("/thank-you tells a buyer how it stands, and a stranger nothing", async () => {
    const id = await giveSession(app, { userId: USERS.oscar, type: "video", plan: "video15" });
    const path = `/thank-you?session=${id}`;
    const html = await (await app.as("oscar").get(path)).text();
    assert.match(html, /Waiting for a mechanic/);
    assert.match(html, /The video room is not open yet/);
    assert.doesNotMatch(html, /href="\/video/);

    assert.equal((await app.as("olive").get(path)).status, 404);
    assert.equal((await app.as("oscar").get("/thank-you?session=nonsense")).status, 404);
    assert.equal((await app.as("oscar").get("/thank-you")).status, 404);
    assert.equal(
      await ledTo(await app.visitor().get(path)),
      `/start?redirect=${encodeURIComponent(path)}`,
    );
    assert.equal(
      await ledTo(await app.as("olive").get(`/thank-you?session=${SESSIONS.olives}`)),
      `/chat/${SESSIONS.olives}`,
    );
  });

  await t.step("/account lists what is one's own", async () => {
    const html = await (await app.as("olive").get("/account")).text();
    assert.ok(html.includes(`href="/chat/${SESSIONS.olives}"`));
    assert.ok(!html.includes(SESSIONS.oscars));
    assert.match(html, /Sign out everywhere/);
  });
});
