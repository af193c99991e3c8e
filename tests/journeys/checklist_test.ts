import assert from "node:assert/strict";
import { assignByHand, buyQuickChat, chatOn, journey, payBy, type Person } from "./people.ts";

journey("the setup guide's checklist, by two people in two browsers", async (town, step) => {
  const vic = await town.person();
  let sessionId = "";

  await step("a guest buys a Quick Chat with 4242 and waits for a mechanic", async () => {
    await vic.go("/");
    await vic.press("Start Quick Chat");
    await vic.arrive("/start?plan=chat10");
    await vic.write("Vehicle", "2009 Golf 1.4");
    await vic.write("What does it do?", "It shakes at 50");
    await vic.press("Continue as guest");
    await payBy(vic);

    const { pathname } = await vic.arrive("/chat/*");
    sessionId = pathname.slice("/chat/".length);
    await vic.chat.status("Waiting for a mechanic to join");
    await vic.read("2009 Golf 1.4");
    await vic.read("It shakes at 50");
  });

  await step("the guide's SQL finds the session, its customer and what is kept of it", async () => {
    const sessions = await town.dba(
      "SELECT id, type, plan, status FROM sessions WHERE type = 'chat' ORDER BY created_at DESC LIMIT 1;",
    );
    assert.deepEqual(sessions, [{
      id: sessionId,
      type: "chat",
      plan: "chat10",
      status: "waiting",
    }]);
    const seats = await town.dba(
      `SELECT user_id, role FROM session_participants WHERE session_id = '${sessionId}';`,
    );
    assert.deepEqual(seats.map(({ role }) => role), ["customer"]);
    const [{ metadata }] = await town.dba<{ metadata: Record<string, string> }>(
      `SELECT metadata FROM sessions WHERE id = '${sessionId}';`,
    );
    assert.equal(metadata.customer_email, "payer@elsewhere.test");
    const [intake] = await town.app.sql("select vehicle from app.intakes where id = $1", [
      metadata.intake_id,
    ]);
    assert.deepEqual(intake, { vehicle: "2009 Golf 1.4" });
    assert.ok((await town.dba("SELECT id, email FROM auth.users LIMIT 5;")).length > 0);
  });

  await step(
    "a message goes out by Enter and by Send; a second tab shows both at once",
    async () => {
      const tab = await vic.newTab();
      await tab.goto(vic.page.url());
      const second = chatOn(tab);
      await second.status("Waiting for a mechanic to join");

      await vic.chat.message.fill("Hello");
      await vic.chat.message.press("Shift+Enter");
      await vic.chat.message.pressSequentially("is anybody there?");
      await vic.chat.message.press("Enter");
      await second.hear("Hello is anybody there?");
      await second.say("It is me from the other tab");
      await vic.chat.hear("It is me from the other tab");
      await tab.close();

      const said = await town.app.sql<{ body: string; role: string }>(
        `select m.body, p.role from app.chat_messages m
       join app.session_participants p on p.session_id = m.session_id and p.user_id = m.sender_id
       where m.session_id = $1 order by m.version`,
        [sessionId],
      );
      assert.deepEqual(said, [
        { body: "Hello\nis anybody there?", role: "customer" },
        { body: "It is me from the other tab", role: "customer" },
      ]);
    },
  );

  await step("own messages are blue and on the right", async () => {
    await assertOwn(vic, "It is me from the other tab");
  });

  const marco = await town.person({ expects: [/404 \(Not Found\)/] });

  await step("who has no seat finds nothing there, signed in as a mechanic or not", async () => {
    await marco.go(`/chat/${sessionId}`);
    await marco.arrive(`/start?redirect=${encodeURIComponent(`/chat/${sessionId}`)}`);
    await marco.write("Email", "marco@wrenchline.test");
    await marco.press("Email me a code");
    await town.codeFor("marco@wrenchline.test"); // it has come
    const mail = await marco.newTab();
    await mail.goto(`${town.app.origin}/dev/mail`);
    const newest = await mail.getByRole("article").first().innerText();
    assert.match(newest, /To marco@wrenchline\.test/);
    await marco.write("Code", /Your code is (\d{6})/.exec(newest)![1]);
    await marco.press("Sign in");
    await marco.arrive(`/chat/${sessionId}`);
    await marco.page.getByRole("heading", { level: 1 }).waitFor();
    assert.equal(await marco.chat.log.count(), 0);
  });

  await step("the DBA's INSERT is seen by the customer without a reload", async () => {
    await vic.page.evaluate(() => document.body.dataset.loaded = "once");
    await assignByHand(town, sessionId, "marco@wrenchline.test");
    await vic.chat.status("1 mechanic connected");
    assert.equal(await vic.page.evaluate(() => document.body.dataset.loaded), "once");
  });

  await step("the mechanic reads what was said, and the two talk", async () => {
    await marco.page.reload();
    await marco.chat.hear("Hello is anybody there?");
    await marco.read("It shakes at 50");
    await marco.chat.say("At 50 what, miles?");
    await vic.chat.hear("At 50 what, miles?");
    await vic.chat.say("Kilometres");
    await marco.chat.hear("Kilometres");

    await assertOwn(marco, "At 50 what, miles?");
    await assertOthers(marco, "Kilometres");
    await assertOthers(vic, "At 50 what, miles?");
    await vic.chat.log.getByText("Marco", { exact: true }).waitFor();
  });

  await step("the DBA's DELETE turns the mechanic out at once", async () => {
    await town.dba(
      `DELETE FROM session_participants WHERE session_id = '${sessionId}' AND role = 'mechanic';`,
    );
    await marco.read("You are no longer in this session.");
    await marco.chat.status("Not connected");
    await vic.chat.status("Waiting for a mechanic to join");
    await vic.chat.say("Are you still there?");
    await vic.chat.hear("Are you still there?");
    assert.equal(await marco.chat.bubble("Are you still there?").count(), 0);
    await marco.page.reload();
    assert.equal(await marco.chat.log.count(), 0);
  });
});

journey(
  "Live Video and Diagnostic end at a page that says honestly what comes next",
  async (town) => {
    const vic = await town.person();
    for (const [name, type] of [["Live Video", "video"], ["Diagnostic", "diagnostic"]]) {
      await vic.go("/");
      await vic.press(`Start ${name}`);
      await vic.press("Continue as guest");
      await payBy(vic);
      const url = await vic.arrive("/thank-you?session=*");
      await vic.page.getByRole("heading", { level: 1, name: "Thank you" }).waitFor();
      assert.deepEqual(
        await town.dba("SELECT type, status FROM sessions WHERE id = $1", [
          url.searchParams.get("session"),
        ]),
        [{ type, status: "waiting" }],
      );
      await vic.follow("Your sessions and receipts");
      await vic.page.getByRole("link", { name, exact: true }).click();
      await vic.arrive("/thank-you?session=*");
    }
  },
);

journey(
  "a chat is shown to the people in it, on every device they sign in on",
  async (town, step) => {
    const olive = await town.person();
    const sessionId = await buyQuickChat(olive);
    await olive.go("/account");
    await olive.signIn("new.customer@wrenchline.test");
    await olive.arrive("/account");
    await olive.read("Signed in as new.customer@wrenchline.test.");
    await olive.follow("Quick Chat");
    await olive.chat.status("Waiting for a mechanic to join");

    await step("signed out it leads to signing in, and back", async () => {
      const phone = await town.person({ viewport: { width: 360, height: 740 } });
      await phone.go(`/chat/${sessionId}`);
      await phone.arrive(`/start?redirect=${encodeURIComponent(`/chat/${sessionId}`)}`);
      await phone.signIn("new.customer@wrenchline.test");
      await phone.arrive(`/chat/${sessionId}`);
      await phone.chat.say("From my phone");
      await olive.chat.hear("From my phone");
      await assertOwn(olive, "From my phone");
    });

    await step("the link in the mail leads there as well, by one press", async () => {
      const tablet = await town.person();
      await tablet.go(`/chat/${sessionId}`);
      await tablet.write("Email", "new.customer@wrenchline.test");
      await tablet.press("Email me a code");
      await town.codeFor("new.customer@wrenchline.test"); // it has come
      const mail = await tablet.newTab();
      await mail.goto(`${town.app.origin}/dev/mail`);
      await mail.getByRole("article").first().getByRole("link").click();
      await mail.getByRole("button", { name: "Sign in", exact: true }).click();
      await mail.waitForURL(`${town.app.origin}/chat/${sessionId}`);
      await mail.getByRole("log").getByText("From my phone").waitFor();
    });

    await step("another user finds nothing there", async () => {
      const oscar = await town.person({ expects: [/404 \(Not Found\)/] });
      await oscar.go(`/chat/${sessionId}`);
      await oscar.signIn("oscar@wrenchline.test");
      await oscar.arrive(`/chat/${sessionId}`);
      await oscar.read("There is nothing here");
      assert.equal(await oscar.page.getByText("From my phone").count(), 0);
    });

    await step("signing out everywhere closes it on every device", async () => {
      const phone = await town.person();
      await phone.go("/login");
      await phone.signIn("new.customer@wrenchline.test");
      await phone.press("Sign out everywhere");
      await phone.arrive("/");
      await olive.read("You are signed out.");
      await olive.follow("Sign in again");
      await olive.arrive(`/start?redirect=${encodeURIComponent(`/chat/${sessionId}`)}`);
    });
  },
);

async function assertOwn(person: Person, text: string): Promise<void> {
  const { blue, left, right } = await placeOf(person, text);
  assert.ok(blue, `${text} is not blue`);
  assert.ok(right < left, `${text} is not on the right`);
}

async function assertOthers(person: Person, text: string): Promise<void> {
  const { blue, left, right } = await placeOf(person, text);
  assert.ok(!blue, `${text} is blue`);
  assert.ok(left < right, `${text} is not on the left`);
}

/** Where in the log a bubble stands, and whether its ground is blue to the eye. */
function placeOf(person: Person, text: string) {
  return person.chat.bubble(text).evaluate((bubble) => {
    const canvas = new OffscreenCanvas(1, 1).getContext("2d")!;
    canvas.fillStyle = getComputedStyle(bubble).backgroundColor;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b] = canvas.getImageData(0, 0, 1, 1).data;
    const log = bubble.closest("[role=log]")!.getBoundingClientRect();
    const its = bubble.getBoundingClientRect();
    return {
      blue: b > r + 50 && b > g + 20,
      left: its.left - log.left,
      right: log.right - its.right,
    };
  });
}
