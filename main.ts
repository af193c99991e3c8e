import { App, staticFiles } from "fresh";
import { config } from "./fresh.config.ts";
import { startJobs } from "./lib/jobs.ts";
import type { State } from "./lib/state.ts";
import { answerFailures } from "./lib/web/answering.ts";
import { contentSecurityPolicy, securityHeaders } from "./lib/web/headers.ts";
import { identify, sameSiteOnly } from "./lib/web/identify.ts";

/** The app: what wraps every request, outermost first, and then the file routes. */
export const app = new App<State>(config)
  .use(securityHeaders)
  .use(contentSecurityPolicy)
  .use(answerFailures)
  .use(staticFiles())
  .use(sameSiteOnly)
  .use(identify)
  // `deno serve` runs no line of ours before the first request, so that starts the jobs.
  .use((ctx) => {
    startJobs().catch((error) => console.error("jobs did not start:", error));
    return ctx.next();
  })
  .fsRoutes();
