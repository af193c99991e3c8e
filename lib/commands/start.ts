/**
 * `deno task start`: everything that is not configured is embedded, what is stale is built, and the
 * app runs in this process until it is told to stop.
 */
import { environment, useEnvironment } from "../environment.ts";
import { InUse } from "../db/embedded.ts";
import { buildIfStale } from "./building.ts";
import { launcherEnded } from "./launcher.ts";
import { choosePort, PortTaken } from "./port.ts";
import { ROOT } from "./project.ts";
import { type Services, startServices } from "./services.ts";

const STOPS_WITHIN_MS = 4_500;
const ANSWERS_WITHIN_MS = 2_000;

try {
  await start();
} catch (error) {
  if (!(error instanceof PortTaken || error instanceof InUse)) throw error;
  console.error(error.message);
  Deno.exit(1);
}

async function start(): Promise<void> {
  const stopped = told();
  const port = await choosePort(Deno.env.get("PORT"));
  const [services] = await Promise.all([startServices(port), buildIfStale()]);
  useEnvironment(services.values);

  // Only now: the app's modules read the environment.
  const { startJobs } = await import("../jobs.ts");
  const jobs = await startJobs();
  const { default: app } = await import(new URL(`file://${ROOT}_fresh/server.js`).href);
  const { isDemo } = environment();
  const server = Deno.serve({
    port,
    // With sign-in codes on show at /dev/mail it is for this machine only.
    hostname: isDemo ? "127.0.0.1" : "0.0.0.0",
    onListen: () => announce(services),
  }, app.fetch);

  await stopped;
  console.log("\nStopping.");
  setTimeout(() => Deno.exit(0), STOPS_WITHIN_MS); // Postgres' guardian sees us go, in any case
  const answered = server.shutdown();
  const { drain } = await import("../live/relay.ts");
  const { closeDoors } = await import("../db/door.ts");
  await drain();
  await Promise.race([answered, new Promise((late) => setTimeout(late, ANSWERS_WITHIN_MS))]);
  await jobs.stop();
  await closeDoors();
  await services[Symbol.asyncDispose]();
  Deno.exit(0);
}

/** Resolves when somebody wants us to end. A second time is obeyed at once. */
function told(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let times = 0;
  const end = () => ++times === 1 ? resolve() : Deno.exit(130);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    Deno.addSignalListener(signal, end);
  }
  launcherEnded().then(resolve);
  return promise;
}

function announce({ notes }: Services): void {
  const lines = notes.map(([what, about]) => `  ${what.padEnd(10)} ${about}`);
  console.log(
    ["", `Wrenchline is at ${environment().publicUrl.origin}`, "", ...lines, ""].join("\n"),
  );
}
