/** What Fresh's layers cost: a page through the App against the same HTML rendered by hand. */
import { fileURLToPath } from "node:url";
import { rate, type Row } from "./row.ts";

const PAGES = 6_000;

/** Measures a server-rendered page. Each side is a process of its own; rounds take turns and the best counts. */
export async function measure(): Promise<Row[]> {
  const [app, bare] = [await serve("app"), await serve("bare")];
  const best = { app: Infinity, bare: Infinity };
  for (let round = 0; round < 6; round++) {
    best.app = Math.min(best.app, await cpuPerPage(app.url));
    best.bare = Math.min(best.bare, await cpuPerPage(bare.url));
  }
  await Promise.all([app.stop(), bare.stop()]);
  return [{
    what:
      "A server-rendered page: CPU, against bare Deno.serve and renderToString of the same HTML",
    ours: `${best.app.toFixed(1)} µs`,
    beside: `${best.bare.toFixed(1)} µs`,
    ratio: best.app / best.bare,
    target: "at most 2",
  }];
}

async function cpuPerPage(url: string): Promise<number> {
  const spent = async () => Number(await (await fetch(`${url}cpu`)).text());
  const before = await spent();
  await rate(PAGES, 8, async () => {
    await (await fetch(url)).text();
  });
  return (await spent() - before) / PAGES;
}

async function serve(kind: "app" | "bare") {
  const script = fileURLToPath(new URL("page_server.ts", import.meta.url));
  const child = new Deno.Command("deno", {
    args: ["run", "-A", script, kind],
    stdout: "piped",
  }).spawn();
  const { value } = await child.stdout.pipeThrough(new TextDecoderStream()).getReader().read();
  return {
    url: `http://127.0.0.1:${value!.trim()}/`,
    async stop() {
      child.kill();
      await child.status;
    },
  };
}
