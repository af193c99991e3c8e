/**
 * What the outside tells the app, checked once, before anything is opened.
 * Besides the commands, nothing else reads `Deno.env`.
 */
import { z } from "zod";

/** The app's configuration, validated. */
export type Environment = z.output<typeof variables>;

/** The configuration in force. Throws one error that names everything wrong with it. */
export function environment(): Environment {
  return current ??= readEnvironment(Deno.env.toObject());
}

/** Replaces the configuration, as `start` and the tests do before anything else. */
export function useEnvironment(values: Record<string, string>): Environment {
  return current = readEnvironment(values);
}

/** Reads variables into an `Environment`, or throws one error that names everything wrong with them. */
export function readEnvironment(values: Record<string, string | undefined>): Environment {
  const given = Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== undefined && value.trim() !== ""),
  );
  const read = variables.safeParse(given);
  if (read.success) return read.data;
  const lines = read.error.issues.map((issue) => {
    const name = String(issue.path[0]);
    return `  ${name} ${name in given ? issue.message : "is missing"}`;
  });
  throw new IncompleteEnvironment(
    `The environment is not complete:\n${[...new Set(lines)].join("\n")}`,
  );
}

/** Something is missing or malformed; the message names all of it, and repeats no value. */
export class IncompleteEnvironment extends Error {
  override name = "IncompleteEnvironment";
}

let current: Environment | undefined;

const LOOPBACK = ["localhost", "127.0.0.1", "[::1]"];

const postgresUrl = url("must be a postgres:// URL", ["postgres:", "postgresql:"]);
const price = z.string().regex(/^price_\w+$/, "must be a Stripe price id (price_…)");

const variables = z.object({
  DATABASE_URL: postgresUrl,
  RELAY_DATABASE_URL: postgresUrl,
  BACKSTAGE_DATABASE_URL: postgresUrl,
  MIGRATION_DATABASE_URL: postgresUrl.optional(),
  STRIPE_SECRET_KEY: z.string().regex(
    /^(sk|rk)_(test|live)_\w+$/,
    "must be a Stripe secret key (sk_… or rk_…)",
  ),
  STRIPE_WEBHOOK_SECRET: z.string()
    .transform((list) => list.split(",").map((secret) => secret.trim()))
    .refine(
      (secrets) => secrets.every((secret) => /^whsec_\S+$/.test(secret)),
      "must be one webhook secret (whsec_…), or several with commas between",
    ),
  STRIPE_PRICE_CHAT10: price,
  STRIPE_PRICE_VIDEO15: price,
  STRIPE_PRICE_DIAGNOSTIC: price,
  // The sandbox's. A real key must never travel to an address that is not Stripe's.
  STRIPE_HOST: url("must be an http:// URL on this machine", ["http:"])
    .refine((host) => LOOPBACK.includes(host.hostname), "must be on this machine").optional(),
  PUBLIC_URL: url("must be an http:// or https:// URL", ["http:", "https:"])
    .refine((url) => url.pathname === "/" && !url.search && !url.hash, "must have no path"),
  SMTP_URL: url("must be an smtp:// or smtps:// URL", ["smtp:", "smtps:"]).optional(),
  MAIL_FROM: z.string().regex(/@/, "must be an e-mail address").optional(),
  PORT: z.coerce.number("must be a port number").int("must be a port number")
    .min(1, "must be a port number").max(65535, "must be a port number").default(8000),
  WRENCHLINE_DEMO: z.literal("on", 'must be "on" or absent').optional(),
}).refine((values) => !values.SMTP_URL || values.MAIL_FROM, {
  path: ["MAIL_FROM"],
  error: "is missing",
  when: always,
}).refine((values) => !values.WRENCHLINE_DEMO || values.STRIPE_HOST, {
  path: ["WRENCHLINE_DEMO"],
  error: "is for the embedded Stripe only",
  when: always,
}).transform((values) => ({
  databaseUrl: values.DATABASE_URL.href,
  relayDatabaseUrl: values.RELAY_DATABASE_URL.href,
  backstageDatabaseUrl: values.BACKSTAGE_DATABASE_URL.href,
  migrationDatabaseUrl: values.MIGRATION_DATABASE_URL?.href,
  stripeSecretKey: values.STRIPE_SECRET_KEY,
  stripeWebhookSecrets: values.STRIPE_WEBHOOK_SECRET,
  stripePrices: {
    chat10: values.STRIPE_PRICE_CHAT10,
    video15: values.STRIPE_PRICE_VIDEO15,
    diagnostic: values.STRIPE_PRICE_DIAGNOSTIC,
  },
  stripeHost: values.STRIPE_HOST,
  publicUrl: values.PUBLIC_URL,
  smtpUrl: values.SMTP_URL?.href,
  mailFrom: values.MAIL_FROM ?? `Wrenchline <hello@${values.PUBLIC_URL.hostname}>`,
  port: values.PORT,
  isDemo: values.WRENCHLINE_DEMO === "on",
}));

/** Have a rule on two variables run although others are missing, so that all is said at once. */
function always(): boolean {
  return true;
}

function url(words: string, protocols: string[]) {
  return z.string().transform((text, context) => {
    if (URL.canParse(text) && protocols.includes(new URL(text).protocol)) return new URL(text);
    context.addIssue({ code: "custom", message: words });
    return z.NEVER;
  });
}
