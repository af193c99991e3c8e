import assert from "node:assert/strict";
import { type BrowserContextOptions, chromium, type Page } from "playwright";
import { findChromium } from "@/lib/commands/chromium.ts";

/** A Chromium of this test's own. */
export interface TestBrowser extends AsyncDisposable {
  /** A person at a device of their own: cookies and storage are shared with nobody. */
  visit(options?: VisitOptions): Promise<Visit>;
}

/** How a person visits. */
export interface VisitOptions extends BrowserContextOptions {
  /** Complaints on the console that the test means to cause: "the server responded with a status of 404". */
  expects?: RegExp[];
}

/** One person's browser window. Closing it fails the test if a page of it complained. */
export interface Visit extends AsyncDisposable {
  page: Page;
  /** Opens another tab of the same person. */
  newTab(): Promise<Page>;
  /** What the pages complained of so far. */
  complaints: readonly string[];
}

/** Opens a browser that has a camera and a microphone, both of them fakes. */
export async function openBrowser(): Promise<TestBrowser> {
  const browser = await chromium.launch({
    executablePath: await findChromium(),
    args: [
      "--no-sandbox", // which Chromium refuses to have when run as root
      "--disable-dev-shm-usage", // containers have little of it
      "--use-fake-device-for-media-stream",
      "--use-fake-ui-for-media-stream",
      "--autoplay-policy=no-user-gesture-required",
    ],
  });
  return {
    async visit({ expects = [], ...options } = {}) {
      const context = await browser.newContext({ locale: "en-US", ...options });
      context.setDefaultTimeout(15_000);
      const complaints: string[] = [];
      const complain = (words: string) => {
        if (!expects.some((expected) => expected.test(words))) complaints.push(words);
      };
      context.on("console", (message) => {
        const isBad = message.type() === "error" || message.type() === "warning";
        if (isBad) complain(`${message.text()} (${message.location().url})`);
      });
      context.on("weberror", (error) => complain(String(error.error().stack ?? error.error())));
      const page = await context.newPage();
      return {
        page,
        newTab: () => context.newPage(),
        complaints,
        async [Symbol.asyncDispose]() {
          await context.close();
          assert.deepEqual(complaints, [], "a page complained");
        },
      };
    },
    [Symbol.asyncDispose]: () => browser.close(),
  };
}
