/**
 * What journeys are made of: people with browsers of their own, who press what they see,
 * and a DBA who has nothing but psql's login.
 */
import type { Locator, Page } from "playwright";
import { openMailbox } from "@/tests/routes/reading.ts";
import { startApp, type TestApp } from "@/tests/support/app.ts";
import {
  openBrowser,
  type TestBrowser,
  type Visit,
  type VisitOptions,
} from "@/tests/support/browser.ts";
import { asAdmin } from "@/tests/support/database.ts";

/** An open shop, the street before it, and the DBA behind. */
export interface Town {
  app: TestApp;
  /** Somebody with a browser that has never been here. */
  person(options?: VisitOptions): Promise<Person>;
  /** Runs SQL on the DBA's login, as psql would. */
  dba<Row = Record<string, string>>(text: string, values?: unknown[]): Promise<Row[]>;
  /** The code in the newest unread mail to an address. */
  codeFor(email: string): Promise<string>;
}

/** One person before a screen. Everything goes by the names that a screen reader would say. */
export interface Person {
  page: Page;
  newTab(): Promise<Page>;
  /** Goes to a path of the site, as if typed into the address bar. */
  go(path: string): Promise<void>;
  /** Presses a button. */
  press(name: string): Promise<void>;
  /** Follows a link. */
  follow(name: string): Promise<void>;
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

/** A part of a journey. The first that fails is the journey's end. */
export type Step = (title: string, play: () => Promise<void>) => Promise<void>;

// Opened when the first journey of a file begins: the app's modules know one world for their lives.
const open = new AsyncDisposableStack();
let opened: Promise<{ app: TestApp; browser: TestBrowser; codeFor: Town["codeFor"] }> | undefined;
Deno.test.afterAll(() => open.disposeAsync());

async function openTown() {
  const app = open.use(await startApp());
  const mailbox = open.use(await openMailbox(app));
  const browser = open.use(await openBrowser());
  return { app, browser, codeFor: async (email: string) => (await mailbox.next(email)).code };
}

/**
 * A test in which people come to a shop with the cast on. At its end nobody's pages may have
 * complained; where it fails, it says what everybody was looking at.
 */
export function journey(title: string, play: (town: Town, step: Step) => Promise<void>): void {
  Deno.test(title, async (t) => {
    const { app, browser, codeFor } = await (opened ??= openTown());
    const visits: Visit[] = [];
    const town: Town = {
      app,
      codeFor,
      async person(options) {
        const visit = await browser.visit(options);
        visits.push(visit);
        return personIn(visit, app.origin, codeFor);
      },
      dba: (text, values) =>
        asAdmin(app.db.dbaUrl, async (client) => (await client.query(text, values)).rows),
    };
    const step: Step = async (title, play) => {
      if (!await t.step(title, play)) throw new Error(`The journey ended where ${title}.`);
    };
    try {
      await play(town, step);
    } catch (error) {
      for (const visit of visits) await tellOf(visit);
      throw error;
    }
    for (const visit of visits) await visit[Symbol.asyncDispose]();
  });
}

/** For whoever has to find out why a journey failed. */
async function tellOf({ page, complaints }: Visit): Promise<void> {
  const seen = await page.locator("body").innerText({ timeout: 1_000 }).catch(String);
  console.error(`At ${page.url()} somebody saw:\n${seen}\n${complaints.join("\n")}`);
}

function personIn(visit: Visit, origin: string, codeFor: Town["codeFor"]): Person {
  const { page } = visit;
  const person: Person = {
    page,
    newTab: visit.newTab,
    async go(path: string) {
      await page.goto(new URL(path, origin).href);
    },
    press: (name: string) => page.getByRole("button", { name, exact: true }).click(),
    follow: (name: string) => page.getByRole("link", { name, exact: true }).click(),
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
  };
  return person;
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
  await person.write("Card number", card);
  await person.write("Email", "payer@elsewhere.test");
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
