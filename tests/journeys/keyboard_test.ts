import type { Page } from "playwright";
import { CARDS, journey } from "./people.ts";

journey("one buys and talks with nothing but a keyboard", async (town) => {
  const { page, chat, go, arrive } = await town.person();
  await go("/");
  await tabTo(page, "button", "Start Quick Chat");
  await page.keyboard.press("Enter");
  await arrive("/start?plan=chat10");
  await tabTo(page, "textbox", "Vehicle");
  await page.keyboard.type("2009 Golf");
  await tabTo(page, "button", "Continue as guest");
  await page.keyboard.press("Space");

  await page.waitForURL("**/c/pay/**");
  const typed = {
    Email: "vic@elsewhere.test",
    "Card number": CARDS.pays,
    Expiry: "1240",
    CVC: "123",
  };
  for (const [name, text] of Object.entries(typed)) {
    await tabTo(page, "textbox", name);
    await page.keyboard.type(text);
  }
  await page.keyboard.press("Enter");

  await arrive("/chat/*");
  await chat.status("Waiting for a mechanic to join");
  await tabTo(page, "textbox", "Message");
  await page.keyboard.type("Hello");
  await page.keyboard.press("Enter");
  await chat.hear("Hello");
  // The focus stays where one writes.
  await page.keyboard.type("Still here");
  await tabTo(page, "button", "Send");
  await page.keyboard.press("Space");
  await chat.hear("Still here");
  await page.keyboard.type("And here");
  await page.keyboard.press("Enter");
  await chat.hear("And here");
});

/** Presses Tab until what is called so has the focus. */
async function tabTo(page: Page, role: "button" | "textbox", name: string): Promise<void> {
  const target = page.getByRole(role, { name, exact: true });
  await target.waitFor();
  for (let presses = 0; presses < 40; presses++) {
    await page.keyboard.press("Tab");
    if (await target.evaluate((element) => element === document.activeElement)) return;
  }
  throw new Error(`Tab does not come to ${name}.`);
}
