import { assignByHand, buyQuickChat, journey, type Person, type Town } from "./people.ts";

journey("a conversation survives what breaks between the two", async (town, step) => {
  const vic = await town.person({ expects: [/ERR_INTERNET_DISCONNECTED/] });
  const marco = await town.person();
  const links = await holdLinks(vic);
  await meet(town, vic, marco);

  await step("the database's bell rope is cut, and then everybody's connection", async () => {
    await cut(town, "usename = 'wrenchline_relay'");
    await marco.chat.say("Said while nobody listened");
    await vic.chat.hear("Said while nobody listened");
    await cut(town, "usename like 'wrenchline%'");
    await vic.chat.say("Said while nothing was connected");
    await marco.chat.hear("Said while nothing was connected");
  });

  await step("the socket is cut", async () => {
    await links.cut();
    await vic.chat.say("From the new socket");
    await marco.chat.hear("From the new socket");
    await marco.chat.say("Heard by the new socket");
    await vic.chat.hear("Heard by the new socket");
  });

  await step("the customer goes through a tunnel", async () => {
    await vic.page.context().setOffline(true);
    await vic.read("You are offline");
    await vic.chat.say("Written in the tunnel");
    await vic.read("You are offline; 1 message will be sent");
    await marco.chat.say("Said meanwhile");
    await marco.chat.hear("Said meanwhile");
    await vic.page.context().setOffline(false);
    await vic.chat.hear("Said meanwhile");
    await marco.chat.hear("Written in the tunnel");
  });

  await step("nothing was lost, nothing is there twice, and both read the same", async () => {
    const expected = [
      "Said while nobody listened",
      "Said while nothing was connected",
      "From the new socket",
      "Heard by the new socket",
      "Said meanwhile",
      "Written in the tunnel",
    ];
    for (const { chat } of [vic, marco]) {
      await chat.log.page().waitForFunction(
        (expected) =>
          [...document.querySelectorAll("[role=log] .chat-bubble")]
            .map((bubble) => bubble.textContent).join("\n") === expected,
        expected.join("\n"),
      );
    }
  });
});

async function meet(town: Town, vic: Person, marco: Person): Promise<void> {
  const sessionId = await buyQuickChat(vic);
  await assignByHand(town, sessionId, "marco@wrenchline.test");
  await marco.go(`/chat/${sessionId}`);
  await marco.signIn("marco@wrenchline.test");
  await vic.chat.status("1 mechanic connected");
  await marco.chat.status("1 mechanic connected");
}

async function cut(town: Town, whose: string): Promise<void> {
  await town.app.sql(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and pid <> pg_backend_pid() and ${whose}`,
  );
}

/** A hand on this person's sockets. */
async function holdLinks(person: Person): Promise<{ cut(): Promise<void> }> {
  const links = new Set<{ close(options: { code: number }): Promise<void> }>();
  await person.page.routeWebSocket("**/socket?*", (link) => {
    link.connectToServer();
    links.add(link);
  });
  return {
    async cut() {
      for (const link of links) await link.close({ code: 1012 });
      links.clear();
    },
  };
}
