import axe from "axe-core";
import assert from "node:assert/strict";
import { assignByHand, CARDS, journey, payBy, type Person } from "./people.ts";

for (const colorScheme of ["light", "dark"] as const) {
  journey(
    `every page on the way is fit for a phone and a screen reader, ${colorScheme}`,
    async (town, step) => {
      const phone = { colorScheme, viewport: { width: 360, height: 740 } };
      const expects = [/402 \(Payment Required\)/, /404 \(Not Found\)/];
      const vic = await town.person({ ...phone, expects });
      const marco = await town.person({ ...phone, expects });
      await Promise.all([vic, marco].map(({ page }) => page.addInitScript(watchShifts)));
      let sessionId = "";

      await step("buying", async () => {
        await vic.go("/");
        await assertFit(vic);
        await vic.press("Start Quick Chat");
        await vic.write("Vehicle", "Donaudampfschifffahrtsgesellschaftskapitän".repeat(3));
        await vic.write("What does it do?", `It shakes\n\n${"rattle".repeat(80)}`);
        await assertFit(vic);
        await vic.press("Continue as guest");
        await vic.page.waitForURL("**/c/pay/**");
        await assertFit(vic);
        await payBy(vic, CARDS.isDeclined);
        await vic.read("Your card was declined.");
        await assertFit(vic);
        await payBy(vic, CARDS.asksFor3ds);
        await vic.page.getByRole("button", { name: "Complete authentication" }).waitFor();
        await assertFit(vic);
        await vic.press("Complete authentication");
        sessionId = (await vic.arrive("/chat/*")).pathname.slice("/chat/".length);
        await assertFit(vic);
      });

      await step("the mechanic's coming in", async () => {
        await marco.go(`/chat/${sessionId}`);
        await assertFit(marco);
        await marco.write("Email", "marco@wrenchline.test");
        await marco.press("Email me a code");
        await marco.write("Code", "000000");
        const code = await town.codeFor("marco@wrenchline.test");
        await assertFit(marco);
        await marco.write("Code", code);
        await marco.press("Sign in");
        await marco.arrive(`/chat/${sessionId}`);
        await assertFit(marco);
        await assignByHand(town, sessionId, "marco@wrenchline.test");
        await vic.chat.status("1 mechanic connected");
        await assertFit(vic);
      });

      await step("the conversation", async () => {
        await marco.page.reload();
        await vic.chat.say("https://example.test/a/very/long/".padEnd(300, "path"));
        await vic.chat.say(`Wide: ${"W".repeat(400)}`);
        await marco.chat.hear(`Wide: ${"W".repeat(400)}`);
        await marco.chat.say("Short");
        await vic.chat.hear("Short");
        await assertFit(vic);
        await assertFit(marco);
        await vic.page.reload();
        await assertFit(vic);
      });

      await step("a message that is too long, and the way out", async () => {
        await vic.chat.message.fill("x".repeat(3501));
        await vic.read("499 characters left");
        await vic.chat.message.fill("x".repeat(4001));
        await vic.read("Too long to send by 1 character.");
        await vic.chat.message.press("Enter");
        await assertReadable(vic);
        await vic.chat.message.press("Backspace");
        await vic.read("0 characters left");
        await vic.chat.message.press("Enter");
        await vic.chat.hear("x".repeat(4000));
        await vic.follow("Your sessions");
        await vic.arrive("/account");
        await assertFit(vic);
        await vic.follow("Sign out");
        await vic.arrive("/logout");
        await assertFit(vic);
      });
    },
  );
}

/** A page that was just opened: readable, and nothing on it moved by itself. */
async function assertFit(person: Person): Promise<void> {
  await assertReadable(person);
  const shifts = await person.page.evaluate(() => (globalThis as unknown as { shifts: [] }).shifts);
  assert.deepEqual(shifts, [], person.page.url());
}

/** Nothing that axe would complain of, and nothing to scroll to sideways. */
async function assertReadable({ page }: Person): Promise<void> {
  await page.waitForLoadState("networkidle");
  await page.evaluate(axe.source);
  const found = await page.evaluate(async () => {
    const { violations } = await (globalThis as unknown as { axe: typeof axe }).axe.run();
    return {
      violations: violations.map(({ id, nodes }) =>
        `${id}: ${nodes[0].html} ${nodes[0].failureSummary}`
      ),
      excess: document.documentElement.scrollWidth - innerWidth,
    };
  });
  assert.deepEqual(found, { violations: [], excess: 0 }, page.url());
}

/** Remembers each time something moved that nobody had touched. */
function watchShifts() {
  const shifts: string[] = [];
  Object.assign(globalThis, { shifts });
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const shift = entry as unknown as {
        value: number;
        hadRecentInput: boolean;
        sources: { node: Node | null }[];
      };
      if (shift.hadRecentInput) continue;
      const moved = shift.sources.map(({ node }) =>
        node instanceof Element ? node.outerHTML.slice(0, 120) : node?.textContent
      );
      shifts.push(`${shift.value} ${moved.join(" and ")}`);
    }
  }).observe({ type: "layout-shift", buffered: true });
}
