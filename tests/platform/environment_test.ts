import assert from "node:assert/strict";
import { readEnvironment } from "@/lib/environment.ts";

const COMPLETE = {
  DATABASE_URL: "postgres://wrenchline_web:x@localhost/wrenchline",
  RELAY_DATABASE_URL: "postgres://wrenchline_relay:x@localhost/wrenchline",
  BACKSTAGE_DATABASE_URL: "postgres://wrenchline_backstage:x@localhost/wrenchline",
  STRIPE_SECRET_KEY: "sk_test_1",
  STRIPE_WEBHOOK_SECRET: "whsec_new, whsec_old",
  STRIPE_PRICE_CHAT10: "price_1",
  STRIPE_PRICE_VIDEO15: "price_2",
  STRIPE_PRICE_DIAGNOSTIC: "price_3",
  PUBLIC_URL: "https://wrenchline.example",
};

Deno.test("readEnvironment() takes a complete environment and splits the webhook secrets", () => {
  const read = readEnvironment(COMPLETE);
  assert.deepEqual(read.stripeWebhookSecrets, ["whsec_new", "whsec_old"]);
  assert.deepEqual(read.stripePrices, {
    chat10: "price_1",
    video15: "price_2",
    diagnostic: "price_3",
  });
  assert.equal(read.publicUrl.origin, "https://wrenchline.example");
  assert.equal(read.port, 8000);
  assert.equal(read.isDemo, false);
  assert.equal(read.stripeHost, undefined);
});

Deno.test("readEnvironment() names every missing variable in one error", () => {
  assert.throws(() => readEnvironment({}), (error: Error) => {
    for (const name of Object.keys(COMPLETE)) assert.match(error.message, named(name));
    assert.doesNotMatch(error.message, /SMTP_URL|PORT|MIGRATION/);
    return true;
  });
});

Deno.test("readEnvironment() takes an empty variable for a missing one", () => {
  assert.throws(
    () => readEnvironment({ ...COMPLETE, STRIPE_SECRET_KEY: " " }),
    /STRIPE_SECRET_KEY is missing/,
  );
});

Deno.test("readEnvironment() names each malformed variable, and says what it must be", () => {
  const malformed: Record<string, [value: string, words: RegExp]> = {
    DATABASE_URL: ["localhost:5432", /postgres:/],
    RELAY_DATABASE_URL: ["mysql://localhost/x", /postgres:/],
    BACKSTAGE_DATABASE_URL: ["/var/run", /postgres:/],
    MIGRATION_DATABASE_URL: ["nowhere", /postgres:/],
    STRIPE_SECRET_KEY: ["pk_test_1", /sk_/],
    STRIPE_WEBHOOK_SECRET: ["whsec_1,oops", /whsec_/],
    STRIPE_PRICE_CHAT10: ["prod_1", /price_/],
    STRIPE_HOST: ["https://api.stripe.com", /this machine/],
    PUBLIC_URL: ["wrenchline.example", /http/],
    SMTP_URL: ["mail.example", /smtp/],
    MAIL_FROM: ["nobody", /e-mail/],
    PORT: ["eighty", /port/],
    WRENCHLINE_DEMO: ["yes", /"on"/],
  };
  const values = Object.entries(malformed).map(([name, [value]]) => [name, value]);
  assert.throws(
    () => readEnvironment({ ...COMPLETE, ...Object.fromEntries(values) }),
    (error: Error) => {
      for (const [name, [, words]] of Object.entries(malformed)) {
        const line = error.message.split("\n").find((line) => named(name).test(line));
        assert.match(line ?? `no line for ${name}`, words);
      }
      return true;
    },
  );
});

Deno.test("readEnvironment() never repeats a value: it may be a secret", () => {
  assert.throws(
    () => readEnvironment({ ...COMPLETE, STRIPE_SECRET_KEY: "hunter2" }),
    (error: Error) => !error.message.includes("hunter2"),
  );
});

Deno.test("readEnvironment() sends the Stripe key to no other machine", () => {
  assert.ok(readEnvironment({ ...COMPLETE, STRIPE_HOST: "http://127.0.0.1:9" }).stripeHost);
  for (const STRIPE_HOST of ["http://evil.example", "http://127.0.0.1.evil.example"]) {
    assert.throws(() => readEnvironment({ ...COMPLETE, STRIPE_HOST }), /STRIPE_HOST/);
  }
});

Deno.test("readEnvironment() allows demo pages only beside the embedded Stripe", () => {
  const demo = { ...COMPLETE, WRENCHLINE_DEMO: "on" };
  assert.throws(() => readEnvironment(demo), /WRENCHLINE_DEMO/);
  assert.equal(readEnvironment({ ...demo, STRIPE_HOST: "http://localhost:9" }).isDemo, true);
});

Deno.test("readEnvironment() asks for a sender when mail goes out", () => {
  const mail = { ...COMPLETE, SMTP_URL: "smtp://mail.example" };
  assert.throws(() => readEnvironment(mail), /MAIL_FROM is missing/);
  assert.equal(
    readEnvironment({ ...mail, MAIL_FROM: "hi@wrenchline.example" }).mailFrom,
    "hi@wrenchline.example",
  );
});

function named(name: string): RegExp {
  return new RegExp(`^  ${name} `, "m");
}
