import { Builder } from "fresh/dev";
const builder = new Builder();
if (Deno.args[0] === "build") await builder.build(); else await builder.listen(() => import("./main.ts"), { port: 0 });
