import axe from "axe-core";
import assert from "node:assert/strict";
import type { Page } from "playwright";
import { startApp, type TestApp } from "@/tests/support/app.ts";
import { openBrowser } from "@/tests/support/browser.ts";
import { SESSIONS, tokenOf, USERS } from "@/tests/support/cast.ts";
import { giveSession } from "./reading.ts";

Deno.test("the pages, in a browser", async (t) => {
  await using app = await startApp();
  await using browser = await openBrowser();
  const video = await giveSession(app, { userId: USERS.olive, type: "video", plan: "video15" });
  const paths = [
    "/",
    "/start?plan=chat10&cancelled=1",
    "/start?plan=diagnostic",
    `/start?redirect=/chat/${SESSIONS.olives}`,
    "/login",
    "/login/code",
    "/login/code?token=abc",
    "/logout",
    "/account",
    `/thank-you?session=${video}`,
    "/dev/mail",
    "/nowhere",
  ];

  for (
    const { width, colorScheme } of [
      { width: 360, colorScheme: "dark" },
      { width: 1280, colorScheme: "light" },
    ] as const
  ) {
    await t.step(`read well at ${width} pixels, ${colorScheme}, signed in and not`, async () => {
      for (const player of [null, "olive"] as const) {
        await using visit = await browser.visit({
          colorScheme,
          viewport: { width, height: 800 },
          // Chromium's own word on the page that is meant not to be there.
          expects: [/404 \(Not Found\)/],
        });
        if (player) await bringCookie(visit.page, app, tokenOf(player));
        for (const path of paths) {
          await visit.page.goto(app.origin + path);
          await assertReadable(visit.page, path);
        }
      }
    });
  }

  await t.step("are walked through by keyboard, the content first", async () => {
    await using visit = await browser.visit();
    const { page } = visit;
    await page.goto(app.origin);
    await page.keyboard.press("Tab");
    const skip = page.getByRole("link", { name: "Skip to the content" });
    assert.ok(await skip.evaluate((link) => link === document.activeElement));
    assert.ok(await skip.isVisible());
    await page.keyboard.press("Enter");
    await page.keyboard.press("Tab");
    const start = page.getByRole("button", { name: "Start Quick Chat", exact: true });
    assert.ok(await start.evaluate((button) => button === document.activeElement));
    await page.keyboard.press("Enter");
    await page.waitForURL("**/start?plan=chat10");
  });

  await t.step("do not move when they wake", async () => {
    await using visit = await browser.visit();
    await visit.page.goto(`${app.origin}/start?plan=chat10`, { waitUntil: "networkidle" });
    const shift = await visit.page.evaluate(() => {
      const { promise, resolve } = Promise.withResolvers<number>();
      new PerformanceObserver((list) =>
        resolve(
          list.getEntries().reduce(
            (sum, entry) => sum + (entry as unknown as { value: number }).value,
            0,
          ),
        )
      ).observe({ type: "layout-shift", buffered: true });
      requestAnimationFrame(() => requestAnimationFrame(() => resolve(0)));
      return promise;
    });
    assert.equal(shift, 0);
  });

  await t.step("keep an intake that was typed and not sent, until it is", async () => {
    await using visit = await browser.visit();
    const { page } = visit;
    const vehicle = page.getByRole("textbox", { name: "Vehicle" });
    const complaint = page.getByRole("textbox", { name: "What does it do?" });
    await page.goto(`${app.origin}/start?plan=chat10`, { waitUntil: "networkidle" });
    await vehicle.fill("2009 Golf");
    await complaint.fill("It shakes\nat 50");

    await page.goto(app.origin);
    const other = await visit.newTab();
    await other.goto(`${app.origin}/start?plan=diagnostic`, { waitUntil: "networkidle" });
    assert.equal(await other.getByLabel("Vehicle").inputValue(), "2009 Golf");
    await other.close();

    await page.goto(`${app.origin}/start?plan=chat10`, { waitUntil: "networkidle" });
    assert.equal(await complaint.inputValue(), "It shakes\nat 50");
    await page.getByRole("textbox", { name: "Email" }).fill("keeps@wrenchline.test");
    await page.getByRole("button", { name: "Email me a code", exact: true }).click();
    await page.getByRole("textbox", { name: "Code" }).waitFor();
    assert.equal(await page.evaluate(() => localStorage.length), 0);

    // The server has it now.
    await page.goto(`${app.origin}/start?plan=chat10`);
    assert.equal(await vehicle.inputValue(), "2009 Golf");
    assert.equal(await complaint.inputValue(), "It shakes\nat 50");
  });

  await t.step("may be reloaded while one reads the mail, which sends no second code", async () => {
    await using visit = await browser.visit();
    const { page } = visit;
    await page.goto(`${app.origin}/login`);
    await page.getByRole("textbox", { name: "Email" }).fill("phone@wrenchline.test");
    await page.getByRole("button", { name: "Email me a code", exact: true }).click();
    await page.getByText("We sent six digits to phone@wrenchline.test").waitFor();
    assert.equal(new URL(page.url()).search, "", "no address in the URL");
    await page.waitForLoadState("networkidle");
    await page.reload({ waitUntil: "networkidle" });
    assert.equal(
      await page.getByRole("textbox", { name: "Email" }).inputValue(),
      "phone@wrenchline.test",
    );
    const codes = await app.sql(
      "select 1 from auth.sign_in_codes where email = 'phone@wrenchline.test'",
    );
    assert.equal(codes.length, 1);
  });

  await t.step("sign in and out by pressing what they show, also without JavaScript", async () => {
    for (const javaScriptEnabled of [true, false]) {
      const email = `js-${javaScriptEnabled}@wrenchline.test`;
      await using visit = await browser.visit({ javaScriptEnabled });
      const { page } = visit;
      await page.goto(app.origin);
      await page.getByRole("link", { name: "Sign in" }).click();
      await page.getByRole("textbox", { name: "Email" }).fill(email);
      await page.getByRole("button", { name: "Email me a code", exact: true }).click();
      await page.getByRole("textbox", { name: "Code" }).waitFor();
      // As if the mail had been read: the code is made a known one.
      await app.sql(
        "update auth.sign_in_codes set code_hash = private.code_hash(email, '123456') where email = $1",
        [email],
      );
      await page.getByRole("textbox", { name: "Code" }).fill("123 456");
      await page.getByRole("button", { name: "Sign in", exact: true }).click();
      await page.waitForURL("**/account");
      await page.getByText(`Signed in as ${email}`).waitFor();
      await page.getByRole("button", { name: "Sign out everywhere" }).click();
      await page.waitForURL(`${app.origin}/`);
      await page.getByRole("link", { name: "Sign in" }).waitFor();
    }
  });
});

async function bringCookie(page: Page, app: TestApp, token: string): Promise<void> {
  await page.context().addCookies([{ name: "login", value: token, url: app.origin }]);
}

/** No complaint of axe's, nothing to scroll to sideways, a title, one heading of the first rank. */
async function assertReadable(page: Page, path: string): Promise<void> {
  await page.evaluate(axe.source);
  const violations = await page.evaluate(async () => {
    // deno-lint-ignore no-explicit-any -- axe puts itself there
    const { violations } = await (globalThis as any).axe.run() as axe.AxeResults;
    return violations.map(({ id, nodes }) => `${id}: ${nodes[0].html} ${nodes[0].failureSummary}`);
  });
  assert.deepEqual(violations, [], path);

  const { excess, headings } = await page.evaluate(() => ({
    excess: document.documentElement.scrollWidth - innerWidth,
    headings: document.querySelectorAll("h1").length,
  }));
  assert.ok(excess <= 0, `${path} is ${excess} pixels too wide`);
  assert.equal(headings, 1, path);
  assert.match(await page.title(), /Wrenchline/, path);
}
