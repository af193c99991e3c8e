/**
 * `deno task bench`: measures what is in tests/bench, whose modules export `measure()`, and prints
 * one table. Arguments choose files by a part of their name.
 */
import { join } from "node:path";
import type { Row } from "../../tests/bench/row.ts";
import { startEmbedded } from "../db/embedded.ts";
import { ROOT } from "./project.ts";

const FOLDER = join(ROOT, "tests", "bench");
const [first, second] = Deno.args;
if (first === "--only") await measureHere(second);
else await measureAll(Deno.args);

async function measureAll(chosen: string[]): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "wrenchline-bench-" });
  const postgres = await startEmbedded({ dir }); // durable: what is measured is what is run
  const names = (await Array.fromAsync(Deno.readDir(FOLDER), ({ name }) => name))
    .filter((name) => name.endsWith("_bench.ts"))
    .filter((name) => chosen.length === 0 || chosen.some((part) => name.includes(part)));
  const rows: Row[] = [];
  for (const name of names.sort()) {
    console.error(`measuring ${name}`);
    rows.push(...await measureApart(name, postgres.adminUrl));
  }
  await postgres.stop();
  await Deno.remove(dir, { recursive: true });
  print(rows);
}

/** In a process of its own: what one leaves behind must not slow the next. */
async function measureApart(name: string, clusterUrl: string): Promise<Row[]> {
  const { stdout, success } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", import.meta.filename!, "--only", name],
    cwd: ROOT,
    env: { TEST_CLUSTER_URL: clusterUrl },
    stderr: "inherit",
  }).output();
  if (!success) return [{ what: name, ours: "failed" }];
  return JSON.parse(new TextDecoder().decode(stdout).trim().split("\n").at(-1)!);
}

async function measureHere(name: string): Promise<void> {
  const { measure } = await import(new URL(`../../tests/bench/${name}`, import.meta.url).href);
  console.log(JSON.stringify(await measure()));
  Deno.exit(0);
}

function print(rows: Row[]): void {
  const table = [
    ["", "ours", "beside", "ratio", "target"],
    ...rows.map(({ what, ours, beside = "", ratio, target = "" }) => [
      what,
      ours,
      beside,
      ratio === undefined ? "" : `${ratio.toFixed(2)}x`,
      target,
    ]),
  ];
  const widths = table[0].map((_, column) => Math.max(...table.map((row) => row[column].length)));
  for (const row of table) {
    console.log(row.map((cell, column) => cell.padEnd(widths[column])).join("  ").trimEnd());
  }
}
