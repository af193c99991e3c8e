/**
 * `deno task start`: everything that is not configured is embedded, what is stale is built, and the
 * app runs in this process until it is told to stop.
 */
import { environment, IncompleteEnvironment, useEnvironment } from "../environment.ts";
import { InUse } from "../db/embedded.ts";
import { BuildFailed, buildIfStale } from "./building.ts";
import { launcherEnded } from "./launcher.ts";
import { choosePort, NoPort } from "./port.ts";
import { type Services, startServices } from "./services.ts";

const STOPS_WITHIN_MS = 4_500;
const ONE_KEYSTROKE_MS = 700;
const ANSWERS_WITHIN_MS = 2_000;

try {
  await start();
} catch (error) {
  const forPeople = [NoPort, InUse, IncompleteEnvironment, BuildFailed];
  console.error(forPeople.some((kind) => error instanceof kind) ? (error as Error).message : error);
  Deno.exit(1);
}

async function start(): Promise<void> {
  const stopped = told();
  const { port, note } = await choosePort(Deno.env.get("PORT"));
  const [services] = await Promise.all([startServices(port), buildIfStale()]);
  useEnvironment(services.values);

  // Only now: the app's modules read the environment.
  const { startJobs } = await import("../jobs.ts");
  const jobs = await startJobs();
  const { default: app } = await import(new URL("../../_fresh/server.js", import.meta.url).href);
  const { isDemo } = environment();
  const server = Deno.serve({
    port,
    // With sign-in codes on show at /dev/mail it is for this machine only.
    hostname: isDemo ? "127.0.0.1" : "0.0.0.0",
    onListen: () => announce(services, note),
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

/** Resolves when somebody wants us to end; who insists is obeyed at once. */
function told(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let first = 0;
  const end = () => {
    // One Ctrl-C arrives twice: from the terminal, and passed on by `deno task`.
    if (first && performance.now() - first > ONE_KEYSTROKE_MS) Deno.exit(130);
    first ||= performance.now();
    resolve();
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    Deno.addSignalListener(signal, end);
  }
  launcherEnded().then(resolve);
  return promise;
}

function announce({ notes }: Services, note?: string): void {
  const { publicUrl, port } = environment();
  const aside = publicUrl.port === String(port) ? note : `this process is at port ${port}`;
  const where = `Wrenchline is at ${publicUrl.origin}${aside ? ` (${aside})` : ""}`;
  const lines = notes.map(([what, about]) => `  ${what.padEnd(10)} ${about}`);
  console.log(["", where, "", ...lines, ""].join("\n"));
}
