/**
 * Effects on the world: mail and refunds, enqueued by SQL in the transaction that caused them and
 * done here, inside the app's process, as often as it takes; and the tidying up of every night.
 */
import { Logger, run, type TaskList } from "graphile-worker";
import { z } from "zod";
import { backstage } from "./db/door.ts";
import { openPool } from "./db/pool.ts";
import { environment } from "./environment.ts";
import { purchaseMail, sendMail, signInMail } from "./mail.ts";
import { refundPayment } from "./payments/refunds.ts";

/** Jobs that are being done. */
export interface Jobs {
  /** Finishes what is under way, and takes on no more. */
  stop(): Promise<void>;
}

/**
 * Starts doing jobs, once per process however often it is called, and tells the database what
 * Stripe's secrets and prices are. When the database is away it says so and goes on trying.
 */
export function startJobs(): Promise<Jobs> {
  return started ??= start();
}

let started: Promise<Jobs> | undefined;

const AT_ONCE = 2;
const TRIES_AGAIN_AFTER_MS = 5_000;
const STOPS_WITHIN_MS = 1_500;

/** Every night at 4:17 UTC, or when we are up again. */
const TIDIES = "17 4 * * * tidy ?fill=1d&max=3&jobKey=tidy";

const tasks: TaskList = {
  async send_sign_in_code(payload) {
    const { email, code, token } = signInCode.parse(payload);
    await sendMail(signInMail(email, code, token));
  },
  async send_purchase_mail(payload) {
    const { email, plan, route } = purchase.parse(payload);
    await sendMail(purchaseMail(email, plan, route));
  },
  async refund_payment(payload) {
    await refundPayment(refund.parse(payload).refundId);
  },
  async tidy() {
    await backstage((tx) => tx`select api.tidy()`);
  },
};

const signInCode = z.object({ email: z.string(), code: z.string(), token: z.string() });
const purchase = z.object({ email: z.string(), plan: z.string(), route: z.string() });
const refund = z.object({ refundId: z.string() });

async function start(): Promise<Jobs> {
  const stopping = new AbortController();
  const attempted = Promise.withResolvers<void>();
  const ended = keepRunning(stopping.signal, attempted.resolve);
  await attempted.promise;
  return {
    async stop() {
      stopping.abort();
      await ended;
      started = undefined;
    },
  };
}

async function keepRunning(stopping: AbortSignal, attempted: () => void): Promise<void> {
  const aborted = new Promise<void>((resolve) =>
    stopping.addEventListener("abort", () => resolve())
  );
  while (!stopping.aborted) {
    const pgPool = openPool(environment().backstageDatabaseUrl, AT_ONCE + 2);
    try {
      await configurePayments();
      const runner = await run({
        pgPool,
        concurrency: AT_ONCE,
        noHandleSignals: true,
        gracefulShutdownAbortTimeout: STOPS_WITHIN_MS,
        logger,
        taskList: tasks,
        crontab: TIDIES,
      });
      attempted();
      await Promise.race([runner.promise, aborted]);
      if (stopping.aborted) await runner.stop();
    } catch (error) {
      console.error("jobs are not running, and are tried again:", messageOf(error));
    }
    await pgPool.end();
    attempted();
    await pause(TRIES_AGAIN_AFTER_MS, aborted);
  }
}

async function configurePayments(): Promise<void> {
  const { stripeWebhookSecrets, stripePrices } = environment();
  await backstage((tx) =>
    tx`select api.configure_payments(${stripeWebhookSecrets}, ${stripePrices})`
  );
}

/** Says what failed, and nothing else: what jobs carry is codes and addresses. */
const logger = new Logger(() => (level, message) => {
  if (level === "error" || level === "warning") console.error(`jobs: ${message}`);
});

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error);
}

async function pause(ms: number, cutShort: Promise<void>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([promise, cutShort]);
  clearTimeout(timer);
}
