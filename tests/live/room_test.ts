import axe from "axe-core";
import assert from "node:assert/strict";
import type { Page } from "playwright";
import { drain } from "@/lib/live/relay.ts";
import { startApp } from "@/tests/support/app.ts";
import { openBrowser, type VisitOptions } from "@/tests/support/browser.ts";
import { type Actor, sceneIn } from "./scene.ts";

// Started while modules load: one app for all tests here, a session and a browser for each.
const { db, origin } = await startApp();

/** Olive waiting in a chat; `enter` opens it in a browser of somebody's own. */
async function stage() {
  const s = await sceneIn(db);
  const browser = await openBrowser();
  return {
    s,
    async enter(who: Actor, options: VisitOptions = {}) {
      const visit = await browser.visit(options);
      await visit.page.context().addCookies([{ name: "login", value: who.token, url: origin }]);
      await visit.page.addInitScript(watchShifts);
      await visit.page.goto(`${origin}/chat/${s.sessionId}`);
      return Object.assign(visit, { room: room(visit.page) });
    },
    async [Symbol.asyncDispose]() {
      await browser[Symbol.asyncDispose]();
      await drain();
      await s[Symbol.asyncDispose]();
    },
  };
}

/** The page by its accessible names. */
function room(page: Page) {
  const log = page.getByRole("log", { name: "Conversation" });
  const message = page.getByRole("textbox", { name: "Message" });
  return {
    log,
    message,
    said: (text: string) => log.getByText(text, { exact: true }),
    status: (text: string) => page.getByRole("status").getByText(text, { exact: true }),
    announcer: page.locator(".sr-only[aria-live=polite]"),
    async say(text: string) {
      await message.fill(text);
      await page.getByRole("button", { name: "Send" }).click();
    },
  };
}

function watchShifts() {
  const seen = globalThis as unknown as { shifts: number };
  seen.shifts = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      seen.shifts += (entry as unknown as { value: number }).value;
    }
  }).observe({ type: "layout-shift", buffered: true });
}

/** Waits until the island has its line. */
async function awake(page: Page) {
  await page.locator("[data-connection=open]").waitFor();
}

Deno.test("two people in two browsers talk, and a second tab follows", async () => {
  await using it = await stage();
  const { s } = it;
  await using olive = await it.enter(s.olive);
  await olive.room.status("Waiting for a mechanic to join").waitFor();
  await awake(olive.page);

  await olive.room.message.fill("It shakes");
  await olive.page.keyboard.press("Shift+Enter");
  await olive.page.keyboard.type("at 50");
  await olive.page.keyboard.press("Enter");
  const own = olive.room.log.locator("li").filter({ hasText: "It shakes" });
  await own.waitFor();
  assert.equal(await olive.room.message.inputValue(), "");
  assert.ok(await olive.room.message.evaluate((box) => box === document.activeElement));

  const tab = room(await olive.newTab());
  await tab.log.page().goto(olive.page.url());
  await olive.room.say("Hello?");
  await tab.said("Hello?").waitFor();

  await s.seat(s.sessionId, s.marco, "mechanic");
  await olive.room.status("1 mechanic connected").waitFor();
  await using marco = await it.enter(s.marco);
  await marco.room.said("Hello?").waitFor();
  await awake(marco.page);
  await marco.room.message.pressSequentially("At what");
  await olive.page.getByText("Marco is typing…").waitFor();
  await marco.room.say("At what speed?");
  await olive.room.said("At what speed?").waitFor();
  await tab.said("At what speed?").waitFor();
  assert.equal(await olive.page.getByText("Marco is typing…").count(), 0);

  const look = (text: string) =>
    olive.room.said(text).evaluate((bubble) => ({
      colour: getComputedStyle(bubble).backgroundColor.match(/\d+/g)!.map(Number),
      left: bubble.getBoundingClientRect().left -
        bubble.closest("ol")!.getBoundingClientRect().left,
      right: bubble.closest("ol")!.getBoundingClientRect().right -
        bubble.getBoundingClientRect().right,
    }));
  const [mine, theirs] = [await look("Hello?"), await look("At what speed?")];
  const [red, green, blue] = mine.colour;
  assert.ok(blue > 180 && red < 90 && green < 130, `${mine.colour} is not blue`);
  assert.ok(mine.right < mine.left, "own messages are on the right");
  assert.ok(theirs.left < theirs.right, "others' are on the left");
  assert.notDeepEqual(mine.colour, theirs.colour);
});

Deno.test("a page comes back by itself, with what it missed and what it could not send", async () => {
  await using it = await stage();
  const { s } = it;
  await using olive = await it.enter(s.olive, { expects: [/WebSocket|ERR_INTERNET/] });
  await awake(olive.page);
  await olive.room.say("before");
  await olive.room.said("before").waitFor();

  const isBack = olive.page.waitForEvent("websocket");
  await drain(); // as a process that is replaced
  await isBack;
  await s.insertMessage(s.sessionId, s.olive, "from another device");
  await olive.room.said("from another device").waitFor();

  await olive.page.context().setOffline(true);
  await olive.page.getByText("You are offline").waitFor();
  await olive.room.say("in a tunnel");
  await olive.page.getByText("You are offline; 1 message will be sent").waitFor();
  await s.insertMessage(s.sessionId, s.olive, "meanwhile");
  await olive.page.context().setOffline(false);
  await olive.room.said("meanwhile").waitFor();
  await olive.room.log.locator("li").filter({ hasText: "in a tunnel" }).filter({
    hasNotText: "Sen",
  }).waitFor();

  const bubbles = () => olive.room.log.locator(".chat-bubble").allTextContents();
  const expected = ["before", "from another device", "meanwhile", "in a tunnel"];
  assert.deepEqual(await bubbles(), expected);
  await olive.page.reload();
  assert.deepEqual(await bubbles(), expected);
});

Deno.test("history is not announced; what is new is, by author, and the reader is not moved", async () => {
  await using it = await stage();
  const { s } = it;
  await s.seat(s.sessionId, s.marco, "mechanic");
  await s.insertMessage(s.sessionId, s.marco, "line", 40);
  await using olive = await it.enter(s.olive);
  await olive.room.said("line 40").waitFor();
  assert.equal(await olive.room.log.getAttribute("aria-live"), "off");

  await awake(olive.page);
  await olive.room.log.evaluate((log) => log.scrollTop = -800);
  const top = () => olive.room.said("line 25").evaluate((line) => line.getBoundingClientRect().top);
  const before = await top();
  await s.insertMessage(s.sessionId, s.marco, "new", 3);
  const button = olive.page.getByRole("button", { name: "3 new messages" });
  await button.waitFor();
  assert.ok(Math.abs(await top() - before) < 2, "the reader was moved");
  await olive.room.announcer.getByText("Marco: new 1").waitFor({ state: "attached" });
  const spoken = await olive.room.announcer.textContent();
  assert.equal(spoken, "Marco: new 1\nMarco: new 2\nMarco: new 3");

  await button.click();
  assert.ok(await olive.room.said("new 3").isVisible());
  assert.equal(await button.count(), 0);
  assert.ok(await olive.room.message.evaluate((box) => box === document.activeElement));
});

Deno.test("the limit is said before it is hit, and too long is not sent and not lost", async () => {
  await using it = await stage();
  await using olive = await it.enter(it.s.olive);
  await awake(olive.page);
  const { message } = olive.room;
  await message.fill("x".repeat(3990));
  await olive.page.getByText("10 characters left").waitFor();
  await message.fill("🚗".repeat(4001));
  await olive.page.getByText("Too long to send by 1 character.").waitFor();
  await message.press("Enter");
  await olive.page.getByRole("alert").getByText("too long to send").waitFor();
  assert.equal(await message.inputValue(), "🚗".repeat(4001));
  assert.equal(await olive.room.log.locator("li").count(), 0);

  await message.fill("🚗".repeat(4000));
  await message.press("Enter");
  await olive.room.said("🚗".repeat(4000)).waitFor();
});

Deno.test("what is typed before the page woke is kept, and its Enter sends it", async () => {
  await using it = await stage();
  await using olive = await it.enter(it.s.olive);
  for (const last of ["Enter", null]) {
    const { promise: woken, resolve: wake } = Promise.withResolvers<void>();
    await olive.page.route(/\.js(\?|$)/, async (route) => {
      await woken;
      await route.continue();
    });
    await olive.page.goto(`${origin}/chat/${it.s.sessionId}`, { waitUntil: "commit" });
    await olive.room.message.click();
    await olive.page.keyboard.type("typed early");
    if (last) await olive.page.keyboard.press(last);
    wake();
    await awake(olive.page);
    if (last) await olive.room.said("typed early").waitFor();
    assert.equal(await olive.room.message.inputValue(), last ? "" : "typed early");
    await olive.page.unrouteAll();
  }
});

Deno.test("Enter that chooses a word while composing does not send", async () => {
  await using it = await stage();
  await using olive = await it.enter(it.s.olive);
  await awake(olive.page);
  await olive.room.message.fill("にほん");
  await olive.room.message.evaluate((box) => {
    const init = { key: "Enter", bubbles: true, cancelable: true, isComposing: true };
    box.dispatchEvent(new KeyboardEvent("keydown", init));
  });
  assert.equal(await olive.room.message.inputValue(), "にほん");
  await olive.room.message.press("Enter");
  await olive.room.said("にほん").waitFor();
});

Deno.test("links are safe, and text is never HTML", async () => {
  await using it = await stage();
  await using olive = await it.enter(it.s.olive);
  const text = "<img src=x onerror=alert(1)> https://a.example/x?y=1. javascript:alert(1)";
  await olive.room.say(text);
  await olive.room.said(text).waitFor();
  const links = await olive.room.log.getByRole("link").evaluateAll((links) =>
    (links as HTMLAnchorElement[]).map(({ href, rel, target }) => ({ href, rel, target }))
  );
  assert.deepEqual(links, [{
    href: "https://a.example/x?y=1",
    rel: "noopener noreferrer nofollow",
    target: "_blank",
  }]);
});

Deno.test("who is removed, or whose session ended, is told, and keeps what was typed", async () => {
  await using it = await stage();
  const { s } = it;
  await s.seat(s.sessionId, s.marco, "mechanic");
  await using olive = await it.enter(s.olive);
  await using marco = await it.enter(s.marco);
  await Promise.all(
    [olive, marco].map(({ room }) => room.status("1 mechanic connected").waitFor()),
  );
  await Promise.all([olive, marco].map(({ page }) => awake(page)));
  await marco.room.say("I am here");
  await olive.room.said("I am here").waitFor();
  await olive.room.message.fill("half a thought");

  await s.unseat(s.sessionId, s.marco);
  await marco.page.getByText("You are no longer in this session.").waitFor();
  assert.equal(await marco.room.message.count(), 0);
  await olive.room.status("Waiting for a mechanic to join").waitFor();

  await s.dba.query("select api.end_session($1, 'done')", [s.sessionId]);
  await olive.room.status("This session is over").waitFor();
  assert.equal(await olive.room.message.count(), 0);
  await olive.room.said("half a thought").waitFor();
  await olive.page.getByRole("alert").getByText("This was not sent.").waitFor();
});

Deno.test("without JavaScript the form sends, refuses with the text kept, and shows what was said", async () => {
  await using it = await stage();
  await using olive = await it.enter(it.s.olive, {
    javaScriptEnabled: false,
    expects: [/status of 413/],
  });
  await olive.room.say("x".repeat(4001));
  await olive.page.getByRole("alert").getByText("too long").waitFor();
  assert.equal(await olive.room.message.inputValue(), "x".repeat(4001));

  await olive.room.say("It shakes\nat 50");
  await olive.room.said("It shakes at 50").waitFor();
  assert.equal(olive.page.url(), `${origin}/chat/${it.s.sessionId}`);
});

Deno.test("waking moves nothing, costs little, and everything has its name and contrast", async () => {
  await using it = await stage();
  const { s } = it;
  await s.seat(s.sessionId, s.marco, "mechanic");
  await s.insertMessage(s.sessionId, s.marco, "line", 20);
  await s.insertMessage(s.sessionId, s.olive, "word".repeat(200), 2);
  for (const colorScheme of ["light", "dark"] as const) {
    for (const width of [360, 1280]) {
      await using olive = await it.enter(s.olive, {
        colorScheme,
        viewport: { width, height: 740 },
        timezoneId: "Asia/Kolkata",
        bypassCSP: true, // axe is put in as a script
      });
      await awake(olive.page);
      const seen = await olive.page.evaluate(() => ({
        shifts: (globalThis as unknown as { shifts: number }).shifts,
        overflow: document.documentElement.scrollWidth - innerWidth,
        script: performance.getEntriesByType("resource")
          .filter((entry) => /\.js(\?|$)/.test(entry.name))
          .reduce((sum, entry) => sum + (entry as PerformanceResourceTiming).encodedBodySize, 0),
      }));
      assert.equal(seen.shifts, 0, `${width} ${colorScheme}`);
      assert.ok(seen.overflow <= 0, `${seen.overflow} pixels too wide at ${width}`);
      assert.ok(seen.script > 0 && seen.script < 40_000, `${seen.script} bytes of JavaScript`);

      await olive.page.addScriptTag({ content: axe.source });
      const { violations } = await olive.page.evaluate(() =>
        (globalThis as unknown as { axe: typeof axe }).axe.run()
      );
      const words = violations.map(({ id, nodes }) => `${id}: ${nodes.map((n) => n.html)}`);
      assert.deepEqual(words, [], `${width} ${colorScheme}`);
    }
  }
});
