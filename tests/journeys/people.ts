/**
 * What journeys are made of: people with browsers of their own, who press what they see,
 * and a DBA who has nothing but psql's login.
 */
import type { Locator, Page } from "playwright";
import { openMailbox } from "@/tests/routes/reading.ts";
import { startApp, type TestApp } from "@/tests/support/app.ts";
import { openBrowser, type Visit, type VisitOptions } from "@/tests/support/browser.ts";
import { asAdmin } from "@/tests/support/database.ts";

/** An open shop, the street before it, and the DBA behind. */
export interface Town extends AsyncDisposable {
  app: TestApp;
  /** Somebody with a browser that has never been here. */
  person(options?: VisitOptions): Promise<Person>;
  /** Runs SQL on the DBA's login, as psql would. */
  dba<Row = Record<string, string>>(text: string, values?: unknown[]): Promise<Row[]>;
  /** The code in the newest unread mail to an address. */
  codeFor(email: string): Promise<string>;
}

/** One person before a screen. Everything goes by the names that a screen reader would say. */
export interface Person extends Visit {
  /** Goes to a path of the site, as if typed into the address bar. */
  go(path: string): Promise<void>;
  press(name: string): Promise<void>;
  write(name: string, text: string): Promise<void>;
  /** Waits until the page is at a path; `*` stands for anything. */
  arrive(path: string): Promise<URL>;
  /** Waits until these words are to be seen. */
  read(words: string | RegExp): Promise<void>;
  /** Signs in by a code from the mail, from the page that has the field for the address. */
  signIn(email: string): Promise<void>;
  chat: Chat;
}

/** The chat page by its accessible names. */
export interface Chat {
  log: Locator;
  message: Locator;
  /** Waits until the status reads so. */
  status(words: string): Promise<void>;
  /** The bubble of a message. */
  bubble(text: string): Locator;
  /** Waits until somebody's message is there. */
  hear(text: string): Promise<void>;
  say(text: string): Promise<void>;
}

/** Opens a shop with the cast on, and a browser. */
export async function openTown(): Promise<Town> {
  await using opening = new AsyncDisposableStack();
  const app = opening.use(await startApp());
  const mailbox = opening.use(await openMailbox(app));
  const browser = opening.use(await openBrowser());
  const codeFor = async (email: string) => (await mailbox.next(email)).code;
  const stack = opening.move();
  return {
    app,
    codeFor,
    person: async (options) => personIn(await browser.visit(options), app.origin, codeFor),
    dba: (text, values) =>
      asAdmin(app.db.dbaUrl, async (client) => (await client.query(text, values)).rows),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

function personIn(visit: Visit, origin: string, codeFor: Town["codeFor"]): Person {
  const { page } = visit;
  const person: Person = Object.assign(visit, {
    async go(path: string) {
      await page.goto(new URL(path, origin).href);
    },
    press: (name: string) => pressed(page, name),
    write: (name: string, text: string) =>
      page.getByRole("textbox", { name, exact: true }).fill(text),
    async arrive(path: string) {
      await page.waitForURL(`${origin}${path.replaceAll("?", "\\?")}`);
      return new URL(page.url());
    },
    read: (words: string | RegExp) => page.getByText(words).first().waitFor(),
    async signIn(email: string) {
      await person.write("Email", email);
      await person.press("Email me a code");
      await person.write("Code", await codeFor(email));
      await person.press("Sign in");
    },
    chat: chatOn(page),
  });
  return person;
}

/** What stands on a page under a name, to be pressed: a button, or else a link. */
async function pressed(page: Page, name: string): Promise<void> {
  const button = page.getByRole("button", { name, exact: true });
  await button.or(page.getByRole("link", { name, exact: true })).click();
}

/** The chat of a page; for a second tab, too. */
export function chatOn(page: Page): Chat {
  const log = page.getByRole("log", { name: "Conversation" });
  const message = page.getByRole("textbox", { name: "Message" });
  const bubble = (text: string) => log.getByText(text, { exact: true });
  return {
    log,
    message,
    bubble,
    status: (words) => page.getByRole("status").getByText(words, { exact: true }).waitFor(),
    hear: (text) => bubble(text).waitFor(),
    async say(text) {
      await message.fill(text);
      await page.getByRole("button", { name: "Send", exact: true }).click();
    },
  };
}

/** Card numbers of the offline Stripe. */
export const CARDS = {
  pays: "4242 4242 4242 4242",
  isDeclined: "4000 0000 0000 0002",
  asksFor3ds: "4000 0025 0000 3155",
};

/** Fills in Stripe's page and presses Pay. */
export async function payBy(person: Person, card = CARDS.pays): Promise<void> {
  await person.page.waitForURL("**/c/pay/**");
  await person.write("Email", "payer@elsewhere.test");
  await person.write("Card number", card);
  await person.write("Expiry", "12 / 40");
  await person.write("CVC", "123");
  await person.press("Pay");
}

/** Buys a Quick Chat as a guest, from the front page to the conversation; answers its id. */
export async function buyQuickChat(person: Person): Promise<string> {
  await person.go("/");
  await person.press("Start Quick Chat");
  await person.press("Continue as guest");
  await payBy(person);
  const { pathname } = await person.arrive("/chat/*");
  return pathname.slice("/chat/".length);
}

/** Seats the mechanic as the setup guide says, to the letter but for the ids. */
export async function assignByHand(town: Town, sessionId: string, email: string): Promise<void> {
  const [mechanic] = await town.dba("SELECT id, email FROM auth.users WHERE email = $1", [email]);
  await town.dba(
    `INSERT INTO session_participants (session_id, user_id, role)
     VALUES ('${sessionId}', '${mechanic.id}', 'mechanic');`,
  );
}
