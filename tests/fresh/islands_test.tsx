import { strict as assert } from "node:assert";
import { builtApp, hearErrors, makeTree, textOf } from "./tree.ts";

const COUNTER = `export default function Counter({ label }) { return <b>{label}</b>; }`;

/** A page with this between its imports and what it returns. */
const page = (code: string, jsx: string) => `
  import Counter from "../islands/Counter.tsx";
  ${code}
  export default () => ${jsx};`;

Deno.test("a page with islands has one script, for the runtime and the islands it shows", async () => {
  await using tree = await makeTree({
    "islands/Counter.tsx": COUNTER,
    "islands/Other.tsx": COUNTER,
    "routes/index.tsx": page("", `<p><Counter label="a" /><Counter label="b" /></p>`),
    "routes/static.tsx": page("", "<p>no islands</p>"),
  });
  const ask = await builtApp(tree);
  const response = await ask("/");
  const html = await response.text();
  assert.equal(html.match(/<script/g)!.length, 1);
  assert.match(html, /<script type="module">import\{boot\}/);
  assert.match(html, /Counter\.js/);
  assert.doesNotMatch(html, /Other\.js/);

  const links = [...response.headers.get("link")!.matchAll(/<([^>]+)>; rel="modulepreload"/g)];
  assert.ok(links.length >= 2);
  for (const [, path] of links) {
    const script = await ask(path);
    assert.equal(script.status, 200);
    assert.match(script.headers.get("content-type")!, /^text\/javascript/);
    assert.match(script.headers.get("cache-control")!, /immutable/);
    await script.body?.cancel();
  }

  const plain = await ask("/static");
  assert.doesNotMatch(await plain.text(), /<script/);
  assert.equal(plain.headers.has("link"), false);
});

Deno.test("every function that an island file exports is an island", async () => {
  await using tree = await makeTree({
    "islands/Two.tsx": `export const limit = 3;
      export function One() { return <i>one</i>; }
      export function Two() { return <b>two</b>; }`,
    "routes/index.tsx": `import { One, Two } from "../islands/Two.tsx";
      export default () => <p><One /><Two /></p>;`,
  });
  const html = await textOf((await builtApp(tree))("/"));
  assert.match(html, /boot\(\[m0\["One"\],m0\["Two"\]\]/);
});

Deno.test("islands are also found in folders and in (_islands), each with a name of its own", async () => {
  await using tree = await makeTree({
    "islands/deep/Counter.tsx": COUNTER,
    "routes/shop/(_islands)/Counter.tsx": COUNTER,
    "routes/index.tsx": `import A from "../islands/deep/Counter.tsx";
      import B from "./shop/(_islands)/Counter.tsx";
      export default () => <p><A label="a" /><B label="b" /></p>;`,
  });
  const html = await textOf((await builtApp(tree))("/"));
  assert.equal(html.match(/<!--frsh:i:\d-->/g)!.length, 2);
  assert.match(html, /Counter\.js/);
  assert.match(html, /Counter_2\.js/);
});

Deno.test("a prop that cannot be sent is a 500 that names island, prop and why", async () => {
  const refused: [string, RegExp][] = [
    [`<Counter f={() => 1} />`, /"f" of the island Counter .*a function/],
    [`<Counter plan={{ prices: [{ f() {} }] }} />`, /"plan\.prices\.0\.f" .*a function/],
    [`<Counter s={Symbol("s")} />`, /"s" of the island Counter .*a symbol/],
    [`<Counter o={{ jsx: <b /> }} />`, /"o\.jsx" .*JSX/],
    [`<Counter list={[<b />]} />`, /"list\.0" .*JSX/],
    [`<Counter p={Promise.resolve()} />`, /"p" .*a promise/],
    [`<Counter m={new Map([["a", () => 1]])} />`, /"m\.a" .*a function/],
    [`<Counter s={signal({ f() {} })} />`, /"s\.value\.f" .*a function/],
  ];
  for (const [jsx, words] of refused) {
    using errors = hearErrors();
    await using tree = await makeTree({
      "islands/Counter.tsx": COUNTER,
      "routes/index.tsx": page(`import { signal } from "@preact/signals";`, jsx),
    });
    assert.equal((await (await builtApp(tree))("/")).status, 500);
    assert.match(String(errors.said[0]), words);
  }
});

Deno.test("nothing in props can end the script or start another", async () => {
  const evil = `</script><script>alert(1)</script><!-- <style></style> \\u2028`;
  await using tree = await makeTree({
    "islands/Counter.tsx": `export default function Counter() { return null; }`,
    "routes/index.tsx": page(
      `const evil = ${JSON.stringify(evil)};`,
      `<Counter label={evil} {...{ [evil]: 1 }} url={new URL("http://a.test/#" + evil)} />`,
    ),
  });
  const html = await textOf((await builtApp(tree))("/"));
  assert.equal(html.match(/<script/g)!.length, 1);
  assert.equal(html.match(/<\/script/g)!.length, 1);
  assert.doesNotMatch(html, /<style|<!-- |\u2028/);
});

Deno.test("a window on bytes sends those bytes and nothing around them", async () => {
  await using tree = await makeTree({
    "islands/Counter.tsx": COUNTER,
    "routes/index.tsx": page(
      `const all = new TextEncoder().encode("secret|public");`,
      `<Counter bytes={all.subarray(7)} />`,
    ),
  });
  const html = await textOf((await builtApp(tree))("/"));
  assert.match(html, new RegExp(btoa("public")));
  assert.doesNotMatch(html, new RegExp(btoa("secret").slice(0, 6)));
});

Deno.test("an island that is a constant of its module is sent anew with each page", async () => {
  await using tree = await makeTree({
    "islands/Counter.tsx": COUNTER,
    "routes/index.tsx": page(`const icon = <Counter label="same" />;`, `<p>{icon}</p>`),
  });
  const ask = await builtApp(tree);
  const first = await textOf(ask("/"));
  assert.match(first, /<!--frsh:i:0--><b>same<\/b>/);
  assert.equal(await textOf(ask("/")), first);
});

Deno.test("an island that reaches code for the server fails the build, with the way there", async () => {
  const failing = async (files: Record<string, string>, words: RegExp) => {
    await using tree = await makeTree(files);
    await assert.rejects(builtApp(tree), words);
  };
  await failing({
    "islands/Bad.tsx": `import { read } from "../lib/read.ts";
      export default function Bad() { return <b>{read()}</b>; }`,
    "lib/read.ts":
      `import { readFileSync } from "node:fs"; export const read = () => readFileSync("x");`,
  }, /The island Bad imports .*islands\/Bad\.tsx\s+imports lib\/read\.ts\s+imports node:fs/s);
  await failing({
    "islands/Bad.tsx": `import { env } from "../lib/env.ts";
      export default function Bad() { return <b>{env()}</b>; }`,
    "lib/env.ts": `export const env = () => Deno.env.get("SECRET");`,
  }, /islands\/Bad\.tsx\s+imports lib\/env\.ts/);
  await failing({
    "islands/Bad.tsx": `import { x } from "../lib/server/x.ts";
      export default function Bad() { return <b>{x}</b>; }`,
    "lib/server/x.ts": `export const x = 1;`,
  }, /islands\/Bad\.tsx\s+imports lib\/server\/x\.ts/);
  await failing({
    "islands/Bad.tsx": `import pg from "pg";
      export default function Bad() { return <b>{String(pg)}</b>; }`,
  }, /islands\/Bad\.tsx\s+imports npm:.*pg/);
});

Deno.test("an island may import types of the server, and ask where it runs", async () => {
  await using tree = await makeTree({
    "islands/Good.tsx": `import { IS_BROWSER } from "fresh/runtime";
      import type { Row } from "../lib/server/row.ts";
      export default function Good({ row }: { row: Row }) {
        return <b>{IS_BROWSER ? "browser" : Deno.version.deno}{row.id}</b>;
      }`,
    "lib/server/row.ts": `import "node:fs"; export interface Row { id: number }`,
    "routes/index.tsx": `import Good from "../islands/Good.tsx";
      export default () => <Good row={{ id: 7 }} />;`,
  });
  assert.match(await textOf((await builtApp(tree))("/")), new RegExp(Deno.version.deno));
});

Deno.test("an island that cannot be bundled fails the build with the bundler's words", async () => {
  await using tree = await makeTree({
    "islands/Bad.tsx": `import { x } from "./missing.ts"; export default () => x;`,
  });
  await assert.rejects(builtApp(tree), /could not be bundled[^]*missing\.ts/);
});
