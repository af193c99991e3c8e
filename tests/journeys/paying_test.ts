import assert from "node:assert/strict";
import { buyQuickChat, CARDS, journey, payBy, type Person } from "./people.ts";

journey("a declined card costs nothing, and another one pays", async (town) => {
  const vic = await town.person({ expects: [/402 \(Payment Required\)/] });
  const before = await town.dba("SELECT id FROM sessions ORDER BY id");
  await toStripe(vic);
  await payBy(vic, CARDS.isDeclined);
  await vic.read("Your card was declined.");
  assert.deepEqual(await town.dba("SELECT id FROM sessions ORDER BY id"), before);
  await payBy(vic);
  await vic.arrive("/chat/*");
});

journey("a card that asks for 3-D Secure pays once its owner says yes", async (town) => {
  const vic = await town.person({ expects: [/402 \(Payment Required\)/] });
  await toStripe(vic);
  await payBy(vic, CARDS.asksFor3ds);
  await vic.press("Fail authentication");
  await vic.read("We are unable to authenticate your payment method.");
  await payBy(vic, CARDS.asksFor3ds);
  await vic.press("Complete authentication");
  await vic.arrive("/chat/*");
  await vic.chat.status("Waiting for a mechanic to join");
});

journey("who leaves the payment comes back to what they had told us", async (town) => {
  const vic = await town.person();
  await vic.go("/");
  await vic.press("Start Diagnostic");
  await vic.write("Vehicle", "1998 Saab 900");
  await vic.write("What does it do?", "It whines\nin reverse");
  await vic.press("Continue as guest");
  await vic.follow("← Back to Wrenchline");
  await vic.arrive("/start?plan=diagnostic&cancelled=1");
  await vic.read("You left the payment, so nothing was charged.");
  const kept = await Promise.all(
    ["Vehicle", "What does it do?"].map((name) => vic.page.getByLabel(name).inputValue()),
  );
  assert.deepEqual(kept, ["1998 Saab 900", "It whines\nin reverse"]);

  // Another plan, with the same car.
  await vic.go("/");
  await vic.press("Start Quick Chat");
  await vic.press("Continue as guest");
  await payBy(vic);
  await vic.arrive("/chat/*");
  await vic.read("1998 Saab 900");
});

journey("a promotion code for everything asks for no card", async (town) => {
  const vic = await town.person();
  await toStripe(vic);
  await vic.write("Promotion code", "NONSENSE");
  await vic.press("Apply");
  await vic.read("This code is invalid.");
  await vic.write("Promotion code", "FREE100");
  await vic.press("Apply");
  await vic.read("Total due");
  assert.equal(await vic.page.getByLabel("Card number").count(), 0);
  await vic.write("Email", "payer@elsewhere.test");
  await vic.press("Pay");
  await vic.arrive("/chat/*");
  await vic.follow("Your sessions");
  await vic.read("$0.00");
});

journey(
  "a tab closed on Stripe's page leaves a session that waits on the front page",
  async (town, step) => {
    const vic = await town.person();
    await toStripe(vic);
    await vic.page.route("**/checkout/success*", (route) => route.abort());
    await payBy(vic);
    await town.app.sandbox.idle();
    const tab = await vic.newTab();
    await vic.page.close();
    const waiting = tab.getByRole("link", { name: "You have a session waiting" });

    await step("there, and on the page of one's sessions", async () => {
      await tab.goto(town.app.origin);
      await waiting.click();
      await tab.getByRole("status").getByText("Waiting for a mechanic to join").waitFor();
      await tab.getByRole("link", { name: "Your sessions" }).click();
      await tab.getByRole("link", { name: "Quick Chat", exact: true }).waitFor();
      await tab.getByText("Waiting for a mechanic", { exact: true }).waitFor();
      await tab.getByText("$9.99").waitFor();
    });

    await step("and not for anybody else", async () => {
      const oscar = await town.person();
      await oscar.go("/");
      assert.equal(await oscar.page.getByText("You have a session waiting").count(), 0);
    });
  },
);

journey("the success page finds out by itself where the webhook never comes", async (town) => {
  town.app.sandbox.faults.webhook("never", "*", 10);
  const vic = await town.person();
  await buyQuickChat(vic);
  await vic.chat.status("Waiting for a mechanic to join");
  town.app.sandbox.faults.clear();
});

journey(
  "a payment that takes its time is waited for, and told about when it failed",
  async (town, step) => {
    const { sandbox } = town.app;
    for (const outcome of ["succeeded", "failed"] as const) {
      const vic = await town.person();
      await step(`it ${outcome}`, async () => {
        await toStripe(vic);
        await vic.write("Email", "payer@elsewhere.test");
        await vic.page.getByLabel("Pay by bank transfer").check();
        await vic.press("Pay");
        const url = await vic.arrive("/checkout/success?session_id=*");
        await vic.page.getByRole("heading", { name: "Confirming your payment" }).waitFor();
        await sandbox.settle(url.searchParams.get("session_id")!, outcome);
        if (outcome === "succeeded") return void await vic.arrive("/chat/*");
        await vic.arrive("/start?plan=chat10&problem=failed");
        await vic.read("The payment did not go through, so nothing was charged.");
      });
    }
  },
);

journey("going back after paying does not pay again", async (town) => {
  const vic = await town.person();
  const sessionId = await buyQuickChat(vic);
  await vic.page.goBack();
  await vic.page.waitForURL("**/c/pay/**");
  await vic.page.reload();
  await vic.read("You have already paid");
  await vic.follow("Continue");
  await vic.arrive(`/chat/${sessionId}`);
});

journey("a session the DBA refunds is told to be, on its page and on the receipt", async (town) => {
  const vic = await town.person();
  const sessionId = await buyQuickChat(vic);
  await town.dba("select refund_session($1, 'nobody came')", [sessionId]);
  await vic.chat.status("This session is over");
  await vic.follow("Your sessions");
  await vic.read("Paid, and refunded");
  await vic.page.getByText("Refunded", { exact: true }).waitFor();
});

/** From the front page to Stripe's, as a guest. */
async function toStripe(person: Person): Promise<void> {
  await person.go("/");
  await person.press("Start Quick Chat");
  await person.press("Continue as guest");
  await person.page.waitForURL("**/c/pay/**");
}
