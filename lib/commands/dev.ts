/** `deno task dev`: like `start`, but rebuilt when a file changes, and the browser reloads. */
import { choosePort } from "./port.ts";
import { ROOT } from "./project.ts";
import { startServices } from "./services.ts";

const { port } = await choosePort(Deno.env.get("PORT"));
await using services = await startServices(port);
for (const [what, about] of services.notes) console.log(`  ${what.padEnd(10)} ${about}`);

const watched = ["routes", "islands", "lib", "main.ts"];
const server = new Deno.Command(Deno.execPath(), {
  args: [
    "run",
    "-A",
    `--watch=${watched.join(",")}`,
    "--no-clear-screen",
    "fresh.config.ts",
    "dev",
  ],
  cwd: ROOT,
  env: services.values,
}).spawn();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(signal, () => {
    try {
      server.kill("SIGTERM");
    } catch {
      // the terminal told it too
    }
  });
}
await server.status;
