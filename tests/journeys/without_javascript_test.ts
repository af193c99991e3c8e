import assert from "node:assert/strict";
import { assignByHand, buyQuickChat, journey, payBy } from "./people.ts";

journey("without JavaScript one buys, waits and talks", async (town, step) => {
  const vic = await town.person({
    javaScriptEnabled: false,
    expects: [/413 \(Payload Too Large\)/],
  });
  const marco = await town.person();
  let sessionId = "";

  await step("buying as a guest", async () => {
    sessionId = await buyQuickChat(vic);
    await vic.chat.status("Waiting for a mechanic to join");
  });

  await step("sending and reading", async () => {
    await vic.chat.say("Hello\nis anybody there?");
    await vic.arrive(`/chat/${sessionId}`);
    await vic.chat.hear("Hello is anybody there?");

    await assignByHand(town, sessionId, "marco@wrenchline.test");
    await marco.go(`/chat/${sessionId}`);
    await marco.signIn("marco@wrenchline.test");
    await marco.chat.hear("Hello is anybody there?");
    await marco.chat.say("I am");
    await marco.chat.hear("I am");
    await marco.page.getByText("Sent").or(marco.page.getByText("Sending…")).waitFor({
      state: "detached",
    });

    await vic.follow("Load it again");
    await vic.chat.status("1 mechanic connected");
    await vic.chat.hear("I am");
    await vic.chat.say("Good");
    await marco.chat.hear("Good");
  });

  await step("a message that is too long is kept, with the reason", async () => {
    await vic.chat.say("x".repeat(4001));
    await vic.read(/too long|4,000/);
    assert.equal((await vic.chat.message.inputValue()).length, 4001);
    assert.equal(await marco.chat.log.getByText("xxx").count(), 0);
    await vic.chat.say("Shorter");
    await vic.arrive(`/chat/${sessionId}`);
    await marco.chat.hear("Shorter");
  });
});

journey("without JavaScript one signs in on the way to paying", async (town) => {
  const vic = await town.person({ javaScriptEnabled: false });
  await vic.go("/");
  await vic.press("Start Quick Chat");
  await vic.write("Vehicle", "1967 Beetle");
  await vic.signIn("beetle@wrenchline.test");
  await payBy(vic);
  await vic.arrive("/chat/*");
  await vic.read("1967 Beetle");
  await vic.follow("Your sessions");
  await vic.read("Signed in as beetle@wrenchline.test.");
  await vic.press("Sign out everywhere");
  await vic.page.getByRole("link", { name: "Sign in" }).waitFor();
});
