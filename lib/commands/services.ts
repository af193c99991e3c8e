import { join } from "node:path";
import { asAdministrator } from "../db/admin.ts";
import { startEmbedded } from "../db/embedded.ts";
import { bringUpToDate } from "../db/migrate.ts";
import { startSandbox } from "../payments/sandbox/mod.ts";
import { DATA } from "./project.ts";

/** What the app needs around it, running. */
export interface Services extends AsyncDisposable {
  /** The environment, completed with what is embedded. */
  values: Record<string, string>;
  /** What a person at the terminal should know, a line each: [what, about it]. */
  notes: [string, string][];
}

/** Starts in place of what is not configured the embedded Postgres and the offline Stripe. */
export async function startServices(port: number): Promise<Services> {
  const given = Deno.env.toObject();
  const publicUrl = given.PUBLIC_URL || `http://localhost:${port}`;
  const values: Record<string, string> = { ...given, PORT: String(port), PUBLIC_URL: publicUrl };
  const notes: [string, string][] = [];
  await using starting = new AsyncDisposableStack();

  // Half a configuration is a mistake to be told about, not a wish for the embedded one.
  const embedsPostgres = !given.DATABASE_URL && !given.RELAY_DATABASE_URL &&
    !given.BACKSTAGE_DATABASE_URL;
  const embedsStripe = !given.STRIPE_SECRET_KEY && !given.STRIPE_WEBHOOK_SECRET &&
    !given.STRIPE_PRICE_CHAT10;

  const postgres = embedsPostgres ? await embedPostgres(starting) : null;
  const stripe = embedsStripe ? await embedStripe(starting, port) : null;
  if (postgres && stripe) {
    values.WRENCHLINE_DEMO = "on";
    await createMechanics(postgres.adminUrl);
    const names = MECHANICS.map(({ name, email }) => `${name} (${email})`).join(" and ");
    notes.push(["Mechanics", names]);
    notes.push([
      "",
      `each asks for a code at ${publicUrl}/login and reads it at ${publicUrl}/dev/mail`,
    ]);
  } else if (!given.SMTP_URL) {
    notes.push([
      "Mail",
      "is not sent, because SMTP_URL is not set; it is kept in the table private.mail",
    ]);
  }
  if (postgres) {
    Object.assign(values, postgres.values);
    notes.push(["Database", `psql ${postgres.dbaUrl}`]);
  }
  if (stripe) {
    Object.assign(values, stripe.values);
    notes.push(["Test card", "4242 4242 4242 4242, any date to come, any CVC"]);
  }
  const stack = starting.move();
  return { values, notes, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

const MECHANICS = [
  { name: "Marco", email: "marco@wrenchline.test" },
  { name: "Nadia", email: "nadia@wrenchline.test" },
];

async function embedPostgres(starting: AsyncDisposableStack) {
  const embedded = await startEmbedded({ dir: DATA });
  starting.defer(() => embedded.stop());
  await bringUpToDate(embedded.adminUrl, embedded.passwords);
  return {
    adminUrl: embedded.adminUrl,
    dbaUrl: embedded.urls.dba,
    values: {
      DATABASE_URL: embedded.urls.web,
      RELAY_DATABASE_URL: embedded.urls.relay,
      BACKSTAGE_DATABASE_URL: embedded.urls.backstage,
    },
  };
}

async function embedStripe(starting: AsyncDisposableStack, port: number) {
  const secret = `whsec_${crypto.randomUUID().replaceAll("-", "")}`;
  await Deno.mkdir(DATA, { recursive: true });
  const sandbox = await startSandbox({
    webhookUrl: `http://127.0.0.1:${port}/api/stripe/webhook`,
    webhookSecret: secret,
    dataFile: join(DATA, "stripe.json"),
  });
  starting.defer(() => sandbox.stop());
  return {
    values: {
      STRIPE_SECRET_KEY: sandbox.secretKey,
      STRIPE_WEBHOOK_SECRET: secret,
      STRIPE_HOST: sandbox.host.href,
      STRIPE_PRICE_CHAT10: sandbox.prices.chat10,
      STRIPE_PRICE_VIDEO15: sandbox.prices.video15,
      STRIPE_PRICE_DIAGNOSTIC: sandbox.prices.diagnostic,
    },
  };
}

async function createMechanics(adminUrl: string): Promise<void> {
  await asAdministrator(adminUrl, async (client) => {
    for (const { email, name } of MECHANICS) {
      await client.query("select api.create_mechanic($1, $2)", [email, name]);
    }
  });
}
